//! The rule of stale caches: a key is not planned again before the caches show its last writes.
//!
//! A plain structure. A write is shown when its resource's cache has reached the write's revision; a
//! delete, whose answer may carry no revision, when the object is gone or going.

use std::collections::{BTreeMap, HashMap};

use controllers::{Key, Which};
use meta::Revision;

/// What a cache must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The cache of this kind has come this far.
    Revision(Which, Revision),
    /// The object of this uid is gone or going.
    Gone(Which, Key, String),
}

/// Needs of keys, and who waits for which.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    needs: HashMap<Key, Vec<Need>>,
    by_revision: BTreeMap<(Which, Revision), Vec<Key>>,
    by_object: HashMap<(Which, Key), Vec<Key>>,
}

impl Pending {
    /// Remembers what the writes of a key have to show before it is planned again.
    pub(crate) fn expect(&mut self, key: &Key, needs: Vec<Need>) {
        if needs.is_empty() {
            return;
        }
        // Of one kind only the latest revision matters.
        let known = self.needs.entry(key.clone()).or_default();
        for need in needs {
            if let Need::Revision(which, revision) = need
                && let Some(Need::Revision(_, latest)) = known
                    .iter_mut()
                    .find(|need| matches!(need, Need::Revision(other, _) if *other == which))
            {
                *latest = revision.max(*latest);
            } else {
                known.push(need);
            }
        }
    }

    /// Whether `key` may be planned now. If not, it waits for the first thing that is missing.
    pub(crate) fn is_clear(&mut self, key: &Key, shown: impl Fn(&Need) -> bool) -> bool {
        let Some(needs) = self.needs.get_mut(key) else { return true };
        needs.retain(|need| !shown(need));
        match needs.first() {
            None => {
                self.needs.remove(key);
                return true;
            }
            Some(Need::Revision(which, revision)) => {
                self.by_revision.entry((*which, *revision)).or_default().push(key.clone());
            }
            Some(Need::Gone(which, object, _)) => {
                self.by_object.entry((*which, object.clone())).or_default().push(key.clone());
            }
        }
        false
    }

    /// The keys that waited for a cache to come this far.
    pub(crate) fn reached(&mut self, which: Which, revision: Revision) -> Vec<Key> {
        let mut woken = Vec::new();
        while let Some(entry) =
            self.by_revision.range((which, Revision(0))..=(which, revision)).next()
        {
            let at = *entry.0;
            woken.extend(self.by_revision.remove(&at).into_iter().flatten());
        }
        woken
    }

    /// The keys that waited for a change of an object.
    pub(crate) fn changed(&mut self, which: Which, object: &Key) -> Vec<Key> {
        if self.by_object.is_empty() {
            return Vec::new();
        }
        self.by_object.remove(&(which, object.clone())).unwrap_or_default()
    }

    /// Gives up waiting: the watch may have lost what is waited for.
    pub(crate) fn forget(&mut self, key: &Key) {
        self.needs.remove(key);
    }
}

#[cfg(test)]
mod tests;
