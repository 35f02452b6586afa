//! A transport with the headers that every request of this client carries.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Api, Body, Error, Object, Resource, Transport, Upgraded, WatchParams, Watching, wire};

/// Speaks to one API server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Arc<dyn Transport>,
    user_agent: HeaderValue,
}

impl Client {
    /// A client over any transport.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, user_agent: HeaderValue::from_static("skiff") }
    }

    /// A client to the server of a kubeconfig context.
    pub fn from_kubeconfig(target: &crate::kubeconfig::Target) -> Result<Self, crate::http::Error> {
        Ok(Self::new(Arc::new(crate::http::HttpTransport::new(target)?)))
    }

    /// The same client under another name; servers derive field managers from it.
    #[must_use]
    pub fn with_user_agent(mut self, name: &'static str) -> Self {
        self.user_agent = HeaderValue::from_static(name);
        self
    }

    /// The typed verbs of one kind in one namespace, or in all.
    pub fn api<K>(&self, namespace: Option<&str>) -> Api<K>
    where
        K: Object + k8s_openapi::Resource,
        K::Scope: 'static,
    {
        Api::new(self.clone(), Resource::of::<K>(), namespace)
    }

    /// The verbs of a resource that is known only at run time.
    pub fn dynamic<K: Object>(&self, resource: Resource, namespace: Option<&str>) -> Api<K> {
        Api::new(self.clone(), resource, namespace)
    }

    /// Sends a request as it is, with this client's User-Agent.
    pub async fn raw(&self, mut request: Request<Bytes>) -> Result<Response<Body>, Error> {
        request.headers_mut().entry(header::USER_AGENT).or_insert_with(|| self.user_agent.clone());
        self.transport.call(request).await
    }

    /// Opens a watch.
    pub async fn watch(&self, params: WatchParams) -> Result<Watching, Error> {
        self.transport.watch(params).await
    }

    /// Sends a request that switches protocols.
    pub async fn upgrade(&self, mut request: Request<Bytes>) -> Result<Upgraded, Error> {
        request.headers_mut().entry(header::USER_AGENT).or_insert_with(|| self.user_agent.clone());
        self.transport.upgrade(request).await
    }

    /// Sends a request and reads the answer as JSON; an error code becomes an [`Error`]. `content` is
    /// the media type and the body, if there is one.
    pub async fn request<A: DeserializeOwned>(
        &self,
        method: http::Method,
        path: &str,
        content: Option<(&'static str, Bytes)>,
    ) -> Result<A, Error> {
        let mut request =
            Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json");
        let mut body = Bytes::new();
        if let Some((media_type, bytes)) = content {
            request = request.header(header::CONTENT_TYPE, media_type);
            body = bytes;
        }
        let request = request.body(body).map_err(Error::encode)?;
        let answer = wire::whole(self.raw(request).await?).await?;
        serde_json::from_slice(&answer).map_err(|e| Error::decode(path, e))
    }

    /// Sends JSON and reads JSON.
    pub(crate) async fn json<A: DeserializeOwned>(
        &self,
        method: http::Method,
        path: String,
        content: Content<'_, impl Serialize + Sync>,
        accept: &'static str,
    ) -> Result<A, Error> {
        let mut request =
            Request::builder().method(method).uri(&path).header(header::ACCEPT, accept);
        let body = match content {
            Content::None => Bytes::new(),
            Content::Json { media_type, value } => {
                request = request.header(header::CONTENT_TYPE, media_type);
                serde_json::to_vec(value).map_err(Error::encode)?.into()
            }
        };
        let request = request.body(body).map_err(Error::encode)?;
        let answer = wire::whole(self.raw(request).await?).await?;
        serde_json::from_slice(&answer).map_err(|e| Error::decode(&path, e))
    }
}

/// The body of a request.
#[derive(Debug)]
pub(crate) enum Content<'a, T> {
    None,
    Json { media_type: &'static str, value: &'a T },
}
