//! Event objects: what happened to Pods, for people who ask why.
//!
//! Never in the way: the queue is bounded and drops, the rate is limited as the kubelet's is, and a repetition raises the count of the Event that
//! is there already.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use api::{Client, Error, Patch, WriteParams};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use tokio::sync::mpsc;

const QUEUE: usize = 1024;
/// The kubelet's limits.
const PER_SEC: u32 = 50;
const BURST: u32 = 100;
/// Events whose repetitions are recognised.
const KNOWN_MAX: usize = 4096;

/// One thing to tell.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    pub(crate) object: ObjectReference,
    pub(crate) is_warning: bool,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) at: Timestamp,
}

/// Takes what is to be told.
#[derive(Clone)]
pub(crate) struct Recorder(mpsc::Sender<Telling>);

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("free", &self.0.capacity()).finish()
    }
}

impl Recorder {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Telling>) {
        let (sender, queue) = mpsc::channel(QUEUE);
        (Self(sender), queue)
    }

    pub(crate) fn tell(&self, telling: Telling) {
        // Dropping news is better than holding up what makes them.
        let _ = self.0.try_send(telling);
    }
}

#[derive(Clone, Debug)]
struct Known {
    name: String,
    count: i32,
}

/// Writes what comes out of the queue. Runs until its other end is dropped.
pub(crate) async fn write(client: Client, node: String, mut queue: mpsc::Receiver<Telling>) {
    let mut known: HashMap<(String, String, String, String), Known> = HashMap::new();
    let mut allowance = BURST;
    let mut refill = tokio::time::interval(Duration::from_secs(1) / PER_SEC);
    refill.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    while let Some(telling) = queue.recv().await {
        use futures::FutureExt as _;
        while allowance < BURST && refill.tick().now_or_never().is_some() {
            allowance += 1;
        }
        if allowance == 0 {
            refill.tick().await;
            allowance += 1;
        }
        allowance -= 1;
        let uid = telling.object.uid.clone().unwrap_or_default();
        let path = telling.object.field_path.clone().unwrap_or_default();
        let key = (uid, path, telling.reason.clone(), telling.message.clone());
        let written = match known.get_mut(&key) {
            Some(known) => {
                known.count = known.count.saturating_add(1);
                repeat(&client, &telling, known).await
            }
            None => create(&client, &node, &telling).await.map(|name| {
                if known.len() >= KNOWN_MAX {
                    known.clear();
                }
                known.insert(key.clone(), Known { name, count: 1 });
            }),
        };
        if let Err(error) = written {
            tracing::debug!(error = &error as &dyn std::error::Error, "cannot write an Event");
            known.remove(&key);
        }
    }
}

async fn repeat(client: &Client, telling: &Telling, known: &Known) -> Result<(), Error> {
    let events = client.api::<Event>(telling.object.namespace.as_deref());
    let patch = serde_json::json!({ "count": known.count, "lastTimestamp": Time(telling.at) });
    events.patch(&known.name, &Patch::Merge(patch), &WriteParams::default()).await.map(drop)
}

async fn create(client: &Client, node: &str, telling: &Telling) -> Result<String, Error> {
    let namespace = telling.object.namespace.as_deref().unwrap_or("default");
    let object = telling.object.name.as_deref().unwrap_or_default();
    let event = Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{object}.")),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: telling.object.clone(),
        reason: Some(telling.reason.clone()),
        message: Some(telling.message.clone()),
        source: Some(EventSource {
            component: Some("kubelet".to_owned()),
            host: Some(node.to_owned()),
        }),
        first_timestamp: Some(Time(telling.at)),
        last_timestamp: Some(Time(telling.at)),
        count: Some(1),
        type_: Some(if telling.is_warning { "Warning" } else { "Normal" }.to_owned()),
        reporting_component: Some("kubelet".to_owned()),
        reporting_instance: Some(node.to_owned()),
        ..Event::default()
    };
    let events = client.api::<Event>(Some(namespace));
    let created = events.create(&event, &WriteParams::default()).await?;
    Ok(created.metadata.name.unwrap_or_default())
}
