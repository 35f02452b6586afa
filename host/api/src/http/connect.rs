//! Opens connections to one server and starts the task that drives each.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri, header};
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;

use super::{Error, tls};
use crate::kubeconfig::Target;

/// A connection that says nothing for this long is asked whether it is still there, so that a watch
/// on a dead link ends.
const PING_SECS: u64 = 30;

/// What a new connection may speak.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protocols {
    Any,
    OneOnly,
}

/// What it turned out to speak.
pub(super) enum Spoken {
    Two(http2::SendRequest<Full<Bytes>>),
    One(http1::SendRequest<Full<Bytes>>),
}

/// Where the server is and how it is trusted.
pub(super) struct Server {
    scheme: Scheme,
    authority: Authority,
    /// A path in front of every path, for servers behind a gateway.
    prefix: String,
    tls: Option<Tls>,
}

struct Tls {
    any: Arc<rustls::ClientConfig>,
    one_only: Arc<rustls::ClientConfig>,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name())
    }
}

impl Server {
    pub(super) fn new(target: &Target) -> Result<Self, Error> {
        let bad = || Error::Url(target.server.clone());
        // kubectl takes a host without a scheme for plain HTTP.
        let text = if target.server.contains("://") {
            target.server.clone()
        } else {
            format!("http://{}", target.server)
        };
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?.clone();
        let scheme = uri.scheme().ok_or_else(bad)?.clone();
        let tls = if scheme == Scheme::HTTPS {
            let host = authority.host().trim_start_matches('[').trim_end_matches(']');
            let name = target.server_name.as_deref().unwrap_or(host).to_owned();
            Some(Tls {
                any: Arc::new(tls::config(target, &[b"h2", b"http/1.1"])?),
                one_only: Arc::new(tls::config(target, &[b"http/1.1"])?),
                name: ServerName::try_from(name).map_err(|_| bad())?,
            })
        } else {
            None
        };
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, authority, prefix, tls })
    }

    pub(super) fn name(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.prefix)
    }

    pub(super) fn failed(
        &self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> crate::Error {
        crate::Error::Connect { server: self.name(), source: source.into() }
    }

    /// Gives a request this server's scheme, authority and path prefix.
    pub(super) fn address(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Request<Bytes>, crate::Error> {
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let path = format!("{}{path}", self.prefix);
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build();
        *request.uri_mut() = uri.map_err(crate::Error::encode)?;
        Ok(request)
    }

    /// The form of a request in HTTP/1.1: path only, and a `Host`.
    pub(super) fn relative(&self, request: &mut Request<Full<Bytes>>) {
        let path = request.uri().path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);
        if let Ok(host) = HeaderValue::from_str(self.authority.as_str()) {
            request.headers_mut().insert(header::HOST, host);
        }
    }

    pub(super) async fn connect(&self, protocols: Protocols) -> Result<Spoken, crate::Error> {
        let usual = if self.tls.is_some() { 443 } else { 80 };
        let port = self.authority.port_u16().unwrap_or(usual);
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, port)).await.map_err(|e| self.failed(e))?;
        stream.set_nodelay(true).map_err(|e| self.failed(e))?;
        let Some(tls) = &self.tls else { return self.speak_one(TokioIo::new(stream)).await };
        let config = match protocols {
            Protocols::Any => tls.any.clone(),
            Protocols::OneOnly => tls.one_only.clone(),
        };
        let connector = tokio_rustls::TlsConnector::from(config);
        let stream =
            connector.connect(tls.name.clone(), stream).await.map_err(|e| self.failed(e))?;
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.speak_two(TokioIo::new(stream)).await
        } else {
            self.speak_one(TokioIo::new(stream)).await
        }
    }

    async fn speak_one<S>(&self, stream: S) -> Result<Spoken, crate::Error>
    where
        S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(stream).await.map_err(|e| self.failed(e))?;
        drive(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "connection ended");
            }
        });
        Ok(Spoken::One(sender))
    }

    async fn speak_two<S>(&self, stream: S) -> Result<Spoken, crate::Error>
    where
        S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(std::time::Duration::from_secs(PING_SECS))
            .keep_alive_while_idle(false)
            .adaptive_window(true)
            .handshake(stream)
            .await
            .map_err(|e| self.failed(e))?;
        drive(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "connection ended");
            }
        });
        Ok(Spoken::Two(sender))
    }
}

/// A connection's task ends with the connection, which ends with its last user.
fn drive(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}
