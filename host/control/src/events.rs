//! Events for people, as Kubernetes' components write them.
//!
//! Repetitions of one Event raise its count. Ten different messages of one reason about one object
//! are combined from then on. A source may write 25 Events about one object at once and then one in
//! five minutes; the rest is dropped, so that a failing loop never floods the store. What waits to
//! be written is bounded, too: Events are hints, and losing some is better than slowing the work.

mod correlate;

use std::sync::Arc;

use api::Client;
use bytes::Bytes;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use meta::Clock;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use correlate::{Correlator, Write};

/// Events that wait to be written.
const BACKLOG_MAX: usize = 1000;

/// Takes Events; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    correlator: Arc<Mutex<Correlator>>,
    writes: mpsc::Sender<Write>,
    clock: Arc<dyn Clock>,
}

impl Recorder {
    /// A recorder, and the task that writes.
    pub(crate) fn new(
        client: Client,
        clock: Arc<dyn Clock>,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (writes, waiting) = mpsc::channel(BACKLOG_MAX);
        let recorder = Self { correlator: Arc::default(), writes, clock };
        (recorder, write_all(client, waiting))
    }

    /// Records an Event; never waits.
    pub(crate) fn record(
        &self,
        component: &str,
        regarding: &ObjectReference,
        level: controllers::Level,
        reason: &str,
        message: &str,
    ) {
        let now = self.clock.now();
        let type_ = match level {
            controllers::Level::Normal => "Normal",
            controllers::Level::Warning => "Warning",
        };
        let namespace = regarding.namespace.clone().filter(|namespace| !namespace.is_empty());
        let time = Time(whole_second(now));
        let event = Event {
            metadata: ObjectMeta {
                name: Some(name(regarding, now)),
                namespace: Some(namespace.unwrap_or_else(|| "default".to_owned())),
                ..ObjectMeta::default()
            },
            involved_object: regarding.clone(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            first_timestamp: Some(time.clone()),
            last_timestamp: Some(time),
            count: Some(1),
            type_: Some(type_.to_owned()),
            source: Some(EventSource { component: Some(component.to_owned()), host: None }),
            reporting_component: Some(component.to_owned()),
            ..Event::default()
        };
        let write = self.correlator.lock().observe(event, now);
        if let Some(write) = write
            && self.writes.try_send(write).is_err()
        {
            tracing::debug!(reason, "too many events wait, dropping one");
        }
    }

    /// Writes an Event of the newer form, which is never merged.
    pub(crate) fn record_new(&self, event: Event) {
        if self.writes.try_send(Write::Create(Box::new(event))).is_err() {
            tracing::debug!("too many events wait, dropping one");
        }
    }
}

/// A name that no other Event of the object has.
pub(crate) fn name(regarding: &ObjectReference, now: jiff::Timestamp) -> String {
    format!("{}.{:x}", regarding.name.as_deref().unwrap_or(""), now.as_nanosecond())
}

pub(crate) fn whole_second(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}

async fn write_all(client: Client, mut waiting: mpsc::Receiver<Write>) {
    while let Some(write) = waiting.recv().await {
        let outcome = match write {
            Write::Create(event) => create(&client, &event).await,
            Write::Patch { event, body } => {
                let namespace = event.metadata.namespace.as_deref().unwrap_or("default");
                let name = event.metadata.name.as_deref().unwrap_or("");
                let path = format!("/api/v1/namespaces/{namespace}/events/{name}");
                let content = ("application/strategic-merge-patch+json", Bytes::from(body));
                let patched = client
                    .request::<serde_json::Value>(http::Method::PATCH, &path, Some(content))
                    .await;
                match patched {
                    // It has expired meanwhile: begin a new one.
                    Err(error) if error.is_not_found() => create(&client, &event).await,
                    other => other.map(|_| ()),
                }
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(error = &error as &dyn std::error::Error, "cannot write an event");
        }
    }
}

async fn create(client: &Client, event: &Event) -> Result<(), api::Error> {
    let namespace = event.metadata.namespace.as_deref();
    client.api::<Event>(namespace).create(event, &api::WriteParams::default()).await.map(|_| ())
}
