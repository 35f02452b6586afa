//! Brings each change to the logs that are watched, and takes it out of them when history ends.
//!
//! There are topics at three depths: everything (the empty prefix), a resource (`pods/`) and a namespace of it (`pods/default/`). One exists only
//! while somebody watches it, filled from history when the first reader comes; so a change is put into three logs at most, however
//! many are watched, and who watches another resource or another namespace is not woken.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use meta::Revision;

use crate::history::{Eviction, History};
use crate::topic::Topic;
use crate::{Event, SnapshotError};

/// History and the topics that are watched.
#[derive(Default)]
pub(crate) struct Feed {
    pub(crate) history: History,
    topics: HashMap<Box<str>, Arc<Topic>>,
    is_closed: bool,
}

/// A reader's place in a topic.
pub(crate) struct Subscription {
    pub(crate) topic: Arc<Topic>,
    pub(crate) place: usize,
    pub(crate) position: u64,
}

impl Feed {
    pub(crate) fn new(history: History) -> Self {
        Self { history, ..Self::default() }
    }

    /// Adds changes in the order of their revisions; gives who waits for them.
    pub(crate) fn push(&mut self, events: &[Arc<Event>]) -> Vec<Waker> {
        let mut woken = Vec::new();
        for event in events {
            self.history.push(Arc::clone(event));
            for topic in depths(event.entry.key.as_str()) {
                if let Some(topic) = self.topics.get(topic) {
                    topic.push(Arc::clone(event), &mut woken);
                }
            }
        }
        woken
    }

    pub(crate) fn subscribe(
        &mut self,
        prefix: &str,
        from: Revision,
    ) -> Result<Subscription, SnapshotError> {
        let oldest = self.history.compacted();
        let name = topic_of(prefix);
        let topic = match self.topics.get(name) {
            Some(topic) => Arc::clone(topic),
            None => self.open_topic(name),
        };
        // Who has missed nothing of a topic may come back from before history.
        if from < oldest && !topic.has_all_after(from) {
            return Err(SnapshotError::Expired { oldest });
        }
        let (place, position) = topic.join(from);
        Ok(Subscription { topic, place, position })
    }

    fn open_topic(&mut self, name: &str) -> Arc<Topic> {
        let events: VecDeque<_> = self
            .history
            .events()
            .filter(|event| event.entry.key.as_str().starts_with(name))
            .cloned()
            .collect();
        let shed = self.history.past().revisions_for(name);
        let topic = Arc::new(Topic::new(events, shed, self.history.compacted()));
        if self.is_closed {
            topic.close(&mut Vec::new());
        }
        self.topics.insert(name.into(), Arc::clone(&topic));
        topic
    }

    /// Takes the oldest events out of memory until the rest takes no more than this.
    pub(crate) fn shed(&mut self, bytes: u64) {
        while self.history.bytes() > bytes && self.shed_one(Revision(u64::MAX)) {}
    }

    /// Drops what a step of compaction has dropped from the disk.
    pub(crate) fn evict(&mut self, eviction: &Eviction) {
        while self.shed_one(eviction.to) {}
        self.history.compact(eviction.to, eviction.reason);
        for topic in self.topics.values() {
            topic.compact(eviction.to);
        }
    }

    fn shed_one(&mut self, to: Revision) -> bool {
        let Some(event) = self.history.shed(to) else { return false };
        for topic in depths(event.entry.key.as_str()) {
            if let Some(topic) = self.topics.get(topic) {
                topic.shed(&event);
            }
        }
        true
    }

    /// Drops the topics that nobody watches any more.
    pub(crate) fn drop_unwatched(&mut self) {
        self.topics.retain(|_, topic| topic.readers() > 0);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(crate) fn is_watched(&self) -> bool {
        !self.topics.is_empty()
    }

    pub(crate) fn watches(&self) -> usize {
        self.topics.values().map(|topic| topic.readers()).sum()
    }

    /// Ends all watches once they have read what there is.
    pub(crate) fn close(&mut self) -> Vec<Waker> {
        self.is_closed = true;
        let mut woken = Vec::new();
        for topic in self.topics.values() {
            topic.close(&mut woken);
        }
        woken
    }
}

/// The topics that a key belongs to.
fn depths(key: &str) -> impl Iterator<Item = &str> {
    let ends = key.match_indices('/').map(|(slash, _)| slash + 1).take(2);
    std::iter::once(0).chain(ends).map(|end| key.split_at(end).0)
}

/// The deepest topic that has every key with this prefix.
fn topic_of(prefix: &str) -> &str {
    depths(prefix).last().unwrap_or_default()
}

#[cfg(test)]
mod tests;
