//! Answers and refusals: the protocol's error codes, each with its HTTP status, in the protocol's JSON shape.
//! <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes>

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use serde::Serialize;

use super::Body;
use crate::store::StoreError;

pub(super) type Answer = Result<Response<Body>, Refusal>;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    RangeInvalid,
    TooManyRequests,
    Unsupported,
    NotFound,
    Full,
    Internal,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Self::BlobUnknown
            | Self::BlobUploadUnknown
            | Self::ManifestUnknown
            | Self::NameUnknown
            | Self::NotFound
            | Self::ManifestBlobUnknown => StatusCode::NOT_FOUND,
            Self::BlobUploadInvalid
            | Self::DigestInvalid
            | Self::ManifestInvalid
            | Self::NameInvalid => StatusCode::BAD_REQUEST,
            Self::SizeInvalid => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RangeInvalid => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid | Self::RangeInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::Unsupported => "UNSUPPORTED",
            Self::NotFound => "NOT_FOUND",
            Self::Full => "DENIED",
            Self::Internal => "UNKNOWN",
        }
    }
}

/// A refusal on its way to the client.
#[derive(Debug)]
pub(super) struct Refusal {
    code: Code,
    message: String,
    headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn respond(self, is_head: bool) -> Response<Body> {
        #[derive(Serialize)]
        struct Errors<'a> {
            errors: [Error<'a>; 1],
        }
        #[derive(Serialize)]
        struct Error<'a> {
            code: &'a str,
            message: &'a str,
        }
        let error = Error { code: self.code.name(), message: &self.message };
        let mut response = json(self.code.status(), &Errors { errors: [error] });
        for (name, value) in self.headers {
            set(&mut response, name, &value);
        }
        if is_head {
            *response.body_mut() = empty();
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::BlobUnknown(_) => Code::BlobUnknown,
            StoreError::DigestMismatch { .. } | StoreError::Digest(_) => Code::DigestInvalid,
            StoreError::TooLarge { .. } => Code::SizeInvalid,
            StoreError::Full { .. } => Code::Full,
            StoreError::Manifest(_) | StoreError::NoWasm(_) => Code::ManifestInvalid,
            StoreError::ManifestBlobUnknown(_) => Code::ManifestBlobUnknown,
            StoreError::Io { .. } => Code::Internal,
        };
        if code == Code::Internal {
            tracing::error!(error = &error as &dyn std::error::Error, "the image store failed");
            // A path of this machine is nothing for a client.
            return Self::new(code, "the registry's storage failed");
        }
        Self::new(code, error.to_string())
    }
}

pub(super) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(super) fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// An answer without a body.
pub(super) fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = status;
    set(&mut response, "docker-distribution-api-version", "registry/2.0");
    response
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // The types given here have string keys only, so that encoding cannot fail; `()` is the empty object of the version check.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    if bytes == b"null" {
        bytes = b"{}".to_vec();
    }
    let mut response = plain(status);
    set(&mut response, CONTENT_TYPE.as_str(), "application/json");
    set(&mut response, CONTENT_LENGTH.as_str(), &bytes.len().to_string());
    *response.body_mut() = full(Bytes::from(bytes));
    response
}

/// Sets a header; a value with control characters in it, which no checked name has, is left out.
pub(super) fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
