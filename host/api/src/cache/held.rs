//! One object of a cache: typed while somebody asks for it, and otherwise as it is stored, if it can be had from there again.
//!
//! A typed Pod takes four times the memory of its JSON, which the store holds anyway. Of ten thousand Pods that nobody asks for, only the
//! latter is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::{Object, Reread};

/// So many objects of a cache stay typed, asked for or not.
const WARM_MIN: usize = 1_000;
/// With so many, those that nobody asks for are not kept for long.
const WARM_MAX: usize = 4_000;

/// How many objects of a cache are typed although they could be let go of.
#[derive(Debug)]
pub(super) struct Warm {
    count: AtomicUsize,
    /// With so many it is time to look which of them are asked for.
    many: AtomicUsize,
}

impl Default for Warm {
    fn default() -> Self {
        Self { count: AtomicUsize::new(0), many: AtomicUsize::new(WARM_MAX) }
    }
}

impl Warm {
    /// Whether there are more than are kept in any case.
    pub(super) fn is_over_min(&self) -> bool {
        self.count.load(Ordering::Relaxed) > WARM_MIN
    }

    /// Whether there are too many to wait.
    pub(super) fn are_many(&self) -> bool {
        self.count.load(Ordering::Relaxed) > self.many.load(Ordering::Relaxed)
    }

    /// It was looked which of them are asked for: it need not be again before there are some more.
    pub(super) fn looked_at(&self) {
        let next = self.count.load(Ordering::Relaxed) + WARM_MIN;
        self.many.store(next.max(WARM_MAX), Ordering::Relaxed);
    }

    fn add(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn remove(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(super) struct Held<K> {
    typed: Mutex<Typed<K>>,
    again: Option<Arc<dyn Reread>>,
}

#[derive(Debug)]
struct Typed<K> {
    /// None only if it can be read again.
    value: Option<Arc<K>>,
    /// Somebody asked since the last look at who does.
    is_used: bool,
}

impl<K: Object> Held<K> {
    pub(super) fn new(value: Arc<K>, again: Option<Arc<dyn Reread>>, warm: &Warm) -> Self {
        if again.is_some() {
            warm.add();
        }
        Self { typed: Mutex::new(Typed { value: Some(value), is_used: true }), again }
    }

    /// The object. None if it can no longer be read, which only a bug can bring about.
    pub(super) fn get(&self, warm: &Warm) -> Option<Arc<K>> {
        let mut typed = self.typed.lock();
        typed.is_used = true;
        if typed.value.is_none() {
            typed.value = self.again.as_ref()?.read().and_then(K::from_shared);
            if typed.value.is_some() {
                warm.add();
            }
        }
        typed.value.clone()
    }

    /// Lets go of it unless somebody asked for it since this was called last.
    pub(super) fn cool(&self, warm: &Warm) {
        let mut typed = self.typed.lock();
        if self.again.is_none() || std::mem::take(&mut typed.is_used) {
            return;
        }
        if typed.value.take().is_some() {
            warm.remove();
        }
    }

    /// The object, which leaves the cache.
    pub(super) fn into_inner(self, warm: &Warm) -> Option<Arc<K>> {
        let value = self.get(warm);
        if self.again.is_some() && value.is_some() {
            warm.remove();
        }
        value
    }
}
