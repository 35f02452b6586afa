//! A budget that is refilled once a period: CPU time and output bytes are both spent from one.
//!
//! As with the quota of Linux' scheduler, all of a period's budget is there at its start, and who
//! overdraws waits for as many periods as the debt is worth. Waiting for whole periods instead of
//! for the next free unit keeps the number of timers small when thousands of guests are throttled.
//! Pure: time is an argument.

use std::time::{Duration, Instant};

/// Long enough that a timer's own error does not matter, short enough that a throttled guest still
/// feels alive.
pub(crate) const PERIOD: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Bucket {
    /// Units that every period brings. Unspent units are lost at its end.
    per_period: i64,
    left: i64,
    period_start: Instant,
}

impl Bucket {
    pub(crate) fn new(per_period: u64, now: Instant) -> Self {
        let per_period = i64::try_from(per_period.max(1)).unwrap_or(i64::MAX);
        Self { per_period, left: per_period, period_start: now }
    }

    /// Takes `amount`, which may leave a debt: the work it pays for is already done.
    pub(crate) fn spend(&mut self, amount: u64, now: Instant) {
        self.refill(now);
        self.left = self.left.saturating_sub(i64::try_from(amount).unwrap_or(i64::MAX));
    }

    /// When there is something to spend again; `None` if there is now.
    pub(crate) fn blocked_until(&mut self, now: Instant) -> Option<Instant> {
        self.refill(now);
        if self.left > 0 {
            return None;
        }
        let periods = (-self.left) / self.per_period + 1;
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        Some(self.period_start + PERIOD.saturating_mul(periods))
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.period_start);
        let periods = u32::try_from(passed.as_nanos() / PERIOD.as_nanos()).unwrap_or(u32::MAX);
        if periods > 0 {
            let income = self.per_period.saturating_mul(i64::from(periods));
            self.left = self.left.saturating_add(income).min(self.per_period);
            self.period_start += PERIOD.saturating_mul(periods);
        }
    }
}

#[cfg(test)]
mod tests;
