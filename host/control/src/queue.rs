//! Which key is next: a plain structure that is told the time.
//!
//! A key is in the queue once, however often it is added. While it is worked on it is not handed out
//! again; what is added meanwhile waits for its end. Failures wait longer each time, up to a bound.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How long failed keys wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(5), most: Duration::from_secs(1000) }
    }
}

impl Backoff {
    fn after(self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.most)
    }
}

/// A queue of keys.
#[derive(Debug)]
pub(crate) struct Queue<K> {
    backoff: Backoff,
    ready: VecDeque<K>,
    queued: HashSet<K>,
    busy: HashSet<K>,
    /// Added while busy.
    again: HashSet<K>,
    due: HashMap<K, Instant>,
    timeline: BTreeSet<(Instant, K)>,
    failures: HashMap<K, u32>,
}

impl<K: Clone + Eq + Hash + Ord> Queue<K> {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            ready: VecDeque::new(),
            queued: HashSet::new(),
            busy: HashSet::new(),
            again: HashSet::new(),
            due: HashMap::new(),
            timeline: BTreeSet::new(),
            failures: HashMap::new(),
        }
    }

    /// Wants `key` looked at as soon as possible.
    pub(crate) fn add(&mut self, key: K) {
        if self.busy.contains(&key) {
            self.again.insert(key);
        } else if self.queued.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    /// Wants `key` looked at not later than `when`.
    pub(crate) fn add_at(&mut self, key: K, when: Instant) {
        if let Some(known) = self.due.get(&key).copied() {
            if known <= when {
                return;
            }
            self.timeline.remove(&(known, key.clone()));
        }
        self.due.insert(key.clone(), when);
        self.timeline.insert((when, key));
    }

    /// The next key, which is then busy until [`Self::done`].
    pub(crate) fn take(&mut self, now: Instant) -> Option<K> {
        while let Some((when, key)) = self.timeline.first().cloned() {
            if when > now {
                break;
            }
            self.timeline.pop_first();
            self.due.remove(&key);
            self.add(key);
        }
        let key = self.ready.pop_front()?;
        self.queued.remove(&key);
        self.busy.insert(key.clone());
        Some(key)
    }

    /// When [`Self::take`] has something without a further add.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timeline.first().map(|(when, _)| *when)
    }

    /// Whether a key can be taken now.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Ends the work on a key that went well.
    pub(crate) fn done(&mut self, key: &K) {
        self.failures.remove(key);
        self.release(key);
    }

    /// Ends the work on a key that did not go well, and wants it looked at again later.
    pub(crate) fn failed(&mut self, key: &K, now: Instant) -> Duration {
        let failures = self.failures.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        let wait = self.backoff.after(*failures);
        self.busy.remove(key);
        // What changed meanwhile waits too: it is looked at together with the rest.
        self.again.remove(key);
        self.add_at(key.clone(), now + wait);
        wait
    }

    /// Ends the work on a key without a judgement.
    pub(crate) fn release(&mut self, key: &K) {
        self.busy.remove(key);
        if self.again.remove(key) {
            self.add(key.clone());
        }
    }

    /// Keys that wait or are worked on.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.busy.len() + self.due.len()
    }
}

#[cfg(test)]
mod tests;
