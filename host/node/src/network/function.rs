//! An HTTP function as a host of the network: connections to its port are served from here, requests from this process reach it without one.
//!
//! Nothing runs and nothing is held while no connection is open.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use net::{Connection, Handler};
use runtime::HttpService;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long a client that has connected just before the end may take to begin its only request.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// A served function.
pub(crate) struct Function {
    pub(crate) service: HttpService,
    executor: Handle,
    /// Connections end when they are idle after this.
    closing: CancellationToken,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").finish_non_exhaustive()
    }
}

impl Function {
    pub(crate) fn new(service: HttpService, executor: Handle) -> Self {
        Self { service, executor, closing: CancellationToken::new() }
    }

    /// Takes no further request on open connections, but the first of one that is new: its client was let in.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    /// Answers a request of this process, on the threads that guests run on.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: http::Request<runtime::Body>,
    ) -> Option<http::Response<runtime::Body>> {
        let executor = self.executor.clone();
        // A panic in the host's code costs this request and no more.
        executor.spawn(async move { self.service.handle(request).await }).await.ok()
    }
}

impl Handler for Function {
    fn accept(&self, connection: Connection) {
        let service = self.service.clone();
        let (closing, asked) = (self.closing.clone(), CancellationToken::new());
        self.executor.spawn(async move {
            let has_asked = asked.clone();
            let answer = hyper::service::service_fn(move |request: http::Request<_>| {
                has_asked.cancel();
                let service = service.clone();
                let request = request.map(|body: hyper::body::Incoming| {
                    body.map_err(runtime::BodyError::from).boxed_unsync()
                });
                async move { Ok::<_, std::convert::Infallible>(service.handle(request).await) }
            });
            let mut server = auto::Builder::new(TokioExecutor::new());
            server
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(HEAD_BYTES_MAX);
            let serving = server.serve_connection(TokioIo::new(connection.stream), answer);
            let mut serving = std::pin::pin!(serving);
            let ended = tokio::select! {
                ended = serving.as_mut() => ended,
                () = closing.cancelled() => {
                    tokio::select! {
                        ended = serving.as_mut() => ended,
                        () = last_request(&asked) => {
                            serving.as_mut().graceful_shutdown();
                            serving.await
                        }
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(error, "a connection to a function broke");
            }
        });
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Waits until a new connection was asked something, or until it need not wait for that any longer.
async fn last_request(asked: &CancellationToken) {
    tokio::select! {
        () = asked.cancelled() => {}
        () = tokio::time::sleep(LAST_REQUEST) => {}
    }
}

/// An empty body.
pub(crate) fn empty() -> runtime::Body {
    http_body_util::Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync()
}
