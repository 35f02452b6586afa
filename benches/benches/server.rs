//! A server that does nothing: how soon it is ready, what it takes to be there, and how soon it is back with much to keep.
//!
//! Budgets, on a machine with two cores, and why:
//! * an empty data directory until Ready: 300 ms. Most of it is making keys and the first objects; people and tests wait for it.
//! * resident, server and node: 40 MiB, so that a cluster fits beside what a small device is for.
//! * processor time while idle: 0.5 % of one core, for batteries.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::{Duration, Instant};

use benches::{Server, Size, sorted_median};

const SAMPLED_EACH: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let size = Size::from_args();
    benches::skiff(size);
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..size.pick(1, 10) {
        drop(last.take());
        let begun = Instant::now();
        let server = Server::start(size, &[]).await?;
        times.push(begun.elapsed());
        last = Some(server);
    }
    println!("start on an empty directory until ready: median {:?}", sorted_median(&mut times));
    let Some(server) = last else { return Ok(()) };
    // What is only needed at the start has been given back by then.
    tokio::time::sleep(size.pick(Duration::from_millis(100), Duration::from_secs(20))).await;
    let (begun, before) = (Instant::now(), server.processes.processor_time());
    let idle = size.pick(Duration::from_millis(100), Duration::from_secs(30));
    // It lets go of code every few seconds, and takes some back when it tells that it lives.
    let mut resident = Vec::new();
    while begun.elapsed() < idle {
        resident.push(server.processes.resident_bytes());
        tokio::time::sleep(SAMPLED_EACH).await;
    }
    let used = server.processes.processor_time().saturating_sub(before);
    resident.sort_unstable();
    let most = resident.last().copied().unwrap_or_default();
    let median = resident.get(resident.len() / 2).copied().unwrap_or_default();
    println!("resident, idle: {:.1} MiB, at most {:.1} MiB", mib(median), mib(most));
    let share = used.div_duration_f64(begun.elapsed()) * 100.0;
    println!("processor time, idle: {share:.3} % of a core");
    let mut times = Vec::new();
    let mut server = server;
    for _ in 0..size.pick(1, 5) {
        let begun = Instant::now();
        server = server.again(size, &[]).await?;
        times.push(begun.elapsed());
    }
    println!("after a kill, until ready again: median {:?}", sorted_median(&mut times));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
