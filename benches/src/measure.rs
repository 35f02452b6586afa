//! Measures a piece of work: wall time, processor time of whoever does it, and how much was done.

use std::fmt;
use std::time::{Duration, Instant};

use crate::Processes;

/// How much work to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// In the test run: enough to go through all of the code.
    Tiny,
    /// For figures.
    Full,
}

impl Size {
    /// `cargo bench` says that it is one.
    pub fn from_args() -> Self {
        if std::env::args().any(|argument| argument == "--bench") { Self::Full } else { Self::Tiny }
    }

    pub fn pick<T>(self, tiny: T, full: T) -> T {
        match self {
            Self::Tiny => tiny,
            Self::Full => full,
        }
    }
}

/// Whether a part of a bench is to run: with `--only NAME,…` those named are, otherwise all.
pub fn is_wanted(part: &str) -> bool {
    let only = std::env::args().skip_while(|argument| argument != "--only").nth(1);
    only.is_none_or(|names| names.split(',').any(|name| name == part))
}

/// What a piece of work has cost.
#[derive(Clone, Debug)]
pub struct Measured {
    pub what: String,
    pub operations: u64,
    pub wall: Duration,
    pub processor: Duration,
    pub checksum: u64,
}

impl Measured {
    /// Does the work in this process; it gives the number of operations and a checksum.
    pub fn of(what: impl Into<String>, work: impl FnOnce() -> (u64, u64)) -> Self {
        let processes = Processes::own();
        let (start, processor) = (Instant::now(), processes.processor_time());
        let (operations, checksum) = work();
        let wall = start.elapsed();
        let processor = processes.processor_time().saturating_sub(processor);
        Self { what: what.into(), operations, wall, processor, checksum }
    }

    /// Waits for work that other processes do.
    pub async fn by(
        processes: &Processes,
        what: impl Into<String>,
        work: impl Future<Output = (u64, u64)>,
    ) -> Self {
        let (start, processor) = (Instant::now(), processes.processor_time());
        let (operations, checksum) = work.await;
        let wall = start.elapsed();
        let processor = processes.processor_time().saturating_sub(processor);
        Self { what: what.into(), operations, wall, processor, checksum }
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / (self.operations.max(1) as f64)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<48} {:>10.0} /s {:>11.2} us {:>11.2} us cpu   {:016x}",
            self.what,
            1e6 / self.each(self.wall).max(1e-9),
            self.each(self.wall),
            self.each(self.processor),
            self.checksum,
        )
    }
}

/// Sorts, and gives the one in the middle.
pub fn sorted_median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
