//! When a server ends, and in which order its parts do.
//!
//! On the first SIGINT or SIGTERM: the node stops its Pods' programs (their objects stay, and they run again at the next start), then the
//! controllers and the scheduler, then the API's connections, then the store, which flushes last. On a second signal the process ends
//! at once: the store survives that as it survives a power cut.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that a second signal ends.
const INTERRUPTED: i32 = 130;

/// The stages of an end, first to last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stages {
    /// Somebody asked for the end.
    pub(crate) requested: CancellationToken,
    pub(crate) node: CancellationToken,
    pub(crate) control: CancellationToken,
    pub(crate) api: CancellationToken,
}

/// Watches for signals from now on.
pub(crate) fn on_signals(requested: CancellationToken) -> std::io::Result<()> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        requested.cancel();
        next().await;
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}
