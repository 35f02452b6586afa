//! Where writers meet the writer thread: transactions are decided here, one at a time, and gathered into the next group.
//!
//! What a transaction sees may be younger than what is durable. So even a refusal waits for the group it belongs to: nobody is told
//! of a state that a crash could still take back.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use meta::Revision;
use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::snapshot::Snapshot;
use crate::store::Shared;
use crate::write::{Head, Refused};
use crate::{CommitError, Committed, Event, Fault, Op, Transaction};

type Outcome = Result<Committed, CommitError>;

/// The transactions that wait to be made durable.
pub(crate) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

struct State {
    head: Head,
    group: Group,
    compactions: Vec<Compaction>,
    closing: Vec<oneshot::Sender<()>>,
    is_closing: bool,
    is_closed: bool,
    fault: Option<Arc<Fault>>,
    /// Whether there was too little room on the disk when last looked.
    is_short: bool,
}

/// Transactions that are made durable together.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) answers: Vec<Answer>,
}

/// What a writer is told once its group is durable.
pub(crate) struct Answer {
    to: oneshot::Sender<Outcome>,
    outcome: Outcome,
    _room: OwnedSemaphorePermit,
}

/// A request to drop history; answered by dropping the sender.
pub(crate) struct Compaction {
    pub(crate) to: Revision,
    pub(crate) _done: oneshot::Sender<()>,
}

/// What has become of a transaction that was handed in.
pub(crate) enum Submitted {
    Done(Committed),
    Waiting(oneshot::Receiver<Outcome>),
}

/// What the writer has to do next.
pub(crate) struct Work {
    pub(crate) group: Group,
    /// The state after the group.
    pub(crate) after: Snapshot,
    pub(crate) compactions: Vec<Compaction>,
    pub(crate) is_closing: bool,
}

impl Queue {
    pub(crate) fn new(head: Head) -> Self {
        let state = State {
            head,
            group: Group::default(),
            compactions: Vec::new(),
            closing: Vec::new(),
            is_closing: false,
            is_closed: false,
            fault: None,
            is_short: false,
        };
        Self { state: Mutex::new(state), ready: Condvar::new() }
    }

    /// Takes what there is to do; waits for it, but not longer than `idle`.
    pub(crate) fn take(&self, idle: Option<Duration>) -> Work {
        let mut state = self.state.lock();
        if state.is_idle() {
            match idle {
                Some(idle) => {
                    self.ready.wait_while_for(&mut state, |state| state.is_idle(), idle);
                }
                None => self.ready.wait_while(&mut state, |state| state.is_idle()),
            }
        }
        Work {
            group: std::mem::take(&mut state.group),
            after: Snapshot { entries: state.head.entries.clone(), revision: state.head.revision },
            compactions: std::mem::take(&mut state.compactions),
            is_closing: state.is_closing,
        }
    }

    /// Accepts no more writes, since one has failed.
    pub(crate) fn fail(&self, fault: &Arc<Fault>) {
        let mut state = self.state.lock();
        state.fault.get_or_insert_with(|| Arc::clone(fault));
        // These were decided on top of what has failed.
        let orphans = std::mem::take(&mut state.group);
        drop(state);
        orphans.fail(&CommitError::ReadOnly(Arc::clone(fault)));
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.state.lock().fault.is_some()
    }

    pub(crate) fn set_short(&self, is_short: bool) {
        self.state.lock().is_short = is_short;
    }

    pub(crate) fn ask_to_compact(&self, to: Revision) -> oneshot::Receiver<()> {
        let (done, answer) = oneshot::channel();
        let mut state = self.state.lock();
        if !state.is_closed {
            state.compactions.push(Compaction { to, _done: done });
            self.ready.notify_one();
        }
        answer
    }

    pub(crate) fn close(&self) -> oneshot::Receiver<()> {
        let (done, answer) = oneshot::channel();
        let mut state = self.state.lock();
        state.is_closing = true;
        if !state.is_closed {
            state.closing.push(done);
            self.ready.notify_one();
        }
        answer
    }

    /// The writer has finished.
    pub(crate) fn closed(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.closing.clear();
        state.compactions.clear();
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.group.answers.is_empty() && self.compactions.is_empty() && !self.is_closing
    }
}

impl Group {
    pub(crate) fn fail(self, error: &CommitError) {
        for Answer { to, .. } in self.answers {
            // Whoever has stopped waiting does not want to know.
            let _ = to.send(Err(error.clone()));
        }
    }

    pub(crate) fn succeed(self) {
        for Answer { to, outcome, .. } in self.answers {
            let _ = to.send(outcome);
        }
    }
}

impl Shared {
    /// Decides a transaction and puts it into the next group.
    pub(crate) fn submit(
        &self,
        transaction: Transaction,
        room: OwnedSemaphorePermit,
    ) -> Result<Submitted, CommitError> {
        let mut state = self.queue.state.lock();
        if state.is_closing {
            return Err(CommitError::Closed);
        }
        if let Some(fault) = &state.fault {
            return Err(CommitError::ReadOnly(Arc::clone(fault)));
        }
        if state.is_short && transaction.ops.iter().any(|op| matches!(op, Op::Put { .. })) {
            self.check_room(&mut state)?;
        }
        let outcome = match state.head.apply(transaction) {
            Ok(applied) => {
                self.counters.commits.fetch_add(1, Relaxed);
                self.counters.events.fetch_add(applied.events.len() as u64, Relaxed);
                state.group.events.extend(applied.events);
                Ok(applied.committed)
            }
            Err(Refused { index, current }) => {
                self.counters.refusals.fetch_add(1, Relaxed);
                Err(CommitError::Failed { index, current })
            }
        };
        if self.delivered.load(Acquire) >= state.head.revision.0 {
            return outcome.map(Submitted::Done);
        }
        let (to, answer) = oneshot::channel();
        let is_first = state.group.answers.is_empty();
        state.group.answers.push(Answer { to, outcome, _room: room });
        drop(state);
        if is_first {
            self.queue.ready.notify_one();
        }
        Ok(Submitted::Waiting(answer))
    }

    /// Looks at the disk again, as whoever is refused may have made room.
    fn check_room(&self, state: &mut State) -> Result<(), CommitError> {
        let free = self.gauge.as_ref().and_then(|gauge| gauge()).unwrap_or(u64::MAX);
        let reserve = self.config.reserve_bytes;
        if free < reserve {
            return Err(CommitError::Full { free, reserve });
        }
        state.is_short = false;
        Ok(())
    }
}
