//! What the chain asks of others: who a caller is, what they may do, how a node is reached, what is mounted beside the API.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response};
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};

use crate::authentication::Tokens;
use crate::authorization::Granted;
use crate::body::Body;
use crate::gather::Watches;

/// A caller, as authentication found it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Name, for example `system:serviceaccount:default:builder`.
    pub name: String,
    /// Unique id, or empty.
    pub uid: String,
    /// Groups, `system:authenticated` or `system:unauthenticated` among them.
    pub groups: Vec<String>,
    /// What an authenticator adds: scopes, the node of a token's Pod.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl Identity {
    /// The identity of this server's own parts; it is in `system:masters`.
    pub fn system(name: &str) -> Identity {
        Identity {
            name: name.to_owned(),
            groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
            ..Identity::default()
        }
    }

    /// Whether the caller is in a group.
    pub fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }
}

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// Address of the connection's other end; none for a caller in this process.
    pub address: Option<SocketAddr>,
    /// What the client showed of itself. The TLS layer checked only that it holds the key.
    pub certificates: Arc<ClientCertificates>,
    /// Set for callers in this process, which need no credentials.
    pub identity: Option<Arc<Identity>>,
    /// The watches that run on the connection.
    pub watches: Watches,
}

impl Peer {
    /// A caller in this process.
    pub fn internal(identity: Arc<Identity>) -> Peer {
        Peer { identity: Some(identity), ..Peer::default() }
    }
}

/// A client's certificate chain, its own first; empty if it has none. All requests of a connection share it.
#[derive(Debug, Default)]
pub struct ClientCertificates {
    chain: Vec<CertificateDer<'static>>,
    digest: [u8; 32],
}

impl ClientCertificates {
    /// A chain as TLS got it.
    pub fn new(chain: Vec<CertificateDer<'static>>) -> ClientCertificates {
        let digest = chain.first().map(Sha256::digest).unwrap_or_default().into();
        ClientCertificates { chain, digest }
    }

    /// The certificates, the client's own first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// SHA-256 of the client's own certificate.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// Finds out who sends a request.
pub trait Authenticate: Send + Sync + fmt::Debug {
    /// The caller; `None` if no credentials were given (the chain makes it anonymous or refuses it); an error's text is logged
    /// and answered with 401.
    fn authenticate<'a>(
        &'a self,
        parts: &'a Parts,
        peer: &'a Peer,
    ) -> BoxFuture<'a, Result<Option<Arc<Identity>>, String>>;

    /// Whose token it is and for which of `audiences` (the API's own if there are none); an error's text goes to whoever asks.
    fn review(&self, token: &str, audiences: &[String]) -> TokenAnswer {
        let _ = (token, audiences);
        Err("no token is known here".to_owned())
    }

    /// What issues `ServiceAccount` tokens, if anything does.
    fn tokens(&self) -> Option<&Tokens> {
        None
    }
}

/// Whose token it is and for which audiences, or why it does not count.
pub type TokenAnswer = Result<(Identity, Vec<String>), String>;

/// What somebody wants to do.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// Who.
    pub identity: &'a Identity,
    /// Verb of a resource, or the method in lower case.
    pub verb: &'a str,
    /// On which resource; none for other paths.
    pub resource: Option<ResourceAttempt<'a>>,
    /// The path, for non-resource rules.
    pub path: &'a str,
}

/// The resource part of an [`Attempt`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceAttempt<'a> {
    /// API group.
    pub group: &'a str,
    /// API version.
    pub version: &'a str,
    /// Plural name.
    pub resource: &'a str,
    /// Subresource, or empty.
    pub subresource: &'a str,
    /// Namespace, or empty.
    pub namespace: &'a str,
    /// Object name, or empty.
    pub name: &'a str,
    /// Field selector of a list, watch or deletecollection.
    pub field_selector: Option<&'a str>,
    /// Label selector of a list, watch or deletecollection.
    pub label_selector: Option<&'a str>,
}

/// An authorizer's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allow {
        /// Which rule, for the audit log.
        reason: String,
    },
    /// Certainly not.
    Deny {
        /// Why, for the client.
        reason: String,
    },
    /// Nothing known; the next authorizer decides, and the last one's silence is a no.
    NoOpinion {
        /// Why, for the client.
        reason: String,
    },
}

impl Decision {
    /// Whether the request may go on.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Decision::Allow { .. })
    }
}

/// Decides what a caller may do.
pub trait Authorize: Send + Sync + fmt::Debug {
    /// Decides one attempt.
    fn authorize<'a>(&'a self, attempt: &'a Attempt<'a>) -> BoxFuture<'a, Decision>;

    /// What somebody may do in a namespace, as far as rules can tell it.
    fn rules(&self, identity: &Identity, namespace: &str) -> Granted {
        let _ = (identity, namespace);
        Granted { incomplete: true, ..Granted::default() }
    }
}

/// How log, exec, port-forward and proxy requests reach a node.
pub trait NodeGateway: Send + Sync + fmt::Debug {
    /// Sends a request to the HTTP service of a node.
    fn request<'a>(
        &'a self,
        node: &'a str,
        request: Request<Body>,
    ) -> BoxFuture<'a, Result<Response<Body>, GatewayError>>;
}

/// Why a node was not reached.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// No connection to a node of that name.
    #[error("node {node:?} is not connected")]
    NotConnected {
        /// The node.
        node: String,
    },
    /// The connection broke.
    #[error("the request to node {node:?} failed")]
    Broken {
        /// The node.
        node: String,
        /// What the connection reports.
        #[source]
        source: crate::body::Error,
    },
}

/// A gateway for servers without nodes.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNodes;

impl NodeGateway for NoNodes {
    fn request<'a>(
        &'a self,
        node: &'a str,
        _: Request<Body>,
    ) -> BoxFuture<'a, Result<Response<Body>, GatewayError>> {
        let node = node.to_owned();
        Box::pin(async move { Err(GatewayError::NotConnected { node }) })
    }
}

/// A service beside the API, for example the registry.
pub type Handler =
    Arc<dyn Fn(Request<Body>, Arc<Identity>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Where a [`Handler`] is reached.
#[derive(Clone)]
pub struct Mount {
    /// Paths that begin so belong to the handler, for example `/v2/`.
    pub prefix: String,
    /// Answers the requests.
    pub handler: Handler,
}

impl fmt::Debug for Mount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Mount").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
