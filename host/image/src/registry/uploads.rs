//! Uploads: a blob arrives in one piece or in chunks, and gets its name when the client says which digest it must have.
//!
//! The number of uploads in progress is bounded. When it is reached, the one that has been quiet longest gives way if it has been quiet
//! for ten minutes; clients that lose an upload begin again. Uploads do not survive a restart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;

use super::answer::{Answer, Code, Refusal, plain, set};
use super::route::{Query, digest};
use super::{Body, BoxError, Registry};
use crate::digest::Digest;
use crate::store::Writer;

/// How long an upload must have been quiet to give way to another.
const QUIET_MIN: Duration = Duration::from_mins(10);

/// The uploads in progress.
#[derive(Debug)]
pub(super) struct Uploads {
    limit: usize,
    open: Mutex<BTreeMap<String, Upload>>,
}

#[derive(Clone, Debug)]
struct Upload {
    name: String,
    touched: Instant,
    /// Locked while a request writes; empty once the upload has ended.
    writer: Arc<tokio::sync::Mutex<Option<Writer>>>,
}

impl Uploads {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, open: Mutex::default() }
    }

    fn add(&self, name: &str, writer: Writer, now: Instant) -> Result<String, Refusal> {
        let mut open = self.open.lock();
        if open.len() >= self.limit {
            let quietest = open
                .iter()
                .min_by_key(|(_, upload)| upload.touched)
                .filter(|(_, upload)| now.duration_since(upload.touched) >= QUIET_MIN)
                .map(|(id, _)| id.clone());
            let Some(id) = quietest else {
                let refusal = Refusal::new(Code::TooManyRequests, "too many uploads in progress");
                return Err(refusal.with("retry-after", "10"));
            };
            open.remove(&id);
        }
        let id = uuid::Uuid::new_v4().to_string();
        let writer = Arc::new(tokio::sync::Mutex::new(Some(writer)));
        open.insert(id.clone(), Upload { name: name.to_owned(), touched: now, writer });
        Ok(id)
    }

    fn find(&self, name: &str, id: &str, now: Instant) -> Result<Upload, Refusal> {
        let mut open = self.open.lock();
        let upload = open.get_mut(id).filter(|upload| upload.name == name).ok_or_else(unknown)?;
        upload.touched = now;
        Ok(upload.clone())
    }

    fn remove(&self, id: &str) {
        self.open.lock().remove(id);
    }
}

fn unknown() -> Refusal {
    Refusal::new(Code::BlobUploadUnknown, "blob upload unknown to registry")
}

impl Registry {
    /// Begins an upload, takes a whole blob at once, or finds that the blob is here already.
    pub(super) async fn begin<B>(&self, name: &str, query: &Query, body: B) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        if let Some(mount) = &query.mount {
            let wanted = digest(mount)?;
            if self.store.blob_size(&wanted).await.is_ok() {
                return Ok(created(name, wanted));
            }
        }
        let mut writer = self.store.writer().await?;
        if let Some(wanted) = &query.digest {
            let wanted = digest(wanted)?;
            copy(body, &mut writer).await?;
            return Ok(created(name, writer.commit(Some(wanted)).await?));
        }
        let id = self.uploads.add(name, writer, Instant::now())?;
        Ok(accepted(name, &id, 0))
    }

    pub(super) async fn upload_status(&self, name: &str, id: &str) -> Answer {
        let upload = self.uploads.find(name, id, Instant::now())?;
        let writer = upload.writer.lock().await;
        let size = writer.as_ref().ok_or_else(unknown)?.size();
        let mut response = accepted(name, id, size);
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    /// Takes one chunk. A chunk that does not continue where the last one ended is refused, and the upload stays as it was.
    pub(super) async fn append<B>(
        &self,
        name: &str,
        id: &str,
        headers: &HeaderMap,
        body: B,
    ) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let upload = self.uploads.find(name, id, Instant::now())?;
        let mut slot = upload.writer.lock().await;
        let writer = slot.as_mut().ok_or_else(unknown)?;
        continues(name, id, headers, writer)?;
        match copy(body, writer).await {
            Ok(()) => Ok(accepted(name, id, writer.size())),
            Err(refusal) => {
                // What arrived of a broken chunk cannot be taken back out of the digest.
                *slot = None;
                self.uploads.remove(id);
                Err(refusal)
            }
        }
    }

    /// Takes the last chunk, if any, and names the blob.
    pub(super) async fn finish<B>(
        &self,
        name: &str,
        id: &str,
        query: &Query,
        headers: &HeaderMap,
        body: B,
    ) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let Some(wanted) = &query.digest else {
            return Err(Refusal::new(Code::DigestInvalid, "the digest parameter is missing"));
        };
        let wanted = digest(wanted)?;
        let upload = self.uploads.find(name, id, Instant::now())?;
        let mut slot = upload.writer.lock().await;
        let writer = slot.as_ref().ok_or_else(unknown)?;
        continues(name, id, headers, writer)?;
        let mut writer = slot.take().ok_or_else(unknown)?;
        self.uploads.remove(id);
        copy(body, &mut writer).await?;
        Ok(created(name, writer.commit(Some(wanted)).await?))
    }

    pub(super) fn cancel(&self, name: &str, id: &str) -> Answer {
        self.uploads.find(name, id, Instant::now())?;
        self.uploads.remove(id);
        Ok(plain(StatusCode::NO_CONTENT))
    }
}

fn continues(name: &str, id: &str, headers: &HeaderMap, writer: &Writer) -> Result<(), Refusal> {
    let Some(range) = headers.get("content-range").and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    let range = range.strip_prefix("bytes ").unwrap_or(range);
    let start = range.split_once('-').and_then(|(start, _)| start.parse::<u64>().ok());
    if start == Some(writer.size()) {
        return Ok(());
    }
    let refusal = Refusal::new(Code::RangeInvalid, "the chunk does not continue the upload");
    Err(refusal.with("location", location(name, id)).with("range", range_so_far(writer.size())))
}

async fn copy<B>(mut body: B, writer: &mut Writer) -> Result<(), Refusal>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let error: BoxError = error.into();
            Refusal::new(Code::BlobUploadInvalid, format!("the upload broke off: {error}"))
        })?;
        if let Ok(data) = frame.into_data() {
            writer.write(&data).await?;
        }
    }
    Ok(())
}

fn location(name: &str, id: &str) -> String {
    format!("/v2/{name}/blobs/uploads/{id}")
}

/// The first and the last byte received; the protocol has no way to write an empty range.
fn range_so_far(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}

fn accepted(name: &str, id: &str, size: u64) -> Response<Body> {
    let mut response = plain(StatusCode::ACCEPTED);
    set(&mut response, "location", &location(name, id));
    set(&mut response, "range", &range_so_far(size));
    set(&mut response, "docker-upload-uuid", id);
    set(&mut response, "content-length", "0");
    response
}

fn created(name: &str, digest: Digest) -> Response<Body> {
    let mut response = plain(StatusCode::CREATED);
    set(&mut response, "location", &format!("/v2/{name}/blobs/{digest}"));
    set(&mut response, "docker-content-digest", &digest.to_string());
    set(&mut response, "content-length", "0");
    response
}
