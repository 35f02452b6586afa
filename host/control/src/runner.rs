//! The one loop for all controllers.
//!
//! A change wakes keys; a key is taken once its controller's last writes are visible, looked at,
//! planned, and the plan carried out. Conflicts look again, failures wait. Every few minutes all
//! keys are looked at without a reason: that this never finds work is counted, and shows that no
//! wake-up is missing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use controllers::{Action, Controller, Facts, Failure, Heed, Key, Look, Plan, Which};
use meta::Clock;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::apply::{Outcome, SharedApplier};
use crate::caches::Caches;
use crate::collector::Collector;
use crate::pending::{Need, Pending};
use crate::queue::{Backoff, Queue};
use crate::report::Report;

/// How long a key waits for its own writes to show before it is looked at anyway.
const STALE_MAX: Duration = Duration::from_secs(30);
/// How often every key is looked at without a reason.
const RESYNC: Duration = Duration::from_mins(10);

/// Runs one controller.
pub(crate) struct Runner {
    controller: Box<dyn Controller>,
    caches: Arc<Caches>,
    applier: SharedApplier,
    clock: Arc<dyn Clock>,
    facts: Arc<Facts>,
    inventory: Arc<Collector>,
    report: Arc<Report>,
    state: Mutex<State>,
    wake: Notify,
}

struct State {
    queue: Queue<Key>,
    pending: Pending,
    failures: HashMap<Key, Failure>,
    /// Keys that only the resync wants looked at.
    resync: HashSet<Key>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("controller", &self.controller).finish_non_exhaustive()
    }
}

impl Runner {
    pub(crate) fn new(
        controller: Box<dyn Controller>,
        caches: Arc<Caches>,
        applier: SharedApplier,
        clock: Arc<dyn Clock>,
        facts: Arc<Facts>,
        inventory: Arc<Collector>,
        report: Arc<Report>,
    ) -> Arc<Self> {
        let state = State {
            queue: Queue::new(Backoff::default()),
            pending: Pending::default(),
            failures: HashMap::new(),
            resync: HashSet::new(),
        };
        let state = Mutex::new(state);
        let wake = Notify::new();
        Arc::new(Self { controller, caches, applier, clock, facts, inventory, report, state, wake })
    }

    /// Waits for the caches and begins to listen; then [`Self::work`] may be called, as often as
    /// keys shall be worked on at once.
    pub(crate) async fn listen(self: &Arc<Self>) {
        let mut kinds = Vec::new();
        for watch in self.controller.watches() {
            kinds.push(watch.which);
            self.caches.handle(watch.which).ready().await;
        }
        for watch in self.controller.watches() {
            let (runner, which) = (Arc::downgrade(self), watch.which);
            let sources = self.caches.sources.clone();
            self.caches.handle(which).observe(Box::new(move |key, before, after| {
                let Some(runner) = runner.upgrade() else { return };
                runner.woken(watch.keys(&sources, before, after), which, key);
            }));
        }
        if let Some(heed) = self.controller.watches_inventory() {
            let runner = Arc::downgrade(self);
            self.inventory.observe(Box::new(move |namespace, change| {
                if change != heed && heed != Heed::Changes {
                    return;
                }
                let Some(runner) = runner.upgrade() else { return };
                runner.state.lock().queue.add(Key::new("", namespace));
                runner.wake.notify_one();
            }));
        }
        let runner = Arc::downgrade(self);
        let sources = self.caches.sources.clone();
        self.inventory.observe_resources(Box::new(move |resource| {
            let Some(runner) = runner.upgrade() else { return };
            if let Some(key) = runner.controller.key_of_resource(&sources, resource) {
                runner.state.lock().queue.add(key);
                runner.wake.notify_one();
            }
        }));
        kinds.sort_unstable();
        kinds.dedup();
        for which in kinds {
            let runner = Arc::downgrade(self);
            self.caches.handle(which).observe_revision(Box::new(move |revision| {
                let Some(runner) = runner.upgrade() else { return };
                let mut state = runner.state.lock();
                let woken = state.pending.reached(which, revision);
                let any = !woken.is_empty();
                for key in woken {
                    state.queue.add(key);
                }
                drop(state);
                if any {
                    runner.wake.notify_one();
                }
            }));
        }
    }

    fn woken(&self, keys: Vec<Key>, which: Which, object: &Key) {
        let mut state = self.state.lock();
        let waiting = state.pending.changed(which, object);
        let any = !keys.is_empty() || !waiting.is_empty();
        for key in keys.into_iter().chain(waiting) {
            state.resync.remove(&key);
            state.queue.add(key);
        }
        drop(state);
        if any {
            self.wake.notify_one();
        }
    }

    /// Works on keys until dropped.
    pub(crate) async fn work(self: Arc<Self>) {
        loop {
            let key = self.next().await;
            self.look(key).await;
        }
    }

    async fn next(&self) -> Key {
        loop {
            let due = {
                let mut state = self.state.lock();
                if let Some(key) = state.queue.take(Instant::now()) {
                    // One notification wakes one worker: pass it on while there is more.
                    if state.queue.has_ready() {
                        self.wake.notify_one();
                    }
                    return key;
                }
                state.queue.next_due()
            };
            match due {
                None => self.wake.notified().await,
                Some(due) => {
                    let due = tokio::time::Instant::from_std(due);
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep_until(due) => {}
                    }
                }
            }
        }
    }

    async fn look(&self, key: Key) {
        if !self.is_clear(&key) {
            return;
        }
        let failure = self.state.lock().failures.get(&key).cloned();
        let plan = self.plan(&key, failure.as_ref());
        let for_nothing = self.state.lock().resync.remove(&key);
        self.report.planned(&*self.controller, &plan, for_nothing);
        if plan.actions.is_empty() && failure.is_none() {
            let mut state = self.state.lock();
            state.queue.done(&key);
            self.wake_after(&mut state, &key, &plan);
            return;
        }
        let mut needs = Vec::new();
        // Most workers wait: on the heap, what they need to write is there only while they do.
        let outcome = Box::pin(self.applier.apply(plan.actions.clone(), &mut needs)).await;
        if let Outcome::Failed(failed) = &outcome
            && failure.as_ref() != Some(failed)
        {
            // The status tells of the failure at once; the rest waits.
            let mut told = self.plan(&key, Some(failed));
            told.actions.retain(|action| matches!(action, Action::UpdateStatus { .. }));
            Box::pin(self.applier.apply(told.actions, &mut needs)).await;
        }
        self.settle(&key, &plan, outcome, failure.is_some(), needs);
    }

    /// Whether the key may be planned; if not it waits without being busy.
    fn is_clear(&self, key: &Key) -> bool {
        let mut state = self.state.lock();
        let caches = &self.caches;
        let clear = state.pending.is_clear(key, |need| match need {
            Need::Revision(which, revision) => caches.handle(*which).revision() >= *revision,
            Need::Gone(which, object, uid) => caches.handle(*which).is_going(object, uid),
        });
        if !clear {
            state.queue.release(key);
            let give_up = Instant::now() + STALE_MAX;
            state.queue.add_at(key.clone(), give_up);
        }
        clear
    }

    fn plan(&self, key: &Key, failure: Option<&Failure>) -> Plan {
        let now = crate::events::whole_second(self.clock.now());
        let look = Look {
            sources: &self.caches.sources,
            now,
            inventory: &*self.inventory,
            failure,
            facts: &self.facts,
        };
        self.controller.plan(&look, key)
    }

    fn settle(&self, key: &Key, plan: &Plan, outcome: Outcome, had_failed: bool, needs: Vec<Need>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.pending.expect(key, needs);
        match outcome {
            Outcome::Done => {
                state.queue.done(key);
                self.wake_after(&mut state, key, plan);
                state.failures.remove(key);
                if had_failed {
                    // The status still tells of the failure.
                    state.queue.add(key.clone());
                    self.wake.notify_one();
                }
            }
            Outcome::Conflict => {
                self.report.conflict();
                state.queue.failed(key, now);
                self.wake.notify_one();
            }
            Outcome::Failed(failure) => {
                self.report.failure();
                state.failures.insert(key.clone(), failure);
                state.queue.failed(key, now);
                self.wake.notify_one();
            }
        }
    }

    fn wake_after(&self, state: &mut State, key: &Key, plan: &Plan) {
        if let Some(wait) = plan.wake_after {
            state.queue.add_at(key.clone(), Instant::now() + wait);
            self.wake.notify_one();
        }
    }

    /// The safety net: looks at every key, rarely.
    pub(crate) async fn resync(self: Arc<Self>) {
        let Some(primary) = self.controller.watches().first().map(|watch| watch.which) else {
            return;
        };
        loop {
            tokio::time::sleep(RESYNC).await;
            let keys = self.caches.handle(primary).keys();
            let mut state = self.state.lock();
            for key in keys {
                state.pending.forget(&key);
                state.resync.insert(key.clone());
                state.queue.add(key);
            }
            drop(state);
            self.wake.notify_one();
        }
    }
}
