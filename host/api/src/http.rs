//! The transport to a real server: HTTP/2 where the server offers it, over TLS.
//!
//! All requests of a transport share one HTTP/2 connection, which is opened when first needed and
//! again after it broke. A server without HTTP/2 gets a small pool of HTTP/1.1 connections, and a
//! request that switches protocols always gets an HTTP/1.1 connection of its own. A request is sent
//! again on a new connection only if the old one refused it unsent.

mod connect;
mod credentials;
mod tls;

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;

use crate::kubeconfig::Target;
use crate::{Body, Transport, Upgraded};
use connect::{Protocols, Server, Spoken};
use credentials::Credentials;

pub use tls::trusting;

/// HTTP/1.1 connections kept for the next request.
const IDLE_MAX: usize = 8;

/// Why a transport cannot be made from its configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server's URL is none.
    #[error("the server URL {0:?} is not valid")]
    Url(String),
    /// Certificates or keys cannot be used.
    #[error("cannot use {what}")]
    Tls {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A token or header value contains what no header may.
    #[error("{0} cannot be sent as a header")]
    Header(&'static str),
}

/// Speaks HTTP to one server.
pub struct HttpTransport {
    server: Server,
    credentials: Credentials,
    shared: tokio::sync::Mutex<Option<http2::SendRequest<Full<Bytes>>>>,
    idle: Arc<Mutex<Vec<http1::SendRequest<Full<Bytes>>>>>,
}

impl Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpTransport").field("server", &self.server).finish_non_exhaustive()
    }
}

enum Sender {
    Two(http2::SendRequest<Full<Bytes>>),
    One(http1::SendRequest<Full<Bytes>>),
}

impl HttpTransport {
    /// A transport to a server; connects when first used.
    pub fn new(target: &Target) -> Result<Self, Error> {
        Ok(Self {
            server: Server::new(target)?,
            credentials: Credentials::new(target)?,
            shared: tokio::sync::Mutex::default(),
            idle: Arc::default(),
        })
    }

    /// A connection that accepts a request now.
    async fn sender(&self) -> Result<Sender, crate::Error> {
        while let Some(mut idle) = self.idle.lock().pop() {
            if idle.is_ready() {
                return Ok(Sender::One(idle));
            }
            if !idle.is_closed() && idle.ready().now_or_never().is_some_and(|r| r.is_ok()) {
                return Ok(Sender::One(idle));
            }
        }
        // Held while connecting, so that many first requests open one connection.
        let mut shared = self.shared.lock().await;
        if let Some(sender) = shared.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(Sender::Two(sender.clone()));
        }
        match self.server.connect(Protocols::Any).await? {
            Spoken::Two(sender) => {
                *shared = Some(sender.clone());
                Ok(Sender::Two(sender))
            }
            Spoken::One(sender) => Ok(Sender::One(sender)),
        }
    }

    async fn prepare(&self, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, crate::Error> {
        let mut request = self.server.address(request)?;
        self.credentials.add_to(request.headers_mut()).await?;
        Ok(request.map(Full::new))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Body>, crate::Error> {
        let mut request = request;
        let mut fresh = false;
        loop {
            let (result, version_one) = match self.sender().await? {
                Sender::Two(mut sender) => (sender.try_send_request(request).await, None),
                Sender::One(mut sender) => {
                    self.server.relative(&mut request);
                    (sender.try_send_request(request).await, Some(sender))
                }
            };
            match result {
                Ok(answer) => return Ok(self.answer(answer, version_one)),
                Err(mut refused) => match refused.take_message() {
                    Some(unsent) if !fresh => {
                        fresh = true;
                        request = unsent;
                        *self.shared.lock().await = None;
                    }
                    _ => return Err(self.server.failed(refused.into_error())),
                },
            }
        }
    }

    fn answer(
        &self,
        answer: Response<hyper::body::Incoming>,
        sender: Option<http1::SendRequest<Full<Bytes>>>,
    ) -> Response<Body> {
        let server = self.server.name();
        let back = sender.map(|sender| Back { sender: Some(sender), idle: self.idle.clone() });
        answer.map(|body| {
            // The connection goes back to the pool when the answer is read or dropped.
            body.map_err(move |e| crate::Error::Connect {
                server: server.clone(),
                source: e.into(),
            })
            .map_frame(move |frame| {
                let _held = &back;
                frame
            })
            .boxed_unsync()
        })
    }
}

/// Returns an HTTP/1.1 connection to its pool when its answer is done with.
struct Back {
    sender: Option<http1::SendRequest<Full<Bytes>>>,
    idle: Arc<Mutex<Vec<http1::SendRequest<Full<Bytes>>>>>,
}

impl Drop for Back {
    fn drop(&mut self) {
        let Some(sender) = self.sender.take().filter(|sender| !sender.is_closed()) else { return };
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(sender);
        }
    }
}

impl Transport for HttpTransport {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>, crate::Error>> {
        Box::pin(async move {
            let request = self.prepare(request).await?;
            self.send(request).await
        })
    }

    fn upgrade(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Upgraded, crate::Error>> {
        Box::pin(async move {
            let mut request = self.prepare(request).await?;
            self.server.relative(&mut request);
            let Spoken::One(mut sender) = self.server.connect(Protocols::OneOnly).await? else {
                return Err(crate::Error::Unsupported("switch protocols over HTTP/2"));
            };
            let answer = sender.send_request(request).await.map_err(|e| self.server.failed(e))?;
            if answer.status() != http::StatusCode::SWITCHING_PROTOCOLS {
                let code = answer.status().as_u16();
                let body = answer.into_body().collect().await.map_err(|e| self.server.failed(e))?;
                return Err(crate::Error::from_answer(code, &body.to_bytes()));
            }
            let (parts, body) = answer.into_parts();
            let mut answer = Response::from_parts(parts, body);
            let upgraded = hyper::upgrade::on(&mut answer).await;
            let stream = upgraded.map_err(|e| self.server.failed(e))?;
            Ok(Upgraded { response: answer.map(|_| ()), stream: Box::new(TokioIo::new(stream)) })
        })
    }
}

#[cfg(test)]
mod tests;
