//! Pods that wait for a node: a plain structure that is told the time.
//!
//! Higher priority first, then who came first. A Pod that was refused waits apart until something
//! changed that may help, and longer after each refusal, so that a crowd of hopeless Pods does not
//! keep the others waiting.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduler::Pending;

const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Place in the line.
type Place = (Reverse<i32>, u64);

#[derive(Debug, Default)]
pub(crate) struct Waiting {
    line: BTreeMap<Place, Arc<str>>,
    known: BTreeMap<Arc<str>, Known>,
    /// Who comes back to the line, and when.
    due: BTreeSet<(Instant, Arc<str>)>,
    /// Who was refused and waits for a change.
    apart: BTreeSet<Arc<str>>,
    arrivals: u64,
}

#[derive(Debug)]
struct Known {
    pod: Arc<Pending>,
    place: Place,
    refusals: u32,
    due: Option<Instant>,
    /// When it was last decided on.
    tried: Option<Instant>,
}

impl Waiting {
    /// A Pod that needs a node, or one that now asks for something else.
    pub(crate) fn add(&mut self, pod: Arc<Pending>, priority: i32) {
        self.remove(&pod.uid);
        self.arrivals += 1;
        let place = (Reverse(priority), self.arrivals);
        let uid = pod.uid.clone();
        self.line.insert(place, uid.clone());
        self.known.insert(uid, Known { pod, place, refusals: 0, due: None, tried: None });
    }

    pub(crate) fn remove(&mut self, uid: &str) {
        let Some(known) = self.known.remove(uid) else { return };
        self.line.remove(&known.place);
        self.apart.remove(uid);
        if let Some(due) = known.due {
            self.due.remove(&(due, known.pod.uid.clone()));
        }
    }

    /// The next Pod to decide on. It is not in the line until it is refused or fails.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Arc<Pending>> {
        while let Some((when, uid)) = self.due.first().cloned() {
            if when > now {
                break;
            }
            self.due.pop_first();
            if let Some(known) = self.known.get_mut(&uid) {
                known.due = None;
                self.line.insert(known.place, uid);
            }
        }
        let (_, uid) = self.line.pop_first()?;
        let known = self.known.get_mut(&uid)?;
        known.tried = Some(now);
        Some(known.pod.clone())
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(when, _)| *when)
    }

    /// Nothing fits; try again when something changed, or at `latest`.
    pub(crate) fn refused(&mut self, pod: &Pending, latest: Instant) {
        self.put_off(&pod.uid, latest);
        self.apart.insert(pod.uid.clone());
        if let Some(known) = self.known.get_mut(&pod.uid) {
            known.refusals = known.refusals.saturating_add(1);
        }
    }

    /// The binding could not be written; try again soon.
    pub(crate) fn failed(&mut self, pod: &Pending, now: Instant) {
        self.put_off(&pod.uid, now + BACKOFF_MIN);
    }

    /// Refused Pods come back, each after its back-off.
    pub(crate) fn something_changed(&mut self, now: Instant) {
        for uid in std::mem::take(&mut self.apart) {
            let Some(known) = self.known.get(&uid) else { continue };
            let factor = 1 << known.refusals.saturating_sub(1).min(10);
            let wait = (BACKOFF_MIN * factor).min(BACKOFF_MAX);
            self.put_off(&uid, known.tried.map_or(now, |tried| tried + wait));
        }
    }

    /// Comes back at `when`, or earlier if that was meant already.
    fn put_off(&mut self, uid: &str, when: Instant) {
        let Some(known) = self.known.get_mut(uid) else { return };
        let uid = known.pod.uid.clone();
        if let Some(due) = known.due {
            if due <= when {
                return;
            }
            self.due.remove(&(due, uid.clone()));
        }
        known.due = Some(when);
        self.due.insert((when, uid));
    }
}

#[cfg(test)]
mod tests;
