//! One request to a server, and what came back.

use std::time::Duration;

use http::{
    Request,
    header::{CONTENT_TYPE, WARNING},
};
use http_body_util::BodyExt as _;
use kube::{Client, client::Body};
use serde_json::Value;

/// Far more than any answer takes.
const CEILING: Duration = Duration::from_secs(60);
/// What a watch says when all that was there before it is told.
const INITIAL_END: &[u8] = b"k8s.io/initial-events-end";

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) media_type: String,
    pub(crate) warnings: Vec<String>,
    /// JSON, or a text that is none; the events of a watch are a list; of protobuf there is nothing.
    pub(crate) body: Value,
}

/// A request as it is sent.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) body: Vec<u8>,
    /// Whether lines of JSON come, the last of them ending with the initial events.
    pub(crate) is_watch: bool,
    /// So many lines are read.
    pub(crate) lines_max: Option<usize>,
}

/// Sends JSON.
pub(crate) async fn send(
    client: &Client,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let headers = vec![("content-type", "application/json")];
    let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
    exchange(client, Asked { method, path, headers, body, ..Asked::default() }).await
}

/// Sends a request and reads the answer. One that does not come is code 0.
pub(crate) async fn exchange(client: &Client, asked: Asked<'_>) -> Answer {
    let what = format!("{} {}", asked.method, asked.path);
    match tokio::time::timeout(CEILING, answer(client, asked)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => none(error.to_string()),
        Err(_) => none(format!("{what}: no end after {} s", CEILING.as_secs())),
    }
}

fn none(why: String) -> Answer {
    Answer { code: 0, media_type: String::new(), warnings: vec![why], body: Value::Null }
}

async fn answer(client: &Client, asked: Asked<'_>) -> anyhow::Result<Answer> {
    let mut request = Request::builder().method(asked.method).uri(asked.path);
    for (name, value) in &asked.headers {
        request = request.header(*name, *value);
    }
    let response = client.send(request.body(Body::from(asked.body))?).await?;
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers();
    let warnings = headers.get_all(WARNING).iter().map(text).collect();
    let media_type = headers.get(CONTENT_TYPE).map(text).unwrap_or_default();
    let code = response.status().as_u16();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        bytes.extend_from_slice(&frame?.into_data().unwrap_or_default());
        if asked.is_watch && code == 200 && is_enough(&bytes, asked.lines_max) {
            break;
        }
    }
    let body = parsed(&media_type, &bytes, asked.is_watch && code == 200);
    let body = match (body, asked.lines_max) {
        (Value::Array(mut frames), Some(max)) => {
            frames.truncate(max);
            Value::Array(frames)
        }
        (body, _) => body,
    };
    Ok(Answer { code, media_type, warnings, body })
}

fn is_enough(bytes: &[u8], lines_max: Option<usize>) -> bool {
    let lines = bytes.split(|&byte| byte == b'\n').count() - 1;
    let told = bytes.windows(INITIAL_END.len()).any(|window| window == INITIAL_END);
    // Frames of protobuf have no ends of lines.
    let is_whole = bytes.ends_with(b"\n") || !bytes.starts_with(b"{");
    is_whole && (told || lines_max.is_some_and(|max| lines >= max))
}

fn parsed(media_type: &str, bytes: &[u8], is_watch: bool) -> Value {
    let text = || Value::String(String::from_utf8_lossy(bytes).into_owned());
    if media_type.starts_with("application/vnd.kubernetes.protobuf") {
        return Value::Null;
    }
    if is_watch {
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let frames: Vec<Value> =
            lines.map(|line| serde_json::from_slice(line).unwrap_or_else(|_| text())).collect();
        // What is asked of one object is no watch.
        if frames.iter().all(|frame| frame.get("type").is_some() && frame.get("object").is_some()) {
            return Value::Array(frames);
        }
    }
    if media_type.starts_with("application/yaml") {
        let parsed = serde_saphyr::from_str(&String::from_utf8_lossy(bytes));
        return parsed.unwrap_or_else(|_| text());
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| text())
}
