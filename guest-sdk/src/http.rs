//! Requests to others: services of the cluster by their names, and the world outside where policy
//! allows.
//!
//! ```no_run
//! use serde::Deserialize;
//! use skiff_guest::{Result, http};
//!
//! #[derive(Deserialize)]
//! struct Stock {
//!     count: u32,
//! }
//!
//! fn count() -> Result<u32> {
//!     let stock: Stock = http::get("http://stock.shop/items/7")?.json()?;
//!     http::post("http://audit").json(&stock.count)?.send()?.expect_success()?;
//!     Ok(stock.count)
//! }
//! ```

use std::io::{self, Read};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasip2::io::streams::{InputStream, StreamError};

use crate::request::BODY_BYTES_MAX;
use crate::response::broken;
use crate::{Error, Result};

/// What the host takes in one call that waits.
const WRITE_BYTES_MAX: usize = 4096;

/// Gets a URL.
pub fn get(url: &str) -> Result<Reply> {
    request("GET", url).send()
}

/// Begins a `POST`.
pub fn post(url: &str) -> Call {
    request("POST", url)
}

/// Begins a request with any method, named in capitals.
pub fn request(method: &str, url: &str) -> Call {
    Call {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: None,
    }
}

/// A request that is not yet sent.
#[derive(Clone, Debug)]
pub struct Call {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    timeout: Option<Duration>,
}

impl Call {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    /// Sends bytes.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = bytes.into();
        self
    }

    /// Sends a value as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let body = serde_json::to_vec(value)?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// How long to wait for a connection, and again for the answer to begin.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends the request and waits for the answer to begin.
    pub fn send(self) -> Result<Reply> {
        let failed = |what: &dyn std::fmt::Display| {
            Error::new(format!("{} {}: {what}", self.method, self.url))
        };
        let invalid = || failed(&"invalid URL");
        let (scheme, rest) = self.url.split_once("://").ok_or_else(invalid)?;
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(split);
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(invalid()),
        };
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        let fields = Fields::from_list(&self.headers).map_err(|error| failed(&error))?;
        let outgoing = OutgoingRequest::new(fields);
        outgoing.set_method(&method(&self.method)).map_err(|()| failed(&"invalid method"))?;
        outgoing.set_scheme(Some(&scheme)).map_err(|()| invalid())?;
        outgoing.set_authority(Some(authority)).map_err(|()| invalid())?;
        outgoing.set_path_with_query(Some(&target)).map_err(|()| invalid())?;
        let body = outgoing.body().map_err(|()| failed(&"the body is taken already"))?;
        let answer = outgoing_handler::handle(outgoing, self.options()?);
        let answer = answer.map_err(|error| failed(&error))?;
        write_whole(body, &self.body).map_err(|error| failed(&error))?;
        answer.subscribe().block();
        match answer.get() {
            Some(Ok(Ok(response))) => Reply::new(&self.url, &response),
            Some(Ok(Err(error))) => Err(failed(&error)),
            Some(Err(())) | None => Err(failed(&"the answer is taken already")),
        }
    }

    fn options(&self) -> Result<Option<RequestOptions>> {
        let Some(timeout) = self.timeout else { return Ok(None) };
        let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let options = RequestOptions::new();
        let refused = |()| Error::new("the host knows no timeouts");
        options.set_connect_timeout(Some(nanos)).map_err(refused)?;
        options.set_first_byte_timeout(Some(nanos)).map_err(refused)?;
        Ok(Some(options))
    }
}

fn write_whole(body: OutgoingBody, bytes: &[u8]) -> io::Result<()> {
    if !bytes.is_empty() {
        let stream = body.write().map_err(|()| io::Error::other("the body is taken already"))?;
        for part in bytes.chunks(WRITE_BYTES_MAX) {
            stream.blocking_write_and_flush(part).map_err(broken)?;
        }
    }
    OutgoingBody::finish(body, None).map_err(|error| io::Error::other(error.to_string()))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        name => Method::Other(name.to_owned()),
    }
}

/// The answer to a request. Its body is read when it is asked for.
#[derive(Debug)]
pub struct Reply {
    url: String,
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: BodyReader,
}

impl Reply {
    fn new(url: &str, response: &IncomingResponse) -> Result<Self> {
        let body = response.consume().map_err(|()| Error::new("the body is taken already"))?;
        Ok(Self {
            url: url.to_owned(),
            status: response.status(),
            headers: response.headers().entries(),
            body: BodyReader::new(body)?,
        })
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name whose value is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// Fails unless the status is in the two hundreds.
    pub fn expect_success(self) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(Error::new(format!("{} answered with status {}", self.url, self.status)))
    }

    /// The body as it arrives.
    pub fn reader(&mut self) -> &mut impl Read {
        &mut self.body
    }

    /// The whole body.
    pub fn bytes(mut self) -> Result<Vec<u8>> {
        self.body
            .whole(BODY_BYTES_MAX)
            .map_err(|error| Error::new(format!("{}: {error}", self.url)))
    }

    /// The whole body as text.
    pub fn text(self) -> Result<String> {
        Ok(String::from_utf8(self.bytes()?)?)
    }

    /// The body of a successful answer as JSON of the expected shape.
    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        Ok(serde_json::from_slice(&self.expect_success()?.bytes()?)?)
    }
}

/// The bytes of a body. Reading waits while the sender does not send.
#[derive(Debug)]
pub(crate) struct BodyReader {
    // Dropped before the body it came from, as the host demands.
    stream: InputStream,
    _body: IncomingBody,
}

impl BodyReader {
    pub(crate) fn new(body: IncomingBody) -> Result<Self> {
        let stream = body.stream().map_err(|()| Error::new("the body is taken already"))?;
        Ok(Self { stream, _body: body })
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.blocking_read(buffer.len() as u64) {
            Ok(bytes) => {
                let length = bytes.len().min(buffer.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                Ok(length)
            }
            Err(StreamError::Closed) => Ok(0),
            Err(error) => Err(broken(error)),
        }
    }
}
