//! The agent: one loop owns all Pods of the node, feeds their machines with what happens, and has the effects carried out.
//!
//! It makes true that what the API server has bound to this node runs here. It reads Pods, Services and `EndpointSlices` by watch, writes Pod
//! statuses and deletes Pods that have ended. Work happens in tasks that answer with one message; a Pod that waits has none. When the control
//! plane is away the loop goes on with what it knows, and a restarted process begins with what is on record.

mod alarms;
mod effects;
mod records;
mod reports;
mod run;
mod slot;
mod statics;
mod upkeep;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use api::Change;
use image::Wasm;
use jiff::Timestamp;
use k8s_openapi::api::core::v1 as core;
use runtime::Account;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use run::{Handle, Parts, StartError, run};

use crate::pod::{self, Effect, Event};
use crate::shared::Shared;
use crate::shell::Served;
use crate::static_pods;
use alarms::{Alarms, Due};
use records::Records;
use slot::Slot;

/// Messages of tasks on their way to the loop; a task that finds no room waits.
const INBOX: usize = 4096;
/// How often files of volumes are compared with what they come from.
const REFRESH_SECS: i64 = 60;
/// Messages taken before other sources are looked at.
const BATCH: usize = 256;

type Uid = Arc<str>;

/// What a task has to say.
#[derive(Debug)]
pub(crate) struct Message {
    uid: Uid,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Event(Event),
    Pulled {
        container: usize,
        image: pod::Image,
        wasm: Arc<Wasm>,
    },
    Begun {
        container: usize,
        instance: u32,
        served: Option<Served>,
        account: Option<Arc<Account>>,
    },
    Prepared(Result<std::net::IpAddr, String>),
    Reported(reports::Outcome),
    Refreshed,
    /// The API server answers (again); these are all Pods it knows.
    Known(HashSet<String>),
    /// These are all Pods that this node has from files.
    Static(BTreeMap<String, core::Pod>),
    /// The API server shows this static Pod now.
    Mirrored,
}

/// The loop's state.
#[derive(Debug)]
pub(crate) struct Agent {
    shared: Arc<Shared>,
    slots: HashMap<Uid, Slot>,
    addresses: net::Pool,
    alarms: Alarms,
    records: Records,
    reports: reports::Queue,
    sender: mpsc::Sender<Message>,
    inbox: mpsc::Receiver<Message>,
    tasks: TaskTracker,
    /// Events that effects caused at once.
    backlog: VecDeque<(Uid, Event)>,
}

impl Agent {
    fn new(shared: Arc<Shared>, records: Records, tasks: TaskTracker) -> Self {
        let (sender, inbox) = mpsc::channel(INBOX);
        Self {
            addresses: net::Pool::new(shared.config.pod_range),
            shared,
            slots: HashMap::new(),
            alarms: Alarms::default(),
            records,
            reports: reports::Queue::default(),
            sender,
            inbox,
            tasks,
            backlog: VecDeque::new(),
        }
    }

    /// Takes up the Pods on record.
    fn resume(&mut self, pods: Vec<core::Pod>) {
        let now = self.shared.now();
        for pod in pods {
            self.add(Arc::new(pod), now);
        }
    }

    async fn run(mut self, mut changes: api::Changes<core::Pod>, stop: CancellationToken) {
        let now = self.shared.now();
        self.survey(now);
        self.collect(now);
        loop {
            self.settle();
            let wake = self.wake_in();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                message = self.inbox.recv() => {
                    let mut next = message;
                    for _ in 0..BATCH {
                        let Some(message) = next else { break };
                        self.take(message);
                        self.settle();
                        next = self.inbox.try_recv().ok();
                    }
                    if let Some(message) = next {
                        self.take(message);
                    }
                }
                change = changes.next() => {
                    self.changed(&change);
                    for _ in 0..BATCH {
                        self.settle();
                        match changes.try_next() {
                            Some(change) => self.changed(&change),
                            None => break,
                        }
                    }
                }
                () = tokio::time::sleep(wake) => {}
            }
            self.ring();
        }
        for slot in self.slots.values() {
            for part in &slot.parts {
                part.stop.iter().for_each(runtime::Stop::kill);
            }
        }
    }

    fn wake_in(&self) -> Duration {
        const LONGEST: Duration = Duration::from_mins(1);
        let Some(next) = self.alarms.next() else { return LONGEST };
        let millis = next.as_millisecond().saturating_sub(self.shared.now().as_millisecond());
        // A clock that jumps is noticed within the longest sleep.
        Duration::from_millis(u64::try_from(millis).unwrap_or(0)).min(LONGEST)
    }

    fn ring(&mut self) {
        let now = self.shared.now();
        while let Some((due, uid)) = self.alarms.ring(now) {
            match due {
                Due::Step => {
                    let slot = self.slots.get_mut(&uid);
                    if let Some(slot) = slot
                        && slot.alarm.is_some_and(|alarm| alarm <= now)
                    {
                        slot.alarm = None;
                        self.backlog.push_back((uid, Event::Tick));
                    }
                }
                Due::Report => {
                    if self.slots.get(&uid).is_some_and(|slot| slot.report.is_stale) {
                        self.reports.push(&mut self.slots, &uid);
                    }
                }
                Due::Refresh => self.refresh(&uid, now),
                Due::Survey => self.survey(now),
                Due::Collect => self.collect(now),
            }
            self.settle();
        }
    }

    /// Feeds events until none is left, then sends reports.
    fn settle(&mut self) {
        while let Some((uid, event)) = self.backlog.pop_front() {
            self.feed(&uid, event);
        }
        self.send_reports();
    }

    fn feed(&mut self, uid: &Uid, event: Event) {
        let now = self.shared.now();
        let Some(slot) = self.slots.get_mut(uid) else { return };
        for effect in pod::step(&mut slot.state, event, now) {
            self.perform(uid, effect);
        }
        let Some(slot) = self.slots.get_mut(uid) else { return };
        let is_forgotten = slot.state.deleting.is_some_and(|deleting| deleting.is_removed);
        if slot.state.is_gone() && is_forgotten {
            self.drop_slot(uid);
            return;
        }
        let deadline = pod::machine::deadline(&slot.state);
        if deadline != slot.alarm {
            slot.alarm = deadline;
            if let Some(deadline) = deadline {
                self.alarms.set(deadline, Due::Step, uid);
            }
        }
    }

    fn take(&mut self, message: Message) {
        let Message { uid, body } = message;
        match body {
            Body::Event(event) => self.backlog.push_back((uid, event)),
            Body::Pulled { container, image, wasm } => {
                if let Some(slot) = self.slots.get_mut(&uid)
                    && let Some(part) = slot.parts.get_mut(container)
                {
                    part.image = Some(wasm);
                }
                self.backlog.push_back((uid, Event::Pulled { container, image }));
            }
            Body::Begun { container, instance, served, account } => {
                self.begun(&uid, container, instance, served, account.as_ref());
            }
            Body::Prepared(result) => self.prepared(uid, result),
            Body::Reported(outcome) => self.reported(&uid, outcome),
            Body::Refreshed => self.refreshed(&uid),
            Body::Known(known) => self.forget_unknown(&known),
            Body::Static(pods) => self.set_static(pods),
            Body::Mirrored => self.reports.push(&mut self.slots, &uid),
        }
    }

    /// A change that the API server tells of.
    fn changed(&mut self, change: &Change<core::Pod>) {
        let now = self.shared.now();
        let before = change.before.as_ref().and_then(|pod| pod.metadata.uid.as_deref());
        let after = change.after.as_ref().and_then(|pod| pod.metadata.uid.as_deref());
        if let Some(before) = before
            && after != Some(before)
        {
            self.removed(&Uid::from(before));
        }
        if let (Some(gone), None) = (&change.before, &change.after) {
            self.restore_mirror(gone);
        }
        let (Some(uid), Some(object)) = (after, &change.after) else { return };
        if static_pods::is_mirror(object) {
            return;
        }
        let uid = Uid::from(uid);
        if let Some(slot) = self.slots.get_mut(&uid) {
            let has_new_gates = gates(&slot.object) != gates(object);
            for container in slot.update(Arc::clone(object)) {
                self.backlog.push_back((Arc::clone(&uid), Event::Replaced { container }));
            }
            if has_new_gates {
                self.reports.push(&mut self.slots, &uid);
            }
        } else {
            // A name that an older Pod has here: the API server has forgotten that one.
            let (namespace, name) = (&object.metadata.namespace, &object.metadata.name);
            let older = self
                .shared
                .directory
                .get(namespace.as_deref().unwrap_or_default(), name.as_deref().unwrap_or_default());
            if let Some(older) = older {
                self.removed(&Uid::from(&*older.uid));
            }
            self.add(Arc::clone(object), now);
        }
        if object.metadata.deletion_timestamp.is_some() {
            let grace_secs = object.metadata.deletion_grace_period_seconds.unwrap_or(0);
            self.backlog.push_back((uid, Event::Delete { grace_secs }));
        }
    }

    fn add(&mut self, object: Arc<core::Pod>, now: Timestamp) {
        let Some(uid) = object.metadata.uid.as_deref().map(Uid::from) else { return };
        let mut slot = Slot::new(object, now);
        slot.ip = self.known_address(&slot);
        let listed = slot.listed(&uid, self.shared.machine.ip);
        self.shared.directory.set(slot.namespace(), slot.name(), listed);
        self.slots.insert(Arc::clone(&uid), slot);
        self.backlog.push_back((uid, Event::Tick));
    }

    /// The address that a Pod had before this process, if it is still free: a Pod keeps its address as long as it lives.
    fn known_address(&mut self, slot: &Slot) -> Option<std::net::IpAddr> {
        if slot.state.end().is_some() {
            return None;
        }
        let ip = slot.object.status.as_ref()?.pod_ip.as_ref()?.parse().ok()?;
        self.addresses.adopt(ip).then_some(std::net::IpAddr::V4(ip))
    }

    /// The API server has forgotten a Pod.
    fn removed(&mut self, uid: &Uid) {
        match self.slots.get(uid) {
            Some(slot) if slot.state.is_gone() => self.drop_slot(uid),
            Some(_) => self.backlog.push_back((Arc::clone(uid), Event::Removed)),
            None => {}
        }
    }

    /// Removes Pods that are on record and that the API server, now that it answers, does not know.
    fn forget_unknown(&mut self, known: &HashSet<String>) {
        let unknown: Vec<Uid> = self
            .slots
            .iter()
            .filter(|(uid, slot)| !slot.is_static && !known.contains(&***uid))
            .map(|(uid, _)| Arc::clone(uid))
            .collect();
        for uid in unknown {
            self.removed(&uid);
        }
    }

    /// The same, as soon as the API server answers.
    fn forget_when_synced(&self, pods: api::Cache<core::Pod>, stop: CancellationToken) {
        let sender = self.sender.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => return,
                () = pods.ready() => {}
            }
            let uids = pods.list().iter().filter_map(|pod| pod.metadata.uid.clone()).collect();
            let message = Message { uid: Uid::from(""), body: Body::Known(uids) };
            // The loop is gone only when the process ends.
            let _ = sender.send(message).await;
        });
    }

    fn drop_slot(&mut self, uid: &Uid) {
        let Some(slot) = self.slots.remove(uid) else { return };
        self.shared.directory.remove(slot.namespace(), slot.name(), uid);
        let (shared, records, uid) =
            (Arc::clone(&self.shared), self.records.clone(), Arc::clone(uid));
        self.tasks.spawn_blocking(move || {
            shared.logs.remove(&uid);
            records.remove(&uid);
        });
    }

    fn perform(&mut self, uid: &Uid, effect: Effect) {
        match effect {
            Effect::Prepare => self.prepare(uid),
            Effect::Pull { container } => self.pull(uid, container),
            Effect::Start { container, instance } => self.start(uid, container, instance),
            Effect::PostStart { container, instance } => {
                self.hook(uid, container, instance, None);
            }
            Effect::PreStop { container, instance, within_secs } => {
                self.hook(uid, container, instance, Some(within_secs));
            }
            Effect::Stop { container, instance } => self.stop(uid, container, instance),
            Effect::Kill { container, instance } => self.kill(uid, container, instance),
            Effect::Probe { container, instance, kind } => {
                self.probe(uid, container, instance, kind);
            }
            Effect::TearDown => self.tear_down(uid),
            Effect::DeleteObject => self.delete_object(uid),
            Effect::Record(note) => self.record(uid, note),
            Effect::Report => self.report(uid),
        }
    }
}

/// The conditions that readiness gates wait for.
fn gates(pod: &core::Pod) -> Vec<(&str, &str)> {
    let gates = pod.spec.iter().flat_map(|spec| spec.readiness_gates.iter().flatten());
    let conditions = || pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    gates
        .filter_map(|gate| {
            let condition = conditions().find(|known| known.type_ == gate.condition_type)?;
            Some((condition.type_.as_str(), condition.status.as_str()))
        })
        .collect()
}
