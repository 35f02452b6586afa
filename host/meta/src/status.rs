//! How a request fails: Kubernetes' `Status` as an error, with the codes, reasons and texts of the
//! API conventions.
//!
//! See <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#status-v1-meta>.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Status, StatusCause, StatusDetails};

use crate::{FieldError, GroupKind, GroupResource, quote};

/// A failed request, ready to be sent. The box keeps results small.
#[derive(Clone, PartialEq)]
pub struct StatusError(pub Box<Status>);

/// What an optimistic writer is told that came too late.
pub const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

impl StatusError {
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Status {
            code: Some(i32::from(code)),
            message: Some(message.into()),
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            status: Some("Failure".to_owned()),
            ..Status::default()
        }))
    }

    pub fn code(&self) -> u16 {
        self.0.code.and_then(|code| u16::try_from(code).ok()).unwrap_or(500)
    }

    pub fn reason(&self) -> &str {
        self.0.reason.as_deref().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.0.message.as_deref().unwrap_or_default()
    }

    pub fn causes(&self) -> &[StatusCause] {
        self.0.details.as_ref().and_then(|details| details.causes.as_deref()).unwrap_or_default()
    }

    /// What the status says beside its message, made when absent.
    pub fn details_mut(&mut self) -> &mut StatusDetails {
        self.0.details.get_or_insert_default()
    }

    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    #[must_use]
    pub fn with_causes(mut self, causes: Vec<StatusCause>) -> Self {
        self.details_mut().causes = Some(causes);
        self
    }

    #[must_use]
    pub fn with_uid(mut self, uid: &str) -> Self {
        self.details_mut().uid = given(uid);
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, secs: i32) -> Self {
        self.details_mut().retry_after_seconds = (secs != 0).then_some(secs);
        self
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let details = self.details_mut();
        (details.group, details.kind, details.name) = (given(group), given(kind), given(name));
        self
    }

    fn about_resource(self, resource: &GroupResource, name: &str) -> Self {
        self.about(&resource.group, &resource.resource, name)
    }

    pub fn not_found(resource: &GroupResource, name: &str) -> Self {
        let message = format!("{resource} {} not found", quote(name));
        Self::new(404, "NotFound", message).about_resource(resource, name)
    }

    /// There is no such path: what the server says when nothing is served there.
    pub fn no_such_path() -> Self {
        let mut error =
            Self::new(404, "NotFound", "the server could not find the requested resource");
        error.0.details = Some(StatusDetails::default());
        error
    }

    pub fn already_exists(resource: &GroupResource, name: &str) -> Self {
        let message = format!("{resource} {} already exists", quote(name));
        Self::new(409, "AlreadyExists", message).about_resource(resource, name)
    }

    /// No free name was found for `generateName`.
    pub fn generate_name_conflict(
        resource: &GroupResource,
        name: &str,
        retry_after_secs: i32,
    ) -> Self {
        let message = format!(
            "{resource} {} already exists, the server was not able to generate a unique name for the object",
            quote(name)
        );
        Self::new(409, "AlreadyExists", message)
            .about_resource(resource, name)
            .with_retry_after(retry_after_secs)
    }

    pub fn conflict(resource: &GroupResource, name: &str, text: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {resource} {}: {text}", quote(name));
        Self::new(409, "Conflict", message).about_resource(resource, name)
    }

    /// The writer's `resourceVersion` is no longer the current one.
    pub fn modified(resource: &GroupResource, name: &str) -> Self {
        Self::conflict(resource, name, MODIFIED)
    }

    /// Server-side apply met fields of other managers.
    pub fn apply_conflict(message: impl Into<String>, causes: Vec<StatusCause>) -> Self {
        Self::new(409, "Conflict", message).with_causes(causes)
    }

    /// Equal errors are told once in the message, and each in the causes.
    pub fn invalid(kind: &GroupKind, name: &str, errors: &[FieldError]) -> Self {
        let mut texts: Vec<String> = Vec::with_capacity(errors.len());
        for error in errors {
            let text = error.to_string();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let name_quoted = quote(name);
        let message = match texts.as_slice() {
            [] => format!("{kind} {name_quoted} is invalid"),
            [only] => format!("{kind} {name_quoted} is invalid: {only}"),
            several => format!("{kind} {name_quoted} is invalid: [{}]", several.join(", ")),
        };
        let causes = errors.iter().map(cause).collect();
        Self::new(422, "Invalid", message).about(&kind.group, &kind.kind, name).with_causes(causes)
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// A name may be empty, and the resource as well where a path is refused.
    pub fn forbidden(resource: &GroupResource, name: &str, text: &str) -> Self {
        let message = if resource.is_empty() {
            format!("forbidden: {text}")
        } else if name.is_empty() {
            format!("{resource} is forbidden: {text}")
        } else {
            format!("{resource} {} is forbidden: {text}", quote(name))
        };
        Self::new(403, "Forbidden", message).about_resource(resource, name)
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub fn method_not_supported(resource: &GroupResource, verb: &str) -> Self {
        let message = format!(
            "{verb} is not supported on resources of kind {}",
            quote(&resource.to_string())
        );
        Self::new(405, "MethodNotAllowed", message).about_resource(resource, "")
    }

    /// The revision asked for is no longer kept.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(410, "Gone", message)
    }

    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub fn not_acceptable(accepted: &[&str]) -> Self {
        let message =
            format!("only the following media types are accepted: {}", accepted.join(", "));
        Self::new(406, "NotAcceptable", message)
    }

    pub fn too_large(text: &str) -> Self {
        let message = format!("Request entity too large: {text}");
        Self::new(413, "RequestEntityTooLarge", message)
    }

    pub fn internal(text: impl fmt::Display) -> Self {
        let text = text.to_string();
        let message = format!("Internal error occurred: {text}");
        let cause = StatusCause { message: Some(text), ..StatusCause::default() };
        Self::new(500, "InternalError", message).with_causes(vec![cause])
    }

    /// A failure of the server that has no reason of its own: a bare 500 with its text.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    pub fn timeout(text: &str, retry_after_secs: i32) -> Self {
        let mut error = Self::new(504, "Timeout", format!("Timeout: {text}"));
        error.0.details = Some(StatusDetails::default());
        error.with_retry_after(retry_after_secs)
    }

    pub fn server_timeout(
        resource: &GroupResource,
        operation: &str,
        retry_after_secs: i32,
    ) -> Self {
        let message = format!(
            "The {operation} operation against {resource} could not be completed at this time, please try again."
        );
        Self::new(500, "ServerTimeout", message)
            .about_resource(resource, operation)
            .with_retry_after(retry_after_secs)
    }

    pub fn too_many_requests(message: impl Into<String>, retry_after_secs: i32) -> Self {
        Self::new(429, "TooManyRequests", message).with_retry_after(retry_after_secs)
    }

    pub fn service_unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "ServiceUnavailable", message)
    }
}

/// The cause that tells one error about a field.
pub fn cause(error: &FieldError) -> StatusCause {
    StatusCause {
        field: given(&error.path),
        message: Some(error.body()),
        reason: Some(error.kind.reason().to_owned()),
    }
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code(), self.reason(), self.message())
    }
}

impl std::error::Error for StatusError {}

#[cfg(test)]
mod tests;
