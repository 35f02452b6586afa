//! Measures a piece of work: wall time, processor time of the whole process, and how much was done.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

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
    /// Does the work; it gives the number of operations and a checksum.
    pub fn of(what: impl Into<String>, work: impl FnOnce() -> (u64, u64)) -> Self {
        let (start, processor) = (Instant::now(), processor_time());
        let (operations, checksum) = work();
        let wall = start.elapsed();
        let processor = processor_time().saturating_sub(processor);
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
            "{:<44} {:>12.0} /s {:>10.3} us {:>10.3} us cpu   {:016x}",
            self.what,
            1e6 / self.each(self.wall).max(1e-9),
            self.each(self.wall),
            self.each(self.processor),
            self.checksum,
        )
    }
}

/// The processor time that this process has used, in user and in system mode.
fn processor_time() -> Duration {
    /// What the kernel counts in, on every system that this runs on.
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut numbers =
        after_name.split_whitespace().skip(11).map(|number| number.parse().unwrap_or(0));
    let ticks: u32 = numbers.by_ref().take(2).sum();
    TICK * ticks
}

/// The memory that this process has in use.
pub fn resident_bytes() -> u64 {
    const PAGE: u64 = 4096;
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE
}
