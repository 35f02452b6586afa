//! The seam under the client: a request goes in, an answer comes out.
//!
//! A transport in the same process as the server answers [`Transport::watch`] with the typed values
//! of the commits themselves, so that no object is encoded for it; all others get the default,
//! which reads JSON lines from a call.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use meta::Revision;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Error, Resource, wire};

/// Body of an answer: whole, or a stream that ends when the server says so.
pub type Body = UnsyncBoxBody<Bytes, Error>;

/// The events of one watch, until it ends or fails.
pub type Watching = BoxStream<'static, Result<Event, Error>>;

/// A two-way byte stream that began as a request.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// The answer to a request that switched protocols, and the bytes that follow.
pub struct Upgraded {
    /// The 101 answer, for its headers.
    pub response: Response<()>,
    /// What follows it.
    pub stream: Box<dyn Connection>,
}

impl Debug for Upgraded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upgraded").field("response", &self.response).finish_non_exhaustive()
    }
}

/// Something that answers API requests.
pub trait Transport: Debug + Send + Sync + 'static {
    /// Answers one request. An answer with an error code is an answer, not an `Err`.
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>, Error>>;

    /// Opens a watch.
    fn watch(&self, params: WatchParams) -> BoxFuture<'_, Result<Watching, Error>> {
        Box::pin(async move {
            let path = params.path();
            let answer = self.call(params.request()?).await?;
            wire::events(&path, answer).await
        })
    }

    /// Sends a request that switches protocols (exec, port-forward).
    fn upgrade(&self, _request: Request<Bytes>) -> BoxFuture<'_, Result<Upgraded, Error>> {
        Box::pin(async { Err(Error::Unsupported("switch protocols")) })
    }
}

/// Where an object can be had again by those who let go of it: as it is stored, which takes far less memory than what is made of it.
pub trait Reread: Debug + Send + Sync {
    /// The value anew. None if it cannot be read, which only a bug can bring about.
    fn read(&self) -> Option<Arc<dyn Any + Send + Sync>>;
}

/// How much of each object a watcher wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// All of it.
    #[default]
    Whole,
    /// A [`crate::PartialObject`].
    Metadata,
}

/// What to watch.
#[derive(Clone, Debug)]
pub struct WatchParams {
    /// The collection.
    pub resource: Resource,
    /// One namespace, or all.
    pub namespace: Option<String>,
    /// Label selector in its text form.
    pub labels: String,
    /// Field selector in its text form.
    pub fields: String,
    /// Resume after this revision; none begins with the present state.
    pub from: Option<Revision>,
    /// Whole objects or metadata.
    pub form: Form,
}

impl WatchParams {
    /// Path without its query.
    pub fn path(&self) -> String {
        self.resource.path(self.namespace.as_deref())
    }

    /// The watch as an HTTP request.
    ///
    /// Without a revision the server streams the present state first and marks its end, so that one
    /// request replaces a list and a watch.
    pub fn request(&self) -> Result<Request<Bytes>, Error> {
        let mut query = wire::Query::new(self.path());
        query.text("watch", "true");
        query.text("allowWatchBookmarks", "true");
        query.text("labelSelector", &self.labels);
        query.text("fieldSelector", &self.fields);
        if let Some(from) = self.from {
            query.text("resourceVersion", &from.to_string());
        } else {
            query.text("sendInitialEvents", "true");
            query.text("resourceVersionMatch", "NotOlderThan");
        }
        let accept = match self.form {
            Form::Whole => "application/json",
            Form::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        };
        Request::get(query.finish())
            .header(http::header::ACCEPT, accept)
            .body(Bytes::new())
            .map_err(Error::encode)
    }
}

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The object now exists, or now matches the selector.
    Added,
    /// The object changed.
    Modified,
    /// The object is gone, or no longer matches the selector.
    Deleted,
    /// Nothing happened up to this revision.
    Bookmark,
    /// The bookmark that ends the initial state.
    Synced,
}

/// One event of a watch.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// To which object; meaningless for bookmarks.
    pub object: Payload,
    /// When.
    pub revision: Revision,
}

/// An object as the transport has it.
#[derive(Clone, Debug)]
pub enum Payload {
    /// The typed value itself, shared by all readers in this process; and where it can be had again, if it can.
    Typed(Arc<dyn Any + Send + Sync>, Option<Arc<dyn Reread>>),
    /// The object as JSON.
    Json(Bytes),
}

impl Payload {
    /// Where the object can be had again.
    pub(crate) fn again(&self) -> Option<Arc<dyn Reread>> {
        match self {
            Self::Typed(_, again) => again.clone(),
            Self::Json(_) => None,
        }
    }
}
