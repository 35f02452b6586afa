//! A response body that tells when nobody reads it any more: at its end, or when its reader has
//! gone.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::channel::oneshot;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};

use crate::network::{Body, BodyError};

pub(super) struct Watched {
    body: Body,
    _reader: oneshot::Sender<()>,
}

impl Watched {
    /// The response to hand out, and a future that completes when its body is dropped.
    pub(super) fn wrap(
        response: Response<Body>,
    ) -> (Response<Body>, impl Future<Output = ()> + Send + 'static) {
        let (reader, gone) = oneshot::channel();
        let response = response.map(|body| Self { body, _reader: reader }.boxed_unsync());
        let ended = async move {
            let Err(oneshot::Canceled) = gone.await else { return };
        };
        (response, ended)
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
