//! How a running instance is asked, and then made, to end.
//!
//! WebAssembly has no signals. A *request* is therefore what `shutdown(2)` on its listeners would
//! be: every listening socket of the instance refuses new connections, `accept` fails with
//! `EINVAL`, and the guest may finish what it has begun and return. An instance that holds no
//! listener cannot see the request, and ends at once with code 143, as a process without a handler
//! does on SIGTERM. An HTTP function goes on answering whatever still reaches it, because clients
//! on open connections cannot know, and keeps no instance for the next request: its caller closes
//! the ways to it, waits until it has drained, and kills it. A *kill* ends the instance wherever it
//! is, within one tick of the CPU meter.

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The two ways to end an instance. Clones are the same stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    request: CancellationToken,
    kill: CancellationToken,
}

impl Stop {
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for an orderly end. The caller keeps the time and kills when the grace period is over.
    pub fn request(&self) {
        self.request.cancel();
    }

    /// Ends the instance now. Implies a request.
    pub fn kill(&self) {
        // In this order: whoever sees the request that a kill implies sees the kill as well.
        self.kill.cancel();
        self.request.cancel();
    }

    pub fn is_requested(&self) -> bool {
        self.request.is_cancelled()
    }

    pub fn is_killed(&self) -> bool {
        self.kill.is_cancelled()
    }

    pub async fn requested(&self) {
        self.request.cancelled().await;
    }

    pub async fn killed(&self) {
        self.kill.cancelled().await;
    }

    pub(crate) fn requested_owned(&self) -> WaitForCancellationFutureOwned {
        self.request.clone().cancelled_owned()
    }

    pub(crate) fn killed_owned(&self) -> WaitForCancellationFutureOwned {
        self.kill.clone().cancelled_owned()
    }
}
