//! A bounded memory of costly answers, by the digest of what was asked.

use std::collections::HashMap;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

/// So many credentials are in use at the same time; with more, some are checked again.
const ENTRIES_MAX: usize = 2048;

type Key = [u8; 32];

#[derive(Debug)]
pub(super) struct Recent<V>(Mutex<HashMap<Key, V>>);

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

pub(super) fn digest(credential: &[u8]) -> Key {
    Sha256::digest(credential).into()
}

impl<V: Clone> Recent<V> {
    pub(super) fn get(&self, key: &Key) -> Option<V> {
        self.0.lock().get(key).cloned()
    }

    pub(super) fn put(&self, key: Key, value: V) {
        let mut entries = self.0.lock();
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(key, value);
    }
}
