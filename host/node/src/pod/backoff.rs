//! How long to wait before trying again: not at all at first, then 10 s, doubling up to 5 minutes; a long success starts over.
//!
//! The same rule serves restarts and image pulls; only what counts as "at first" differs.
//! <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy>

use jiff::Timestamp;

use super::after_secs;

const FIRST_SECS: i64 = 10;
const LONGEST_SECS: i64 = 300;
/// A container that ran this long is no longer a failing one.
const FORGIVEN_AFTER_SECS: i64 = 600;

/// The waits of one container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// What the next wait is; zero before the first failure.
    next_secs: i64,
    last_try: Option<Timestamp>,
}

impl Backoff {
    /// The wait that a failure at `failed` costs, counted from then. Answers its end and its length.
    pub(crate) fn fail(&mut self, failed: Timestamp) -> (Timestamp, i64) {
        let is_forgiven =
            self.last_try.is_some_and(|last| failed >= after_secs(last, FORGIVEN_AFTER_SECS));
        if is_forgiven {
            self.next_secs = 0;
        }
        let wait = self.next_secs;
        self.next_secs = (wait * 2).clamp(FIRST_SECS, LONGEST_SECS);
        (after_secs(failed, wait), wait)
    }

    /// Something was tried (again) now.
    pub(crate) fn tried(&mut self, now: Timestamp) {
        self.last_try = Some(now);
    }

    /// A series that waits before its first retry, too.
    pub(crate) fn eager() -> Self {
        Self { next_secs: FIRST_SECS, last_try: None }
    }

    /// A container that has been restarted this often before this process began.
    pub(crate) fn after_restarts(count: u32) -> Self {
        let doublings = count.saturating_sub(1).min(8);
        let next_secs = if count == 0 { 0 } else { (FIRST_SECS << doublings).min(LONGEST_SECS) };
        Self { next_secs, last_try: None }
    }
}

#[cfg(test)]
#[test]
fn waits_double_up_to_five_minutes_and_a_long_run_forgives() {
    let start = Timestamp::UNIX_EPOCH;
    let mut backoff = Backoff::default();
    let mut waits = Vec::new();
    let mut now = start;
    for _ in 0..8 {
        backoff.tried(now);
        let (until, wait) = backoff.fail(now);
        waits.push(wait);
        now = until;
    }
    assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
    backoff.tried(now);
    assert_eq!(backoff.fail(after_secs(now, 599)).1, 300);
    backoff.tried(now);
    assert_eq!(backoff.fail(after_secs(now, 600)).1, 0);
    assert_eq!(Backoff::after_restarts(3).next_secs, 40);
    assert_eq!(Backoff::after_restarts(99).next_secs, 300);
}
