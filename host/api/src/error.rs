//! The one translation from a `Status` answer to an error that a caller can treat by its kind.
//!
//! Reasons decide, never texts. A server that sends no reason is judged by its code, as client-go
//! does. See <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;

/// A server's `Status`, boxed because it is large and errors travel by value.
pub type Refusal = Box<Status>;

/// What can go wrong between a caller and an API server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object, or the resource itself, does not exist.
    #[error("{}", text(.0))]
    NotFound(Refusal),
    /// An object of that name exists.
    #[error("{}", text(.0))]
    AlreadyExists(Refusal),
    /// A precondition (resource version or uid) no longer holds.
    #[error("{}", text(.0))]
    Conflict(Refusal),
    /// The object breaks the rules of its kind.
    #[error("{}", text(.0))]
    Invalid(Refusal),
    /// The caller is known and not allowed.
    #[error("{}", text(.0))]
    Forbidden(Refusal),
    /// The caller is not known.
    #[error("{}", text(.0))]
    Unauthorized(Refusal),
    /// The revision or continue token asked for has been compacted: read again from the start.
    #[error("{}", text(.0))]
    Expired(Refusal),
    /// The server asks to come back later.
    #[error("{}", text(.0))]
    TooManyRequests(Refusal),
    /// Any other refusal.
    #[error("{}", text(.0))]
    Refused(Refusal),
    /// The server could not be reached, or the connection broke.
    #[error("cannot reach {server}")]
    Connect {
        /// The server's address.
        server: String,
        /// What the network said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A request could not be written as JSON or as an HTTP message.
    #[error("cannot encode the request")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An answer is not what its type says.
    #[error("cannot decode the answer of {path}")]
    Decode {
        /// The path that was asked.
        path: String,
        /// What the decoder said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An answer or one watch event is larger than this client accepts.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// The transport has no such way of talking.
    #[error("this transport cannot {0}")]
    Unsupported(&'static str),
}

impl Error {
    /// Sorts a `Status` into a variant by its reason, then by its code.
    pub fn from_status(status: Status) -> Self {
        let refusal = Box::new(status);
        match (refusal.reason.as_deref().unwrap_or(""), refusal.code.unwrap_or(0)) {
            ("NotFound", _) | ("", 404) => Self::NotFound(refusal),
            ("AlreadyExists", _) => Self::AlreadyExists(refusal),
            ("Conflict", _) | ("", 409) => Self::Conflict(refusal),
            ("Invalid", _) | ("", 422) => Self::Invalid(refusal),
            ("Forbidden", _) | ("", 403) => Self::Forbidden(refusal),
            ("Unauthorized", _) | ("", 401) => Self::Unauthorized(refusal),
            ("Expired" | "Gone", _) | ("", 410) => Self::Expired(refusal),
            ("TooManyRequests", _) | ("", 429) => Self::TooManyRequests(refusal),
            _ => Self::Refused(refusal),
        }
    }

    /// An answer that is no `Status`: proxies and load balancers speak plain text.
    pub(crate) fn from_answer(code: u16, body: &[u8]) -> Self {
        let status = serde_json::from_slice::<Status>(body).unwrap_or_else(|_| Status {
            message: Some(String::from_utf8_lossy(body).trim().to_owned()),
            status: Some("Failure".to_owned()),
            ..Status::default()
        });
        let code = status.code.unwrap_or_else(|| i32::from(code));
        Self::from_status(Status { code: Some(code), ..status })
    }

    /// The server's own words, if it answered at all.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::NotFound(refusal)
            | Self::AlreadyExists(refusal)
            | Self::Conflict(refusal)
            | Self::Invalid(refusal)
            | Self::Forbidden(refusal)
            | Self::Unauthorized(refusal)
            | Self::Expired(refusal)
            | Self::TooManyRequests(refusal)
            | Self::Refused(refusal) => Some(refusal),
            Self::Connect { .. }
            | Self::Encode(_)
            | Self::Decode { .. }
            | Self::TooLarge { .. }
            | Self::Unsupported(_) => None,
        }
    }

    /// The object or the resource is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// An object of that name is there already.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::AlreadyExists(_))
    }

    /// The object changed since it was read.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// The history asked for is gone.
    pub fn is_expired(&self) -> bool {
        matches!(self, Self::Expired(_))
    }

    /// The server refuses new content because the namespace is going away.
    pub fn is_namespace_terminating(&self) -> bool {
        self.status()
            .and_then(|status| status.details.as_ref())
            .and_then(|details| details.causes.as_ref())
            .is_some_and(|causes| {
                causes.iter().any(|c| c.reason.as_deref() == Some("NamespaceTerminating"))
            })
    }

    pub(crate) fn encode(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Encode(Box::new(source))
    }

    pub(crate) fn decode(
        path: &str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Decode { path: path.to_owned(), source: Box::new(source) }
    }
}

fn text(status: &Status) -> &str {
    status.message.as_deref().or(status.reason.as_deref()).unwrap_or("the server gave no reason")
}
