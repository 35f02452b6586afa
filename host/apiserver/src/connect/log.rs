//! `pods/NAME/log`: what a container has written.
//!
//! See <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#read-log-pod-v1-core>.

use http::header::{CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Response};
use jiff::Timestamp;
use meta::{FieldError, GroupKind, GroupResource, Path, StatusError};

use super::{find_pod, node};
use crate::body::Body;
use crate::chain::Call;
use crate::codec::negotiate::{Offers, not_acceptable};
use crate::query::Query;
use crate::request::ResourceRequest;
use crate::state::State;

const NEGATIVE: &str = "must be greater than or equal to 0";
const NOT_POSITIVE: &str = "must be greater than 0";

pub(super) async fn handle(
    state: &State,
    call: &Call,
    request: &ResourceRequest,
) -> Result<Response<Body>, StatusError> {
    // A log is plain text to everybody. Who would take nothing but that, or a Table, is refused all the same: Kubernetes agrees on the form of an
    // object first, and only then finds that there is none.
    call.accepted(Offers::NoTable).map_err(|_| not_acceptable())?;
    let options = Options::parse(&call.info.query)?;
    let errors = options.validate();
    if !errors.is_empty() {
        return Err(StatusError::invalid(
            &GroupKind::new("", "PodLogOptions"),
            &request.name,
            &errors,
        ));
    }
    let pod = find_pod(state, request, &request.name)?;
    let container = pod.container(&options.container)?;
    let text_plain = |body| {
        let mut response = Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response
    };
    // A Pod without a node has written nothing yet.
    if pod.node().is_none() {
        return Ok(text_plain(Body::Empty));
    }
    let host = pod.agent()?;
    let path = format!(
        "/logs/{}/{}/{}{}",
        node::escape(&request.namespace),
        node::escape(&request.name),
        node::escape(container),
        options.query()
    );
    let asked = node::request(Method::GET, &path, pod.uid()).body(Body::Empty);
    let mut response = node::send(state, host, asked).await?;
    if !response.status().is_success() {
        return Err(node::refused(response, &GroupResource::new("", "pods/log")).await);
    }
    response.headers_mut().remove(TRANSFER_ENCODING);
    Ok(text_plain(response.into_body()))
}

#[derive(Debug, Default, PartialEq)]
struct Options {
    container: String,
    follow: bool,
    previous: bool,
    timestamps: bool,
    since_seconds: Option<i64>,
    since_time: Option<Timestamp>,
    tail_lines: Option<i64>,
    limit_bytes: Option<i64>,
    /// Whether one of the two streams is asked for.
    has_stream: bool,
}

impl Options {
    fn parse(query: &Query) -> Result<Self, StatusError> {
        let integer = |name| query.integer(name).map_err(StatusError::bad_request);
        let since_time = match query.text("sinceTime") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                StatusError::bad_request(format!(
                    "parsing time {} as RFC 3339: cannot be understood",
                    meta::quote(text)
                ))
            })?),
        };
        Ok(Self {
            container: query.text("container").unwrap_or_default().to_owned(),
            follow: query.flag("follow"),
            previous: query.flag("previous"),
            timestamps: query.flag("timestamps"),
            since_seconds: integer("sinceSeconds")?,
            since_time,
            tail_lines: integer("tailLines")?,
            limit_bytes: integer("limitBytes")?,
            has_stream: query.first("stream").is_some(),
        })
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut check = |name: &'static str, value: Option<i64>, least: i64, text: &str| {
            if let Some(value) = value.filter(|value| *value < least) {
                errors.push(FieldError::invalid(&Path::new(name), value, text));
            }
        };
        check("tailLines", self.tail_lines, 0, NEGATIVE);
        check("limitBytes", self.limit_bytes, 1, NOT_POSITIVE);
        if self.since_time.is_none() {
            check("sinceSeconds", self.since_seconds, 1, NOT_POSITIVE);
        } else if self.since_seconds.is_some() {
            let text = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            errors.push(FieldError::forbidden(&Path::new("[]"), text));
        }
        // Kubernetes has it behind `PodLogsQuerySplitStreams`, which is off.
        if self.has_stream {
            errors.push(FieldError::forbidden(&Path::new("stream"), "may not be specified"));
        }
        errors
    }

    /// The query of the node's path, with its question mark.
    fn query(&self) -> String {
        let mut pairs: Vec<String> = Vec::new();
        let flags =
            [("follow", self.follow), ("previous", self.previous), ("timestamps", self.timestamps)];
        pairs.extend(flags.iter().filter(|(_, set)| *set).map(|(name, _)| format!("{name}=true")));
        let numbers = [
            ("sinceSeconds", self.since_seconds),
            ("tailLines", self.tail_lines),
            ("limitBytes", self.limit_bytes),
        ];
        pairs.extend(
            numbers.iter().filter_map(|(name, value)| Some(format!("{name}={}", (*value)?))),
        );
        if let Some(time) = self.since_time {
            pairs.push(format!("sinceTime={}", node::escape(&time.to_string())));
        }
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: Result<&str, &str>) {
        let options = Options::parse(&Query::parse(query)).expect("well-formed options");
        let errors = options.validate();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        match expected {
            Ok(expected) => {
                assert_eq!(texts, [""; 0], "{query}");
                assert_eq!(options.query(), expected, "{query}");
            }
            Err(expected) => assert_eq!(texts.join(" | "), expected, "{query}"),
        }
    }

    #[test]
    fn options_are_checked_and_passed_on() {
        check("", Ok(""));
        check(
            "follow=1&tailLines=5&timestamps=true&previous=false",
            Ok("?follow=true&timestamps=true&tailLines=5"),
        );
        check("sinceTime=2026-01-01T00:00:00Z", Ok("?sinceTime=2026-01-01T00%3A00%3A00Z"));
        check(
            "tailLines=-1",
            Err("tailLines: Invalid value: -1: must be greater than or equal to 0"),
        );
        check("limitBytes=0", Err("limitBytes: Invalid value: 0: must be greater than 0"));
        check("sinceSeconds=0", Err("sinceSeconds: Invalid value: 0: must be greater than 0"));
        let both = "[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified";
        check("sinceSeconds=0&sinceTime=2026-01-01T00:00:00Z", Err(both));
        let stream = "stream: Forbidden: may not be specified";
        check("stream=All", Err(stream));
        check("stream=&tailLines=1", Err(stream));
    }

    #[test]
    fn malformed_options_are_refused() {
        for query in ["tailLines=x", "sinceTime=yesterday"] {
            assert_eq!(Options::parse(&Query::parse(query)).expect_err(query).code(), 400);
        }
    }
}
