//! Messages of a watch for the wire: one JSON document on a line each, or one message of protobuf behind its length.
//!
//! Watchers who see the same change in the same form share its bytes: the first one writes them. Messages that are ready together are sent
//! together, which saves a packet each.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream;
use kinds::AnyKind;
use meta::{Revision, StatusError, Tree};
use store::{Event, EventKind};
use tokio::sync::OwnedSemaphorePermit;

use super::feed::{Change, ChangeKind, Ended, Feed};
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
            Ok(change) => self.frame(change),
            Err(end) => return self.end(end),
        };
        // What else is ready goes out with it; a single message is sent without copying it.
        let Ok(Some(second)) = self.feed.try_next() else { return Some(first) };
        let mut joined = BytesMut::with_capacity(JOINED_BYTES.max(first.len()));
        joined.extend_from_slice(&first);
        joined.extend_from_slice(&self.frame(second));
        while joined.len() < JOINED_BYTES {
            match self.feed.try_next() {
                Ok(Some(change)) => joined.extend_from_slice(&self.frame(change)),
                Ok(None) | Err(_) => break,
            }
        }
        Some(joined.freeze())
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
        let leaves = kind == ChangeKind::Deleted && event.kind == EventKind::Put;
        if leaves {
            // It goes on existing, but not for this watcher: what is told is how it was seen last.
            let body = event.previous.as_ref().unwrap_or(&event.entry).body_at(event.revision);
            return self.shown(name, &body);
        }
        let format = self.context.accepted.format;
        let slot = match (self.view, format) {
            _ if !self.context.kind.is_stored_as_served() => None,
            (View::Object, Format::Json) => Some(0),
            (View::Metadata(ViewVersion::V1), Format::Json) => Some(3),
            (View::Object, Format::Protobuf) => Some(6),
            _ => None,
        };
        let Some(slot) = slot else { return self.shown(name, &event.entry.body) };
        let slot = slot
            + match kind {
                ChangeKind::Added => 0,
                ChangeKind::Modified => 1,
                ChangeKind::Deleted => 2,
            };
        let (view, info) = (self.view, self.context.info());
        event.encoded(slot, |event| match view {
            View::Metadata(version) => {
                message(name, &table::metadata(info, &event.entry.body, version), format)
            }
            View::Object | View::MetadataList | View::Table { .. } => {
                message(name, &event.entry.body, format)
            }
        })
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
