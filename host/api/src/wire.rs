//! JSON over HTTP: queries, whole answers, and watch streams of one event a line.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::Response;
use http_body_util::BodyExt;
use meta::Revision;
use serde::Deserialize;

use crate::{Body, Error, Event, EventKind, Payload, Watching};

/// The largest answer that is read into memory.
const ANSWER_BYTES_MAX: usize = 1 << 30;
/// The largest single watch event: an object is at most 3 MiB on the server's side.
const EVENT_BYTES_MAX: usize = 32 << 20;

/// A path with its query, written piece by piece.
#[derive(Debug)]
pub(crate) struct Query {
    text: String,
    has_query: bool,
}

impl Query {
    pub(crate) fn new(path: String) -> Self {
        Self { text: path, has_query: false }
    }

    /// Adds a parameter unless its value is empty.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.push_str(name);
        self.text.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    self.text.push(char::from(byte));
                }
                _ => {
                    const HEX: &[u8; 16] = b"0123456789ABCDEF";
                    self.text.push('%');
                    self.text.push(char::from(HEX[usize::from(byte >> 4)]));
                    self.text.push(char::from(HEX[usize::from(byte & 15)]));
                }
            }
        }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// Reads a whole answer; an error code becomes an [`Error`].
pub(crate) async fn whole(answer: Response<Body>) -> Result<Bytes, Error> {
    let code = answer.status();
    let limited = http_body_util::Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
    let body = match limited.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            return Err(error.downcast::<Error>().map_or_else(
                |_| Error::TooLarge { limit: ANSWER_BYTES_MAX },
                |transport| *transport,
            ));
        }
    };
    if code.is_success() { Ok(body) } else { Err(Error::from_answer(code.as_u16(), &body)) }
}

/// Turns the answer to a watch request into its events.
pub(crate) async fn events(path: &str, answer: Response<Body>) -> Result<Watching, Error> {
    if !answer.status().is_success() {
        let code = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        return Err(Error::from_answer(code, &body));
    }
    let lines = Lines { body: answer.into_body(), buffer: BytesMut::new(), scanned: 0 };
    let path = path.to_owned();
    let decoded = stream::try_unfold(lines, |mut lines| async move {
        Ok(lines.next().await?.map(|line| (line, lines)))
    })
    .map(move |line| line.and_then(|line| event(&path, &line)));
    Ok(decoded.boxed())
}

/// A body cut at its line ends.
struct Lines {
    body: Body,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    scanned: usize,
}

impl Lines {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(end) = self.buffer[self.scanned..].iter().position(|b| *b == b'\n') {
                let line = self.buffer.split_to(self.scanned + end + 1).freeze();
                self.scanned = 0;
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            self.scanned = self.buffer.len();
            if self.scanned > EVENT_BYTES_MAX {
                return Err(Error::TooLarge { limit: EVENT_BYTES_MAX });
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                // A broken connection may cut the last line; the next watch resumes before it.
                None => return Ok(None),
            }
        }
    }
}

/// The part of an object that every event is sorted by.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    metadata: HeadMeta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HeadMeta {
    resource_version: String,
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

fn event(path: &str, line: &Bytes) -> Result<Event, Error> {
    let (kind, object) = split(path, line)?;
    if kind == "ERROR" {
        let status = serde_json::from_slice(&object).map_err(|e| Error::decode(path, e))?;
        return Err(Error::from_status(status));
    }
    let head: Head = serde_json::from_slice(&object).map_err(|e| Error::decode(path, e))?;
    let kind = match kind.as_str() {
        "ADDED" => EventKind::Added,
        "MODIFIED" => EventKind::Modified,
        "DELETED" => EventKind::Deleted,
        _ => match head.metadata.annotations {
            Some(notes) if notes.contains_key("k8s.io/initial-events-end") => EventKind::Synced,
            _ => EventKind::Bookmark,
        },
    };
    let revision: Revision = head.metadata.resource_version.parse().unwrap_or_default();
    Ok(Event { kind, object: Payload::Json(object), revision })
}

/// The frame of an event.
#[derive(Deserialize)]
struct Frame {
    r#type: String,
    object: serde_json::Value,
}

/// Finds the object inside its frame without parsing it twice.
///
/// Servers write `{"type":"…","object":{…}}` in this order and without spaces; anything else is
/// valid as well and takes the slow way.
fn split(path: &str, line: &Bytes) -> Result<(String, Bytes), Error> {
    const HEAD: &[u8] = b"{\"type\":\"";
    const MIDDLE: &[u8] = b"\",\"object\":";
    let trimmed = line.trim_ascii();
    if let Some(rest) = trimmed.strip_prefix(HEAD)
        && let Some(end) = rest.iter().position(|b| *b == b'"')
        && let Some(object) = rest[end..].strip_prefix(MIDDLE)
        && let Some(object) = object.strip_suffix(b"}")
    {
        let kind = String::from_utf8_lossy(&rest[..end]).into_owned();
        return Ok((kind, line.slice_ref(object)));
    }
    let frame: Frame = serde_json::from_slice(trimmed).map_err(|e| Error::decode(path, e))?;
    let object = serde_json::to_vec(&frame.object).map_err(Error::encode)?;
    Ok((frame.r#type, object.into()))
}

#[cfg(test)]
mod tests;
