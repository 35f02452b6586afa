//! The registry embedded in the server: the OCI distribution protocol over the image store, so that an offline cluster needs no other.
//!
//! [`Registry::handle`] answers every request under `/v2/`. Bodies stream to and from disk; nothing larger than a manifest is held in memory.
//! Who may push is decided before a request gets here. Blobs are shared by all repositories, since the store keeps content once.
//! <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md>

mod answer;
mod blobs;
mod manifests;
mod route;
mod uploads;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use crate::store::Store;
use answer::{Answer, Code, Refusal};
use route::{Query, Route};
use uploads::Uploads;

/// A streamed body of an answer.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;
/// What a stream may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The registry's HTTP handler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry {
    store: Store,
    uploads: Arc<Uploads>,
}

impl Registry {
    pub fn new(store: Store) -> Self {
        let uploads = Arc::new(Uploads::new(store.limits().uploads));
        Self { store, uploads }
    }

    /// Answers one request whose path begins with `/v2/`.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let is_head = request.method() == Method::HEAD;
        match self.answer(request).await {
            Ok(response) => response,
            Err(refusal) => refusal.respond(is_head),
        }
    }

    async fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let route = Route::parse(parts.uri.path())?;
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let (method, headers) = (&parts.method, &parts.headers);
        match (route, method) {
            (Route::Version, &Method::GET | &Method::HEAD) => Ok(answer::json(StatusCode::OK, &())),
            (Route::Catalog, &Method::GET) => self.catalog(&query).await,
            (Route::Tags { name }, &Method::GET) => self.tags(name, &query).await,
            (Route::Referrers { name, digest }, &Method::GET) => {
                self.referrers(name, digest, &query).await
            }
            (Route::Manifest { name, reference }, &Method::GET) => {
                self.get_manifest(name, reference, true).await
            }
            (Route::Manifest { name, reference }, &Method::HEAD) => {
                self.get_manifest(name, reference, false).await
            }
            (Route::Manifest { name, reference }, &Method::PUT) => {
                self.put_manifest(name, reference, headers, body).await
            }
            (Route::Manifest { name, reference }, &Method::DELETE) => {
                self.delete_manifest(name, reference).await
            }
            (Route::Blob { digest, .. }, &Method::GET) => self.get_blob(digest, headers).await,
            (Route::Blob { digest, .. }, &Method::HEAD) => self.head_blob(digest).await,
            (Route::Blob { digest, .. }, &Method::DELETE) => self.delete_blob(digest).await,
            (Route::Uploads { name }, &Method::POST) => self.begin(name, &query, body).await,
            (Route::Upload { name, id }, &Method::GET) => self.upload_status(name, id).await,
            (Route::Upload { name, id }, &Method::PATCH) => {
                self.append(name, id, headers, body).await
            }
            (Route::Upload { name, id }, &Method::PUT) => {
                self.finish(name, id, &query, headers, body).await
            }
            (Route::Upload { name, id }, &Method::DELETE) => self.cancel(name, id),
            _ => Err(Refusal::new(Code::Unsupported, "the operation is unsupported")),
        }
    }
}

#[cfg(test)]
mod tests;
