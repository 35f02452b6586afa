//! What handlers answer with, and how it is sent.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use wasip2::http::types::{ErrorCode, Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::{OutputStream, StreamError};

use crate::{Error, Json, Result};

/// A response: a status, headers, and a body that is there already or written while it is sent.
///
/// ```no_run
/// use std::io::Write;
/// use skiff_guest::{Request, Response};
///
/// fn teapot(_request: Request) -> Response {
///     Response::new(418).header("x-brew", "no").text("short and stout")
/// }
///
/// fn countdown(_request: Request) -> Response {
///     Response::new(200).stream(|body| {
///         for second in (0..10).rev() {
///             writeln!(body, "{second}")?;
///             std::thread::sleep(std::time::Duration::from_secs(1));
///         }
///         Ok(())
///     })
/// }
/// ```
#[derive(Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Body,
}

enum Body {
    Whole(Vec<u8>),
    Streamed(Box<WriteBody>),
}

type WriteBody = dyn FnOnce(&mut BodyWriter) -> Result<()>;

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Streamed(_) => f.write_str("streamed"),
        }
    }
}

impl Response {
    /// A response without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Whole(Vec::new()) }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    /// Answers with bytes.
    #[must_use]
    pub fn bytes(mut self, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Whole(bytes.into());
        self.header("content-type", content_type)
    }

    /// Answers with text.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.bytes("text/plain; charset=utf-8", text.into())
    }

    /// Answers with a value as JSON.
    pub fn json(self, value: &impl Serialize) -> Result<Self> {
        Ok(self.bytes("application/json", serde_json::to_vec(value)?))
    }

    /// Answers with what `write` writes, as it is written.
    #[must_use]
    pub fn stream(mut self, write: impl FnOnce(&mut BodyWriter) -> Result<()> + 'static) -> Self {
        self.body = Body::Streamed(Box::new(write));
        self
    }

    /// The head alone. It says nothing of a length, because the host compares that with what is
    /// sent.
    pub(crate) fn without_body(self) -> Self {
        self.stream(|_| Ok(()))
    }

    /// Sends the head, and then the body for as long as somebody takes it.
    pub(crate) fn send(self, out: ResponseOutparam) -> Result<()> {
        let (outgoing, body) = match self.head() {
            Ok(head) => head,
            Err(error) => {
                let told = ErrorCode::InternalError(Some(error.to_string()));
                ResponseOutparam::set(out, Err(told));
                return Err(error);
            }
        };
        ResponseOutparam::set(out, Ok(outgoing));
        let stream = body.write().map_err(|()| Error::new("the body is taken already"))?;
        let mut writer = BodyWriter { stream, buffer: Vec::new() };
        match self.body {
            Body::Whole(bytes) => writer.send(&bytes)?,
            Body::Streamed(write) => {
                write(&mut writer)?;
                writer.send_buffer()?;
            }
        }
        drop(writer);
        let finished = OutgoingBody::finish(body, None);
        finished.map_err(|error| Error::new(format!("the body could not be sent: {error}")))
    }

    fn head(&self) -> Result<(OutgoingResponse, OutgoingBody)> {
        let mut headers = self.headers.clone();
        if let Body::Whole(bytes) = &self.body
            && !headers.iter().any(|(name, _)| name == "content-length")
        {
            headers.push(("content-length".to_owned(), bytes.len().to_string().into_bytes()));
        }
        let fields = Fields::from_list(&headers);
        let fields = fields.map_err(|error| Error::new(format!("a header is invalid: {error}")))?;
        let outgoing = OutgoingResponse::new(fields);
        let invalid = |()| Error::new(format!("{} is no HTTP status", self.status));
        outgoing.set_status_code(self.status).map_err(invalid)?;
        let body = outgoing.body().map_err(|()| Error::new("the body is taken already"))?;
        Ok((outgoing, body))
    }
}

/// The body of a response that is written while it is sent. Writing waits while the client does not
/// read.
///
/// Small writes are gathered; [`flush`](Write::flush) sends what there is.
#[derive(Debug)]
pub struct BodyWriter {
    stream: OutputStream,
    buffer: Vec<u8>,
}

/// Writes are gathered up to this length.
const BUFFER_BYTES: usize = 8 * 1024;

impl BodyWriter {
    fn send_buffer(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.buffer);
        let sent = self.send(&bytes);
        self.buffer = bytes;
        self.buffer.clear();
        sent
    }

    /// Sends as the client takes it.
    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let permitted = self.stream.check_write().map_err(broken)?;
            if permitted == 0 {
                self.stream.subscribe().block();
                continue;
            }
            let permitted = usize::try_from(permitted).unwrap_or(usize::MAX);
            let (part, rest) = bytes.split_at(permitted.min(bytes.len()));
            self.stream.write(part).map_err(broken)?;
            bytes = rest;
        }
        Ok(())
    }
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.send_buffer()?;
        }
        if bytes.len() > BUFFER_BYTES {
            return self.send(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send_buffer()?;
        self.stream.blocking_flush().map_err(broken)
    }
}

pub(crate) fn broken(error: StreamError) -> io::Error {
    match error {
        StreamError::Closed => io::ErrorKind::BrokenPipe.into(),
        StreamError::LastOperationFailed(error) => io::Error::other(error.to_debug_string()),
    }
}

/// What a handler may return.
pub trait IntoResponse {
    /// Makes the response.
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(204)
    }
}

impl IntoResponse for &str {
    fn into_response(self) -> Response {
        Response::new(200).text(self)
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::new(200).text(self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        Response::new(200).json(&self.0).into_response()
    }
}

/// The status for another answer.
impl<T: IntoResponse> IntoResponse for (u16, T) {
    fn into_response(self) -> Response {
        let (status, answer) = self;
        Response { status, ..answer.into_response() }
    }
}

/// Errors become what [`Error`] says of them.
impl<T: IntoResponse, E: Into<Error>> IntoResponse for std::result::Result<T, E> {
    fn into_response(self) -> Response {
        let error = match self {
            Ok(answer) => return answer.into_response(),
            Err(error) => error.into(),
        };
        if error.is_for_client() {
            return Response::new(error.code()).text(format!("{error}\n"));
        }
        crate::error!("{error:?}");
        Response::new(error.code()).text("internal error\n")
    }
}
