//! What answers requests, whoever carries them: a socket, another part of this process, a test.
//!
//! A caller in this process has no credentials but an identity; its requests are authorized, admitted and counted like all others. Its watches
//! share the typed objects of each commit instead of reading JSON.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::{Attributes, GroupResource, Key, Revision, StatusError};
use store::Describe;

use crate::body::Body;
use crate::chain::{self, Call};
use crate::codec::negotiate::{Accepted, View, ViewVersion};
use crate::registry::KindRef;
use crate::request::{RequestInfo, Target, Verb};
use crate::seams::{Identity, Peer};
use crate::state::{Parts, State};
use crate::verbs::watch::{Change, ChangeKind, Ended, Feed};
use crate::verbs::{self, Context};
use crate::warnings::Warnings;
use crate::{bootstrap, table};

/// The API server without its socket. Clones share everything.
#[derive(Clone, Debug)]
pub struct Service {
    state: Arc<State>,
}

impl Service {
    /// A service over a store.
    pub fn new(parts: Parts) -> Service {
        Service { state: Arc::new(State::new(parts)) }
    }

    /// Makes what every cluster has: its namespaces, its roles, the Service of the API server. What is there already is left alone.
    pub async fn bootstrap(&self) -> Result<(), StatusError> {
        bootstrap::run(self).await
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request<Body>, peer: Peer) -> Response<Body> {
        Box::pin(chain::run(&self.state, request, peer)).await
    }

    /// Opens a watch for a part of this process. The request is that of a client: its path and query say what is watched.
    pub async fn watch(
        &self,
        request: Request<()>,
        identity: Arc<Identity>,
    ) -> Result<Watch, StatusError> {
        let (parts, ()) = request.into_parts();
        let info =
            RequestInfo::parse(&parts.method, &parts.uri).map_err(StatusError::bad_request)?;
        let Target::Resource(resource) = info.target.clone() else {
            return Err(StatusError::no_such_path());
        };
        let kinds = self.state.kinds();
        let Some(kind) = kinds.find(&resource.group, &resource.version, &resource.resource) else {
            return Err(StatusError::no_such_path());
        };
        if resource.verb != Verb::Watch {
            return Err(StatusError::bad_request("the request is no watch"));
        }
        let call = Call {
            info,
            parts,
            body: Body::Empty,
            peer: Peer::internal(Arc::clone(&identity)),
            identity,
            warnings: Arc::new(Warnings::default()),
            kinds: Arc::clone(&kinds),
        };
        chain::authorize(&self.state, &call).await?;
        let metadata = call.accepted(crate::codec::negotiate::Offers::Resource)?.view
            == View::Metadata(ViewVersion::V1);
        let (kind, stored) = (kind.clone(), kinds.stored_kind(kind));
        let state = Arc::clone(&self.state);
        let context =
            Context { state, call, resource, kind, stored, accepted: Accepted::default() };
        let feed = verbs::watch::open(&context)?;
        Ok(Watch { context, feed, metadata })
    }

    /// Ends all watches and other streams, so that their connections can close.
    pub fn shutdown(&self) {
        self.state.shutdown.cancel();
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It came into being, or into the watch's reach.
    Added,
    /// It changed.
    Modified,
    /// It went away, or out of the watch's reach.
    Deleted,
    /// Nothing: everything up to the revision has been told.
    Bookmark,
    /// As a bookmark; what was there when the watch began has been told.
    InitialEnd,
}

/// An object as a watcher in this process gets it.
#[derive(Clone, Debug)]
pub enum Payload {
    /// The typed object, shared by all watchers; for those of metadata its `ObjectMeta`. And how it is stored, if it is stored as it is served.
    Typed(Arc<dyn Any + Send + Sync>, Option<Stored>),
    /// Its JSON: of metadata, and of kinds without a type.
    Json(Bytes),
    /// Bookmarks have none.
    None,
}

/// An object as it is stored, of which a typed one can be made at any time. It shares the bytes of the store.
#[derive(Clone)]
pub struct Stored {
    kind: KindRef,
    body: Bytes,
}

impl Stored {
    /// The typed object, as a watch gives it.
    pub fn read(&self) -> Result<Arc<dyn Any + Send + Sync>, kinds::DecodeError> {
        Ok(self.kind.parse(&self.body)?.into_any_arc())
    }
}

impl std::fmt::Debug for Stored {
    /// Without the body: it may be a Secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// One event of a watch in this process.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// To which object.
    pub object: Payload,
    /// When.
    pub revision: Revision,
}

/// A watch in this process.
#[derive(Debug)]
pub struct Watch {
    context: Context,
    feed: Feed,
    metadata: bool,
}

impl Watch {
    /// The next event; `None` when the watch's time is over, an error when it cannot go on. It may be dropped while it waits, and nothing is
    /// lost.
    pub async fn next(&mut self) -> Option<Result<Event, StatusError>> {
        match self.feed.next().await {
            Ok(change) => Some(self.event(change)),
            Err(Ended::Quietly) => None,
            Err(Ended::Failed(error)) => Some(Err(error)),
        }
    }

    fn event(&self, change: Change) -> Result<Event, StatusError> {
        match change {
            Change::Bookmark { revision, ends_initial } => {
                let kind = if ends_initial { EventKind::InitialEnd } else { EventKind::Bookmark };
                Ok(Event { kind, object: Payload::None, revision })
            }
            Change::Initial(entry) => Ok(Event {
                kind: EventKind::Added,
                object: self.decoded(&entry.body)?,
                revision: entry.revision,
            }),
            Change::Object { kind, event } => {
                let leaves = kind == ChangeKind::Deleted && event.kind == store::EventKind::Put;
                let typed = event
                    .value()
                    .filter(|_| !leaves && self.context.kind.is_stored_as_served())
                    .and_then(|value| self.shared(value));
                let object = match typed {
                    Some(value) => Payload::Typed(value, self.stored(&event.entry.body)),
                    None if leaves => {
                        let last = event.previous.as_ref().unwrap_or(&event.entry);
                        self.decoded(&last.body_at(event.revision))?
                    }
                    None => self.decoded(&event.entry.body)?,
                };
                let kind = match kind {
                    ChangeKind::Added => EventKind::Added,
                    ChangeKind::Modified => EventKind::Modified,
                    ChangeKind::Deleted => EventKind::Deleted,
                };
                Ok(Event { kind, object, revision: event.revision })
            }
        }
    }

    /// What this watcher wants of a typed object: all of it, or its metadata without the owners of its fields.
    fn shared(&self, value: Arc<dyn Any + Send + Sync>) -> Option<Arc<dyn Any + Send + Sync>> {
        if !self.metadata {
            return Some(value);
        }
        let metadata = self.context.kind.metadata_of(&*value)?;
        Some(Arc::new(ObjectMeta { managed_fields: None, ..metadata.clone() }))
    }

    fn decoded(&self, body: &Bytes) -> Result<Payload, StatusError> {
        if self.metadata {
            return Ok(Payload::Json(
                table::metadata(self.context.info(), &self.context.served(body)?, ViewVersion::V1)
                    .into(),
            ));
        }
        Ok(Payload::Typed(self.context.parse(body)?.into_any_arc(), self.stored(body)))
    }

    fn stored(&self, body: &Bytes) -> Option<Stored> {
        let is_whole = !self.metadata && self.context.kind.is_stored_as_served();
        is_whole.then(|| Stored { kind: self.context.kind.clone(), body: body.clone() })
    }
}

/// Finds what selectors look at in a stored object: what a store that is opened from disk asks for.
pub fn describe() -> Describe {
    Arc::new(|key: &Key, body: &[u8]| attributes(key, body).unwrap_or_default())
}

fn attributes(key: &Key, body: &[u8]) -> Option<Attributes> {
    let resource = GroupResource::parse(key.resource());
    let kind = kinds::all().iter().find(|kind| {
        let info = kind.info();
        info.stored_as.is_none() && info.group == resource.group && info.plural == resource.resource
    });
    match kind {
        Some(kind) => Some(kind.parse(body).ok()?.attributes()),
        None => kinds::custom::stored_attributes(key, body),
    }
}
