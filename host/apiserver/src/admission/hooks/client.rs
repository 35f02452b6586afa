//! Calls webhooks: over TLS, at an address or at a Service, within their time. Connections are kept for the next call.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::admissionregistration::v1::{ServiceReference, WebhookClientConfig};
use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::body::Body;
use crate::connect::{self, BoxIo};
use crate::state::State;

/// Longer answers are refused.
const ANSWER_BYTES_MAX: usize = 3 << 20;
/// So much of an answer that is no success is told.
const SHOWN_BYTES_MAX: usize = 1024;
/// So many connections to one webhook are kept.
const IDLE_MAX: usize = 8;
const HTTPS: u16 = 443;

/// How a webhook is reached.
#[derive(Debug)]
pub(super) struct Client {
    config: WebhookClientConfig,
    tls: OnceLock<Result<Arc<ClientConfig>, String>>,
    idle: Mutex<Vec<SendRequest<Body>>>,
}

impl Client {
    pub(super) fn new(config: WebhookClientConfig) -> Client {
        Client { config, tls: OnceLock::new(), idle: Mutex::default() }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        let bundle = self.config.ca_bundle.as_ref().map(|bundle| bundle.0.as_slice());
        let bundle = bundle.filter(|bundle| !bundle.is_empty());
        self.tls.get_or_init(|| tls_config(bundle)).clone()
    }

    /// A connection that is free and still open.
    fn take(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock();
        std::iter::from_fn(|| idle.pop()).find(|sender| !sender.is_closed())
    }

    fn keep(&self, sender: SendRequest<Body>) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX && !sender.is_closed() {
            idle.push(sender);
        }
    }
}

/// Who is trusted: those in the bundle, or those whom the system trusts.
fn tls_config(bundle: Option<&[u8]>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    match bundle {
        Some(bundle) => {
            let given: Vec<_> = CertificateDer::pem_slice_iter(bundle)
                .collect::<Result<_, _>>()
                .map_err(|error| format!("unable to load root certificates: {error}"))?;
            let (added, _) = roots.add_parsable_certificates(given);
            if added == 0 {
                return Err("unable to load root certificates: unable to parse bytes as PEM \
                            block"
                    .to_owned());
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Where a call goes.
struct Target<'a> {
    host: String,
    port: u16,
    path: String,
    service: Option<&'a ServiceReference>,
    timeout_secs: u64,
}

impl Target<'_> {
    /// As messages show it.
    fn shown(&self) -> String {
        let port = match (self.service, self.port) {
            (None, HTTPS) => String::new(),
            (_, port) => format!(":{port}"),
        };
        format!("https://{}{port}{}", self.host, self.path_and_query())
    }

    fn path_and_query(&self) -> String {
        format!("{}?timeout={}s", self.path, self.timeout_secs)
    }
}

fn target(client: &Client, within: Duration) -> Result<Target<'_>, String> {
    let timeout_secs = within.as_secs();
    if let Some(service) = &client.config.service {
        let path = service.path.as_deref().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        return Ok(Target {
            host: format!("{}.{}.svc", service.name, service.namespace),
            port: service.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(HTTPS),
            path: format!("{slash}{path}"),
            service: Some(service),
            timeout_secs,
        });
    }
    let url = client.config.url.as_deref().unwrap_or_default();
    let uri: Uri = url.parse().map_err(|error| format!("parse {}: {error}", meta::quote(url)))?;
    Ok(Target {
        host: uri.host().unwrap_or_default().to_owned(),
        port: uri.port_u16().unwrap_or(HTTPS),
        path: uri.path().to_owned(),
        service: None,
        timeout_secs,
    })
}

/// Sends a question; the answer's body, or why there is none.
pub(super) async fn call(
    client: &Client,
    state: &Arc<State>,
    body: &str,
    within: Duration,
) -> Result<Bytes, String> {
    let target = target(client, within)?;
    let posting = Box::pin(post(client, &target, state, body));
    let outcome = match tokio::time::timeout(within, posting).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Problem::Call("context deadline exceeded".to_owned())),
    };
    outcome.map_err(|problem| match problem {
        Problem::Call(text) => format!("Post {}: {text}", meta::quote(&target.shown())),
        Problem::Answer(text) => text,
    })
}

enum Problem {
    /// There was no answer.
    Call(String),
    /// There was one, and it is of no use.
    Answer(String),
}

async fn post(
    client: &Client,
    target: &Target<'_>,
    state: &Arc<State>,
    body: &str,
) -> Result<Bytes, Problem> {
    let request = || request(target, body).map_err(|error| Problem::Call(error.to_string()));
    // A connection that was kept may have been closed meanwhile: then the call is made again on a new one.
    if let Some(mut sender) = client.take()
        && sender.ready().await.is_ok()
        && let Ok(response) = sender.send_request(request()?).await
    {
        return finish(client, sender, response).await;
    }
    let mut sender = connect(client, target, state).await.map_err(Problem::Call)?;
    let response = sender.send_request(request()?).await;
    let response = response.map_err(|error| Problem::Call(crate::status::chain(&error)))?;
    finish(client, sender, response).await
}

fn request(target: &Target<'_>, body: &str) -> Result<Request<Body>, http::Error> {
    Request::builder()
        .method(Method::POST)
        .uri(target.path_and_query())
        .header(HOST, format!("{}:{}", target.host, target.port))
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, "kube-apiserver-admission")
        .body(Body::full(body.to_owned()))
}

async fn finish(
    client: &Client,
    sender: SendRequest<Body>,
    response: http::Response<hyper::body::Incoming>,
) -> Result<Bytes, Problem> {
    let code = response.status();
    let body = Body::Incoming(response.into_body()).read(ANSWER_BYTES_MAX).await;
    let body = body.map_err(|error| Problem::Call(crate::status::chain(&error)))?;
    client.keep(sender);
    if code.is_success() {
        return Ok(body);
    }
    let shown = body.get(..body.len().min(SHOWN_BYTES_MAX)).unwrap_or_default();
    let shown = String::from_utf8_lossy(shown);
    Err(Problem::Answer(match code {
        StatusCode::NOT_FOUND => "the server could not find the requested resource".to_owned(),
        _ => format!(
            "an error on the server ({}) has prevented the request from succeeding",
            meta::quote(shown.trim())
        ),
    }))
}

/// Opens a connection.
async fn connect(
    client: &Client,
    target: &Target<'_>,
    state: &Arc<State>,
) -> Result<SendRequest<Body>, String> {
    let tls = client.tls()?;
    let host = target.host.trim_start_matches('[').trim_end_matches(']');
    let io: BoxIo = match target.service {
        Some(service) => {
            connect::to_service(state, &service.namespace, &service.name, target.port).await?
        }
        None => {
            let stream = TcpStream::connect((host, target.port)).await;
            Box::new(stream.map_err(|error| format!("dial tcp: {error}"))?)
        }
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let secured = TlsConnector::from(tls).connect(name, io).await;
    let secured = secured.map_err(|error| format!("tls: {error}"))?;
    let (sender, connection) =
        handshake(TokioIo::new(secured)).await.map_err(|error| error.to_string())?;
    let shutdown = state.shutdown.clone();
    tokio::spawn(async move {
        // Who waits for an answer hears of what goes wrong; nobody else needs to.
        let _ = shutdown.run_until_cancelled(connection).await;
    });
    Ok(sender)
}
