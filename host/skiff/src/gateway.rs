//! How the API server reaches nodes: by name, each through the HTTP service of its agent.
//!
//! The agent of this process registers itself here; its service is called without a socket.

use std::{collections::BTreeMap, fmt, sync::Arc};

use apiserver::{Body, GatewayError, NodeGateway};
use bytes::Bytes;
use futures::{FutureExt as _, TryStreamExt as _, future::BoxFuture};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use parking_lot::RwLock;

/// The HTTP service of one agent.
pub(crate) type Agent =
    Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// The nodes that can be reached.
#[derive(Default)]
pub(crate) struct Nodes(RwLock<BTreeMap<String, Agent>>);

impl Nodes {
    pub(crate) fn add(&self, name: &str, agent: Agent) {
        self.0.write().insert(name.to_owned(), agent);
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.read().keys()).finish()
    }
}

impl NodeGateway for Nodes {
    fn request<'a>(
        &'a self,
        node: &'a str,
        request: Request<Body>,
    ) -> BoxFuture<'a, Result<Response<Body>, GatewayError>> {
        let agent = self.0.read().get(node).cloned();
        async move {
            let agent =
                agent.ok_or_else(|| GatewayError::NotConnected { node: node.to_owned() })?;
            Ok(agent(request).await)
        }
        .boxed()
    }
}

/// An answer of another room's service as one of the API server.
pub(crate) fn answer<B>(response: Response<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<apiserver::BodyError>,
{
    let len = response.body().size_hint().exact();
    response.map(|body| {
        let chunks = body.into_data_stream().map_err(Into::into);
        match len {
            Some(0) => Body::Empty,
            Some(len) => Body::sized(chunks, len),
            None => Body::stream(chunks),
        }
    })
}
