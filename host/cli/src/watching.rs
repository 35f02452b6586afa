//! Reads a streamed answer line by line: watch events as JSON, or log lines.

use anyhow::Context as _;
use api::Error;
use bytes::{Buf as _, Bytes, BytesMut};
use http::{Request, header};
use http_body_util::BodyExt as _;
use serde::{Deserialize, de::DeserializeOwned};

use crate::session::{Session, refusal};

/// The longest line that is held, in bytes; Kubernetes bounds objects well below it.
const MAX_LINE: usize = 16 << 20;

/// One event of a watch.
#[derive(Debug, Deserialize)]
pub(crate) struct Event<T> {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) object: T,
}

/// The lines of an answer that goes on.
#[derive(Debug)]
pub(crate) struct Lines {
    body: api::Body,
    held: BytesMut,
    ended: bool,
}

impl Lines {
    /// Sends a GET whose answer is read as it comes.
    pub(crate) async fn open(session: &Session, path: &str, accept: &str) -> anyhow::Result<Self> {
        let request = Request::get(path).header(header::ACCEPT, accept).body(Bytes::new())?;
        let answer = session.client.raw(request).await?;
        let code = answer.status().as_u16();
        if code >= 400 {
            let body = answer.into_body().collect().await?.to_bytes();
            return Err(refusal(code, &body).into());
        }
        Ok(Self { body: answer.into_body(), held: BytesMut::new(), ended: false })
    }

    /// The next line without its end, or none at the end of the answer.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Bytes>> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.held.iter().skip(searched).position(|byte| *byte == b'\n') {
                let line = self.held.split_to(searched + end).freeze();
                self.held.advance(1);
                return Ok(Some(line));
            }
            searched = self.held.len();
            if self.ended {
                let rest = std::mem::take(&mut self.held).freeze();
                return Ok((!rest.is_empty()).then_some(rest));
            }
            anyhow::ensure!(
                searched <= MAX_LINE,
                "the server sent a line of more than {MAX_LINE} bytes"
            );
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.held.extend_from_slice(&data);
                    }
                }
                None => self.ended = true,
            }
        }
    }

    /// The next event of a watch. An `ERROR` event is the error that it carries.
    pub(crate) async fn event<T: DeserializeOwned>(&mut self) -> anyhow::Result<Option<Event<T>>> {
        let Some(line) = self.next().await? else { return Ok(None) };
        let event: Event<serde_json::Value> =
            serde_json::from_slice(&line).context("the server sent no watch event")?;
        if event.kind == "ERROR" {
            return Err(Error::from_status(serde_json::from_value(event.object)?).into());
        }
        Ok(Some(Event { kind: event.kind, object: serde_json::from_value(event.object)? }))
    }
}

/// A text as part of a query.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            for half in [byte >> 4, byte & 15] {
                escaped.push(
                    char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase(),
                );
            }
        }
    }
    escaped
}
