//! Reading and removing blobs, whole or in part.

use std::ops::RangeInclusive;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderMap, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::answer::{Answer, Code, Refusal, plain, set};
use super::{Body, BoxError, Registry};
use crate::digest::Digest;

/// How much of a blob is in memory for one reader.
const CHUNK_BYTES: usize = 128 << 10;

impl Registry {
    pub(super) async fn head_blob(&self, digest: Digest) -> Answer {
        let size = self.store.blob_size(&digest).await?;
        Ok(described(StatusCode::OK, digest, size))
    }

    pub(super) async fn get_blob(&self, digest: Digest, headers: &HeaderMap) -> Answer {
        let size = self.store.blob_size(&digest).await?;
        let range = headers.get(RANGE).and_then(|value| value.to_str().ok());
        let (status, range) = match range.map(|range| parse_range(range, size)) {
            None => (StatusCode::OK, None),
            Some(Some(range)) => (StatusCode::PARTIAL_CONTENT, Some(range)),
            Some(None) => {
                let refusal = Refusal::new(Code::RangeInvalid, "the range is not in the blob");
                return Err(refusal.with("content-range", format!("bytes */{size}")));
            }
        };
        let start = range.as_ref().map_or(0, |range| *range.start());
        let length = range.as_ref().map_or(size, |range| range.end() - range.start() + 1);
        let io = |_| Refusal::from(crate::store::StoreError::BlobUnknown(digest));
        let mut file = tokio::fs::File::open(self.store.blob_path(&digest)).await.map_err(io)?;
        file.seek(std::io::SeekFrom::Start(start)).await.map_err(io)?;
        let mut response = described(status, digest, length);
        if let Some(range) = range {
            let value = format!("bytes {}-{}/{size}", range.start(), range.end());
            set(&mut response, CONTENT_RANGE.as_str(), &value);
        }
        *response.body_mut() = stream(file, length);
        Ok(response)
    }

    pub(super) async fn delete_blob(&self, digest: Digest) -> Answer {
        if self.store.delete_blob(digest).await? {
            Ok(plain(StatusCode::ACCEPTED))
        } else {
            Err(Refusal::new(Code::Unsupported, "the blob is part of a manifest"))
        }
    }
}

fn described(status: StatusCode, digest: Digest, length: u64) -> Response<Body> {
    let mut response = plain(status);
    set(&mut response, CONTENT_LENGTH.as_str(), &length.to_string());
    set(&mut response, CONTENT_TYPE.as_str(), "application/octet-stream");
    set(&mut response, ACCEPT_RANGES.as_str(), "bytes");
    set(&mut response, "docker-content-digest", &digest.to_string());
    response
}

/// One range of bytes, inclusive; `None` where it lies outside or there are several.
fn parse_range(text: &str, size: u64) -> Option<RangeInclusive<u64>> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let range = if first.is_empty() {
        size.saturating_sub(last.parse().ok()?)..=size.checked_sub(1)?
    } else {
        let last = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
        first.parse().ok()?..=last.min(size.checked_sub(1)?)
    };
    (range.start() <= range.end()).then_some(range)
}

fn stream(file: tokio::fs::File, length: u64) -> Body {
    let chunks = futures::stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, BoxError>(None);
        }
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let mut chunk = BytesMut::zeroed(want);
        let read = file.read(&mut chunk).await?;
        if read == 0 {
            return Err("the blob is shorter than it was".into());
        }
        chunk.truncate(read);
        let frame: Frame<Bytes> = Frame::data(chunk.freeze());
        Ok(Some((frame, (file, left - read as u64))))
    });
    BodyExt::boxed_unsync(StreamBody::new(chunks))
}

#[cfg(test)]
#[test]
fn ranges_stay_inside_the_blob() {
    let cases = [
        ("bytes=0-3", Some(0..=3)),
        ("bytes=4-", Some(4..=9)),
        ("bytes=-3", Some(7..=9)),
        ("bytes=-30", Some(0..=9)),
        ("bytes=5-99", Some(5..=9)),
        ("bytes=10-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
    ];
    for (text, range) in cases {
        assert_eq!(parse_range(text, 10), range, "{text}");
    }
    assert_eq!(parse_range("bytes=0-0", 0), None);
}
