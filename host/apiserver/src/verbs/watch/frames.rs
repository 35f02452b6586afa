//! Messages of a watch for the wire: one JSON document on a line each, or one message of protobuf behind its length.
//!
//! Watchers who see the same change in the same form share its bytes: the first one writes them. Messages that are ready together are sent
//! together, which saves a packet each.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use kinds::AnyKind;
use meta::{Revision, StatusError, Tree};
use store::{Event, EventKind};
use tokio::sync::OwnedSemaphorePermit;

use super::feed::{Change, ChangeKind, Ended, Feed};
use super::runs;
use crate::body::Body;
use crate::codec::negotiate::{self, Format, ViewVersion};
use crate::codec::{encode, protobuf};
use crate::gather::Counted;
use crate::status;
use crate::table::{self, Include, Shown};
use crate::verbs::list::head_of_object;
use crate::verbs::{Context, scale};

/// Messages that are ready together are joined up to about this size.
const JOINED_BYTES: usize = 32 * 1024;

/// What a watcher sees of each object.
#[derive(Clone, Copy, Debug)]
pub(super) enum View {
    Object,
    Metadata(ViewVersion),
    /// Lists of metadata have no events: the watch ends with the first.
    MetadataList,
    Table {
        version: ViewVersion,
        include: Include,
        with_columns: bool,
    },
}

impl View {
    pub(super) fn new(context: &Context) -> Result<View, StatusError> {
        Ok(match context.accepted.view {
            negotiate::View::Object => View::Object,
            negotiate::View::Metadata(version) => View::Metadata(version),
            negotiate::View::MetadataList(_) => View::MetadataList,
            negotiate::View::Table(version) => {
                let include = table::include(&context.call.info.query)?;
                View::Table { version, include, with_columns: true }
            }
        })
    }
}

struct Frames {
    context: Arc<Context>,
    feed: Feed,
    view: View,
    over: bool,
    _permit: Option<OwnedSemaphorePermit>,
    _counted: Counted,
}

/// The body of a watch's answer.
pub(super) fn stream(
    context: Arc<Context>,
    feed: Feed,
    view: View,
    permit: Option<OwnedSemaphorePermit>,
) -> Body {
    // A stream moves what it goes on from for every message.
    let counted = context.call.peer.watches.enter();
    let frames =
        Box::new(Frames { context, feed, view, over: false, _permit: permit, _counted: counted });
    Body::stream(stream::unfold(frames, |mut frames| async move {
        let bytes = frames.next().await?;
        Some((Ok(bytes), frames))
    }))
}

impl Frames {
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        let first = match self.feed.next().await {
            Ok(_) if matches!(self.view, View::MetadataList) => return None,
            Ok(change) => change,
            Err(end) => return self.end(end),
        };
        // What else is ready goes out with it; a single message is sent without copying it.
        let Ok(Some(second)) = self.feed.try_next() else { return Some(self.frame(first)) };
        let mut len = first.len() + second.len();
        let mut run = vec![first, second];
        while len < JOINED_BYTES {
            let Ok(Some(change)) = self.feed.try_next() else { break };
            len += change.len();
            run.push(change);
        }
        Some(self.joined(run))
    }

    fn joined(&mut self, run: Vec<Change>) -> Bytes {
        let told: Option<Vec<_>> = run
            .iter()
            .map(|change| match change {
                Change::Object { kind, event } => Some((event.revision, self.slot(*kind, event)?)),
                Change::Initial(_) | Change::Bookmark { .. } => None,
            })
            .collect();
        let context = Arc::clone(&self.context);
        let messages = run.into_iter().map(|change| self.frame(change));
        match told {
            Some(told) => context.state.runs.joined(&told, messages),
            None => runs::join(messages),
        }
    }

    fn end(&mut self, end: Ended) -> Option<Bytes> {
        self.over = true;
        match end {
            Ended::Quietly => None,
            Ended::Failed(error) => Some(self.error(&error)),
        }
    }

    fn frame(&mut self, change: Change) -> Bytes {
        match change {
            Change::Initial(entry) => self.shown("ADDED", &entry.body),
            Change::Bookmark { revision, ends_initial } => {
                let body = bookmark(&*self.context.kind, revision, ends_initial);
                self.viewed("BOOKMARK", &body)
            }
            Change::Object { kind, event } => self.object(kind, &event),
        }
    }

    fn object(&mut self, kind: ChangeKind, event: &Arc<Event>) -> Bytes {
        let name = match kind {
            ChangeKind::Added => "ADDED",
            ChangeKind::Modified => "MODIFIED",
            ChangeKind::Deleted => "DELETED",
        };
        if leaves(kind, event) {
            // It goes on existing, but not for this watcher: what is told is how it was seen last.
            let body = event.previous.as_ref().unwrap_or(&event.entry).body_at(event.revision);
            return self.shown(name, &body);
        }
        let Some(slot) = self.slot(kind, event) else { return self.shown(name, &event.entry.body) };
        let (view, info, format) = (self.view, self.context.info(), self.context.accepted.format);
        event.encoded(slot, |event| match view {
            View::Metadata(version) => {
                message(name, &table::metadata(info, &event.entry.body, version), format)
            }
            View::Object | View::MetadataList | View::Table { .. } => {
                message(name, &event.entry.body, format)
            }
        })
    }

    /// Where the event keeps the message, if other watchers may want the same.
    fn slot(&self, kind: ChangeKind, event: &Event) -> Option<usize> {
        if leaves(kind, event) || !self.context.kind.is_stored_as_served() {
            return None;
        }
        let form = match (self.view, self.context.accepted.format) {
            (View::Object, Format::Json) => 0,
            (View::Metadata(ViewVersion::V1), Format::Json) => 3,
            (View::Object, Format::Protobuf) => 6,
            _ => return None,
        };
        Some(form + kind as usize)
    }

    /// A stored body in the kind of the request and the view of the watcher.
    fn shown(&mut self, name: &str, body: &Bytes) -> Bytes {
        match self.context.served(body) {
            Ok(body) => self.viewed(name, &body),
            Err(error) => self.error(&error),
        }
    }

    fn error(&self, error: &StatusError) -> Bytes {
        let status = encode::plain(&status::status(error));
        message("ERROR", &status, self.context.accepted.format)
    }

    fn viewed(&mut self, name: &str, body: &Bytes) -> Bytes {
        let format = self.context.accepted.format;
        match self.view {
            View::Object | View::MetadataList => message(name, body, format),
            View::Metadata(version) => {
                message(name, &table::metadata(self.context.info(), body, version), format)
            }
            View::Table { version, include, with_columns } => {
                // Columns are told once; a bookmark has none, and does not count.
                let told = with_columns && name != "BOOKMARK";
                let head = head_of_object(body);
                let now = self.context.state.clock.now();
                let shown = if told { Shown::Object } else { Shown::LaterEvent };
                let kind = &*self.context.kind;
                let rows = vec![table::row(kind, body, now)];
                let table = table::table(kind, rows, &head, version, include, shown);
                if told {
                    self.view = View::Table { version, include, with_columns: false };
                }
                message(name, &table, format)
            }
        }
    }
}

/// Whether an object goes on existing where the watcher does not see it.
fn leaves(kind: ChangeKind, event: &Event) -> bool {
    kind == ChangeKind::Deleted && event.kind == EventKind::Put
}

/// An event with an object, given as JSON. In JSON that is `{"type":"ADDED","object":…}` and a line feed.
fn message(name: &str, object: &[u8], format: Format) -> Bytes {
    let object = object.strip_suffix(b"\n").unwrap_or(object);
    if format == Format::Protobuf {
        return protobuf::event(name, &encode::as_protobuf(object)).into();
    }
    let mut bytes = Vec::with_capacity(object.len() + 32);
    bytes.extend_from_slice(b"{\"type\":\"");
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b"\",\"object\":");
    bytes.extend_from_slice(object);
    bytes.extend_from_slice(b"}\n");
    bytes.into()
}

/// An object of the kind with nothing in it but the revision.
fn bookmark(kind: &dyn AnyKind, revision: Revision, ends_initial: bool) -> Bytes {
    let info = kind.info();
    let mut metadata = serde_json::json!({ "resourceVersion": revision.to_string() });
    if ends_initial {
        metadata["annotations"] = serde_json::json!({ "k8s.io/initial-events-end": "true" });
    }
    let mut tree: Tree = serde_json::json!({ "apiVersion": info.api_version(), "kind": info.kind, "metadata": metadata });
    // A count of replicas is a plain number inside Kubernetes, and so is there where nobody set it.
    if let Some(paths) = info.scale.filter(|_| kind.custom().is_none()) {
        scale::rescale(&mut tree, &Tree::Null, &paths);
    }
    kind.emit(&mut tree);
    encode::plain(&tree)
}
