//! A request as a handler sees it.

use std::io::Read;

use serde::de::DeserializeOwned;
use wasip2::http::types::{IncomingRequest, Method};

use crate::http::BodyReader;
use crate::path::{self, Parameters};
use crate::{Error, Result};

/// Bodies that are read whole may be this long; read longer ones with [`Request::reader`].
pub(crate) const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A request. Its body is read when a handler asks for it.
#[derive(Debug)]
pub struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    parameters: Parameters,
    body: BodyReader,
}

impl Request {
    pub(crate) fn new(incoming: &IncomingRequest) -> Result<Self> {
        let target = incoming.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let body = incoming.consume().map_err(|()| Error::new("the body is taken already"))?;
        Ok(Self {
            method: method_name(&incoming.method()),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: incoming.headers().entries(),
            parameters: Parameters::new(),
            body: BodyReader::new(body)?,
        })
    }

    pub(crate) fn with_parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// The method in capitals, for example `GET`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path without the query, as it was sent.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The part of the path that the route calls `{name}`; empty if it has no such part.
    pub fn param(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// The first value of `name` in the query.
    pub fn query(&self, name: &str) -> Option<String> {
        self.queries().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// All names and values of the query, in their order.
    pub fn queries(&self) -> impl Iterator<Item = (String, String)> {
        path::query(&self.query)
    }

    /// The first header of this name whose value is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers();
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers whose values are text.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value).ok()?)))
    }

    /// The body as it arrives.
    pub fn reader(&mut self) -> &mut impl Read {
        &mut self.body
    }

    /// The whole body.
    pub fn bytes(&mut self) -> Result<Vec<u8>> {
        self.body.whole(BODY_BYTES_MAX)
    }

    /// The whole body as text.
    pub fn text(&mut self) -> Result<String> {
        let text = String::from_utf8(self.bytes()?);
        text.map_err(|_| Error::status(400, "the body is no UTF-8 text"))
    }

    /// The body as JSON of the expected shape. Anything else is the client's error (400).
    ///
    /// ```no_run
    /// use serde::Deserialize;
    /// use skiff_guest::{Request, Result};
    ///
    /// #[derive(Deserialize)]
    /// struct Order {
    ///     item: String,
    ///     count: u32,
    /// }
    ///
    /// fn order(mut request: Request) -> Result<String> {
    ///     let order: Order = request.json()?;
    ///     Ok(format!("{} times {}", order.count, order.item))
    /// }
    /// ```
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let parsed = serde_json::from_slice(&self.bytes()?);
        parsed.map_err(|error| Error::status(400, format!("the body is not as expected: {error}")))
    }
}

impl BodyReader {
    /// Everything up to a limit, beyond which it is the sender's error.
    pub(crate) fn whole(&mut self, bytes_max: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.take(bytes_max + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > bytes_max {
            return Err(Error::status(413, format!("the body is longer than {bytes_max} bytes")));
        }
        Ok(bytes)
    }
}

fn method_name(method: &Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    };
    name.to_owned()
}
