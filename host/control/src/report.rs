//! What the runner counts: for metrics, the status page, and tests.

use std::sync::atomic::{AtomicU64, Ordering};

use controllers::{Controller, Plan};

/// Counters of all controllers together.
#[derive(Debug, Default)]
pub struct Report {
    plans: AtomicU64,
    actions: AtomicU64,
    conflicts: AtomicU64,
    failures: AtomicU64,
    resync_found_work: AtomicU64,
    bound: AtomicU64,
}

/// The counters at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Looks at an object.
    pub plans: u64,
    /// Actions that were wanted.
    pub actions: u64,
    /// Plans that somebody else overtook.
    pub conflicts: u64,
    /// Plans that the server refused.
    pub failures: u64,
    /// Looks without a reason that found work; a missing wake-up, so this should stay zero.
    pub resync_found_work: u64,
    /// Pods given a node.
    pub bound: u64,
}

impl Report {
    /// The counters now.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            plans: read(&self.plans),
            actions: read(&self.actions),
            conflicts: read(&self.conflicts),
            failures: read(&self.failures),
            resync_found_work: read(&self.resync_found_work),
            bound: read(&self.bound),
        }
    }

    pub(crate) fn planned(&self, controller: &dyn Controller, plan: &Plan, for_nothing: bool) {
        self.plans.fetch_add(1, Ordering::Relaxed);
        self.actions.fetch_add(plan.actions.len() as u64, Ordering::Relaxed);
        if for_nothing && !plan.actions.is_empty() {
            self.resync_found_work.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(controller = controller.name(), "the resync found work");
        }
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn bound(&self) {
        self.bound.fetch_add(1, Ordering::Relaxed);
    }
}
