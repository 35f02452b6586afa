//! Doors of the node: real listeners for node ports and host ports, opened and closed until they are what is wanted.
//!
//! A connection that comes in is given to the function its door was made with, which finds a Pod for it. A port that is in use elsewhere is
//! reported, and tried again at the next [`Doors::set`] or [`Doors::retry`]. Connections are bounded; beyond that they wait in the system's own queue.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Connections being handed over at one time; a connection that has reached its Pod no longer counts.
const HANDOVERS_MAX: usize = 1024;
/// How long the listener rests when the system is out of files or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Finds a Pod for a connection that came in on a door.
pub type Admit<T> = Arc<dyn Fn(T, TcpStream, SocketAddr) -> Admission + Send + Sync>;
/// The handing over of one connection.
pub type Admission = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The open doors; `T` says what is behind one.
pub struct Doors<T> {
    admit: Admit<T>,
    wanted: BTreeMap<SocketAddr, T>,
    open: BTreeMap<SocketAddr, (T, DropGuard)>,
    handovers: Arc<Semaphore>,
}

impl<T: fmt::Debug> fmt::Debug for Doors<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.open.iter().map(|(at, (to, _))| (at, to))).finish()
    }
}

/// A door that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {at}")]
pub struct Blocked<T: fmt::Debug> {
    pub at: SocketAddr,
    pub to: T,
    #[source]
    pub source: io::Error,
}

impl<T: Clone + fmt::Debug + PartialEq + Send + Sync + 'static> Doors<T> {
    pub fn new(admit: Admit<T>) -> Self {
        Self {
            admit,
            wanted: BTreeMap::new(),
            open: BTreeMap::new(),
            handovers: Arc::new(Semaphore::new(HANDOVERS_MAX)),
        }
    }

    /// Makes these the doors. Ones that are no longer wanted close at once; connections made through them live on.
    pub async fn set(&mut self, wanted: BTreeMap<SocketAddr, T>) -> Vec<Blocked<T>> {
        self.wanted = wanted;
        self.open.retain(|at, (to, _)| self.wanted.get(at) == Some(to));
        self.retry().await
    }

    /// Opens what is wanted and still closed.
    pub async fn retry(&mut self) -> Vec<Blocked<T>> {
        let mut blocked = Vec::new();
        for (at, to) in &self.wanted {
            if self.open.contains_key(at) {
                continue;
            }
            match TcpListener::bind(at).await {
                Ok(listener) => {
                    let stop = CancellationToken::new();
                    let door = Door {
                        to: to.clone(),
                        admit: Arc::clone(&self.admit),
                        handovers: Arc::clone(&self.handovers),
                    };
                    tokio::spawn(door.run(listener, stop.clone()));
                    self.open.insert(*at, (to.clone(), stop.drop_guard()));
                }
                Err(source) => blocked.push(Blocked { at: *at, to: to.clone(), source }),
            }
        }
        blocked
    }

    /// Whether some wanted door is closed.
    pub fn is_blocked(&self) -> bool {
        self.open.len() < self.wanted.len()
    }
}

struct Door<T> {
    to: T,
    admit: Admit<T>,
    handovers: Arc<Semaphore>,
}

impl<T: Clone + Send + 'static> Door<T> {
    async fn run(self, listener: TcpListener, stop: CancellationToken) {
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&self.handovers).acquire_owned().await else { return };
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    // Small answers must not wait for more.
                    let _ = stream.set_nodelay(true);
                    let admission = (self.admit)(self.to.clone(), stream, peer);
                    tokio::spawn(async move {
                        admission.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
