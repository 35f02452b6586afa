//! The one clock of all Pods: what is due when. A Pod that waits for nothing costs nothing here.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use jiff::Timestamp;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The machine wants to look.
    Step,
    /// A status was held back for a moment.
    Report,
    /// Files of volumes may be out of date.
    Refresh,
    /// All functions are looked at for crashes.
    Survey,
    /// Images that nobody uses are removed.
    Collect,
}

/// Moments, earliest first. An alarm may ring in vain: whoever set it may have changed its mind.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    heap: BinaryHeap<Reverse<(Timestamp, Due, Arc<str>)>>,
}

impl Alarms {
    pub(super) fn set(&mut self, at: Timestamp, due: Due, uid: &Arc<str>) {
        self.heap.push(Reverse((at, due, Arc::clone(uid))));
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Takes one that is due.
    pub(super) fn ring(&mut self, now: Timestamp) -> Option<(Due, Arc<str>)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, due, uid))| (due, uid))
    }
}
