//! Processor time and memory of processes, as the kernel accounts for them.

use std::fs;
use std::time::Duration;

/// The processes that do some work together.
#[derive(Clone, Debug)]
pub struct Processes(Vec<u32>);

impl Processes {
    pub fn new(ids: Vec<u32>) -> Self {
        Self(ids)
    }

    /// This process.
    pub fn own() -> Self {
        Self(vec![std::process::id()])
    }

    /// The processor time that they have used, in user and in system mode.
    pub fn processor_time(&self) -> Duration {
        self.0.iter().map(|&id| processor_time(id)).sum()
    }

    /// The memory that they have in use, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.0.iter().map(|&id| resident_bytes(id)).sum()
    }
}

fn processor_time(id: u32) -> Duration {
    // Nanoseconds that the threads of a process ran: the counters of `stat` have 10 ms for their smallest step.
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let threads = tasks.filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok());
    let running: u64 = threads.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok()).sum();
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut numbers =
        after_name.split_whitespace().skip(11).map(|number| number.parse().unwrap_or(0));
    let ticks: u64 = numbers.by_ref().take(2).sum();
    // Threads that have ended are only in the coarse counter.
    Duration::from_nanos(running).max(Duration::from_millis(ticks * 10))
}

fn resident_bytes(id: u32) -> u64 {
    const PAGE: u64 = 4096;
    let statm = fs::read_to_string(format!("/proc/{id}/statm")).unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE
}
