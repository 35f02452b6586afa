//! The threads guests run on, apart from those of the control plane: a thousand busy guests may
//! fill these and the API still answers at once, because the operating system shares the cores
//! between the two sets of threads.

use std::num::NonZeroUsize;

use rustix::process::{getpriority_process, setpriority_process};
use tokio::runtime::{Builder, Runtime};

/// Guests yield to the node's own threads when both want a core.
const NICENESS: i32 = 5;

/// Threads for file operations of guests. They are started when needed and end when idle.
const BLOCKING_THREADS_MAX: usize = 32;

/// Builds the executor. Its handle goes into [`crate::Engine::new`]; keep it until all guests have
/// ended.
pub fn executor(threads: Option<NonZeroUsize>) -> std::io::Result<Runtime> {
    let threads = threads.or_else(|| std::thread::available_parallelism().ok());
    Builder::new_multi_thread()
        .worker_threads(threads.map_or(1, NonZeroUsize::get))
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("guests")
        .on_thread_start(lower_priority)
        .enable_all()
        .build()
}

/// On Linux niceness belongs to the thread. A refusal costs fairness and nothing else, so it is
/// only logged.
fn lower_priority() {
    let lowered = getpriority_process(None)
        .and_then(|current| setpriority_process(None, current.saturating_add(NICENESS)));
    if let Err(error) = lowered {
        tracing::debug!(%error, "guest thread keeps its priority");
    }
}
