//! The client seam over the API server of the same process: no socket, no credentials, and watches that share typed objects.

use std::any::Any;
use std::sync::Arc;

use api::{Error, EventKind, Payload, Refusal, Transport, WatchParams, Watching};
use apiserver::{Body, Identity, Peer, Service};
use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture, stream};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use meta::StatusError;

/// Requests of one of this process's parts, under its own identity.
#[derive(Clone, Debug)]
pub(crate) struct InProcess {
    service: Service,
    identity: Arc<Identity>,
}

impl InProcess {
    pub(crate) fn new(service: Service, identity: Identity) -> Self {
        Self { service, identity: Arc::new(identity) }
    }
}

impl Transport for InProcess {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<api::Body>, Error>> {
        async move {
            let request = request.map(Body::full);
            let peer = Peer::internal(Arc::clone(&self.identity));
            let response = self.service.handle(request, peer).await;
            Ok(response.map(|body| body.map_err(broken).boxed_unsync()))
        }
        .boxed()
    }

    fn watch(&self, params: WatchParams) -> BoxFuture<'_, Result<Watching, Error>> {
        async move {
            let request = params.request()?.map(|_| ());
            let watch =
                self.service.watch(request, Arc::clone(&self.identity)).await.map_err(refused)?;
            let events = stream::unfold(watch, |mut watch| async move {
                let event = watch.next().await?.map(event).map_err(refused);
                Some((event, watch))
            });
            Ok(Box::pin(events) as Watching)
        }
        .boxed()
    }
}

fn event(event: apiserver::Event) -> api::Event {
    let kind = match event.kind {
        apiserver::EventKind::Added => EventKind::Added,
        apiserver::EventKind::Modified => EventKind::Modified,
        apiserver::EventKind::Deleted => EventKind::Deleted,
        apiserver::EventKind::Bookmark => EventKind::Bookmark,
        apiserver::EventKind::InitialEnd => EventKind::Synced,
    };
    let object = match event.object {
        apiserver::Payload::Typed(value, stored) => {
            let again = stored.map(|stored| Arc::new(Again(stored)) as Arc<dyn api::Reread>);
            Payload::Typed(value, again)
        }
        apiserver::Payload::Json(bytes) => Payload::Json(bytes),
        apiserver::Payload::None => Payload::Json(Bytes::new()),
    };
    api::Event { kind, object, revision: event.revision }
}

/// A stored object, for readers that let go of what they made of it.
#[derive(Debug)]
struct Again(apiserver::Stored);

impl api::Reread for Again {
    fn read(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        let value = self.0.read();
        value.map_err(|error| tracing::error!(%error, "a stored object cannot be read again")).ok()
    }
}

fn refused(error: StatusError) -> Error {
    Error::from_status(*Refusal::from(error.0))
}

fn broken(source: apiserver::BodyError) -> Error {
    Error::Decode { path: String::new(), source }
}
