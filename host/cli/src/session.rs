//! One command's connection: the kubeconfig context, the namespace in force, and requests that answer with JSON.

use anyhow::Context as _;
use api::{
    Client, Error,
    kubeconfig::{self, Overrides, Sources, Target},
};
use bytes::Bytes;
use clap::Args;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use serde_json::Value;

/// The largest answer that a command holds in memory, in bytes.
const MAX_ANSWER: usize = 1 << 30;

/// Flags that choose the server, as kubectl names them.
#[derive(Args, Clone, Debug, Default)]
pub struct Connection {
    /// Kubeconfig file (default: $KUBECONFIG, then ~/.kube/config)
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<std::path::PathBuf>,
    /// Context of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace to act in
    #[arg(short, long, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
}

impl Connection {
    /// The kubeconfig files in force.
    pub fn sources(&self) -> Sources {
        Sources {
            flag: self.kubeconfig.clone(),
            variable: std::env::var_os("KUBECONFIG"),
            home: std::env::home_dir(),
        }
    }

    fn target(&self) -> Result<Target, kubeconfig::Error> {
        let overrides = Overrides {
            context: self.context.clone(),
            namespace: self.namespace.clone(),
            ..Overrides::default()
        };
        self.sources().load()?.config.target(&overrides)
    }
}

/// A server, and the namespace that commands act in.
#[derive(Clone, Debug)]
pub struct Session {
    pub client: Client,
    pub namespace: String,
    /// Whether the user named the namespace, rather than the context.
    pub namespace_is_explicit: bool,
}

impl Session {
    /// Connects as the kubeconfig says.
    pub fn open(connection: &Connection) -> anyhow::Result<Self> {
        let target = connection.target()?;
        Ok(Self {
            client: Client::from_kubeconfig(&target)?.with_user_agent("skiff"),
            namespace: if target.namespace.is_empty() {
                "default".to_owned()
            } else {
                target.namespace
            },
            namespace_is_explicit: connection.namespace.is_some(),
        })
    }

    /// Over a client that is there already, such as the one of the server in this process.
    pub fn over(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), namespace_is_explicit: false }
    }

    /// GET, answered with JSON.
    pub async fn read(&self, path: &str) -> Result<Value, Error> {
        self.read_as(path, "application/json").await
    }

    /// GET with an Accept header.
    pub async fn read_as(&self, path: &str, accept: &str) -> Result<Value, Error> {
        let (_, answer) = self.send(Method::GET, path, accept, None).await?;
        Ok(answer)
    }

    /// A request with a body, answered with JSON; also gives the status code.
    pub async fn write(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: &Value,
    ) -> Result<(u16, Value), Error> {
        self.send(method, path, "application/json", Some((media_type, body))).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<(u16, Value), Error> {
        let mut request =
            Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
        let mut content = Bytes::new();
        if let Some((media_type, value)) = body {
            request = request.header(header::CONTENT_TYPE, media_type);
            content =
                serde_json::to_vec(value).map_err(|error| Error::Encode(error.into()))?.into();
        }
        let request = request.body(content).map_err(|error| Error::Encode(error.into()))?;
        let answer = self.client.raw(request).await?;
        let code = answer.status().as_u16();
        let body = http_body_util::Limited::new(answer.into_body(), MAX_ANSWER);
        let body = body
            .collect()
            .await
            .map_err(|source| Error::Decode { path: path.to_owned(), source })?
            .to_bytes();
        if code >= 400 {
            return Err(refusal(code, &body));
        }
        let value = serde_json::from_slice(&body)
            .map_err(|error| Error::Decode { path: path.to_owned(), source: error.into() })?;
        Ok((code, value))
    }

    /// The path of a collection in this session's namespace.
    pub fn path(&self, resource: &api::Resource) -> String {
        resource.path(Some(&self.namespace))
    }
}

/// An answer with an error code, as the error that callers sort by kind.
pub(crate) fn refusal(code: u16, body: &[u8]) -> Error {
    let status = serde_json::from_slice(body).unwrap_or_else(|_| {
        k8s_openapi::apimachinery::pkg::apis::meta::v1::Status {
            code: Some(i32::from(code)),
            message: Some(String::from_utf8_lossy(body).trim().to_owned()),
            ..Default::default()
        }
    });
    Error::from_status(status)
}

/// An error in the words that kubectl uses, its causes included.
pub fn explain(error: &anyhow::Error) -> String {
    if let Some(status) =
        error.chain().find_map(|cause| cause.downcast_ref::<Error>()).and_then(Error::status)
    {
        let message = status.message.as_deref().unwrap_or("no reason given");
        return match status.reason.as_deref() {
            Some("Invalid") => format!("The request is invalid: {message}"),
            Some(reason) if !reason.is_empty() => {
                format!("Error from server ({reason}): {message}")
            }
            _ => format!("Error from server: {message}"),
        };
    }
    let mut text = String::from("error: ");
    for (depth, cause) in error.chain().enumerate() {
        let cause = cause.to_string();
        if depth > 0 {
            if text.ends_with(&cause) {
                continue;
            }
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

/// Reads a JSON path such as `/spec/replicas` as a number.
pub(crate) fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// Reads a JSON path as text, empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Reads what is on standard input, for `-f -`.
pub(crate) fn standard_input() -> anyhow::Result<String> {
    std::io::read_to_string(std::io::stdin()).context("cannot read standard input")
}
