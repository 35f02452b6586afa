//! The clock that makes running guests yield: one thread that advances the engines' epoch every
//! millisecond while any guest is inside a poll, and that sleeps without a timer when none has been
//! for a while.
//!
//! A guest yields at the first loop or call after a tick, so an endless loop holds a thread for at
//! most about one tick before its task goes to the back of the run queue. With no guest running the
//! thread is parked: an idle node uses no CPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, Thread};
use std::time::Duration;

use parking_lot::Mutex;

const TICK: Duration = Duration::from_millis(1);

/// Ticks without a running guest before the thread parks. Parking and waking cost more than a tick,
/// so short gaps between requests are ticked through.
const IDLE_TICKS_MAX: u32 = 20;

#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

struct Shared {
    engines: Mutex<Vec<wasmtime::Engine>>,
    /// Polls of guests going on now.
    running: AtomicUsize,
    is_parked: AtomicBool,
    is_over: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("running", &self.running).finish_non_exhaustive()
    }
}

impl Ticker {
    pub(crate) fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            engines: Mutex::default(),
            running: AtomicUsize::new(0),
            is_parked: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let ticking = Arc::clone(&shared);
        let builder = thread::Builder::new().name("guest-ticker".to_owned()).stack_size(64 * 1024);
        let handle = builder.spawn(move || ticking.tick_while_needed())?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    pub(crate) fn add(&self, engine: wasmtime::Engine) {
        self.shared.engines.lock().push(engine);
    }

    /// Keeps the clock going until the guard is dropped.
    pub(crate) fn running(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, SeqCst);
        if self.shared.is_parked.load(SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.is_over.store(true, SeqCst);
        self.thread.unpark();
    }
}

pub(crate) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

impl Shared {
    #[expect(clippy::disallowed_methods, reason = "this thread is the clock that others wait for")]
    fn tick_while_needed(&self) {
        let mut idle_ticks = 0;
        while !self.is_over.load(SeqCst) {
            if self.running.load(SeqCst) > 0 {
                idle_ticks = 0;
            } else if idle_ticks < IDLE_TICKS_MAX {
                idle_ticks += 1;
            } else {
                self.park();
                idle_ticks = 0;
            }
            thread::sleep(TICK);
            self.engines.lock().iter().for_each(wasmtime::Engine::increment_epoch);
        }
    }

    /// Announces the sleep first and looks again after: a guest that starts in between either sees
    /// the announcement and unparks, or is seen here.
    fn park(&self) {
        self.is_parked.store(true, SeqCst);
        while self.running.load(SeqCst) == 0 && !self.is_over.load(SeqCst) {
            thread::park();
        }
        self.is_parked.store(false, SeqCst);
    }
}
