//! Watches: the changes of a range, from a revision on or beginning with what is there.
//!
//! [`feed`] decides which changes a watcher sees and as what; [`frames`] writes them for the wire, and [`runs`] keeps what was written for the
//! next watcher. Watchers in this process read the feed directly. See
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>.

mod definition;
mod feed;
mod frames;
mod runs;

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use meta::StatusError;
use rand::Rng as _;
use tokio::time::Instant;

use super::Context;
use super::list::Range;
use crate::body::Body;
use crate::codec::negotiate::Format;
use crate::limits;
use crate::options::ListOptions;
use definition::Definition;

pub(crate) use feed::{Change, ChangeKind, Ended, Feed};
pub(crate) use runs::Runs;

/// The forms in which events are sent.
const STREAMS: [&str; 2] =
    ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];

pub(crate) fn handle(context: Context) -> Result<Response<Body>, StatusError> {
    let media_type = match context.accepted.format {
        Format::Json => Format::Json.media_type(),
        Format::Protobuf => STREAMS[1],
        // A stream of documents has no form in YAML.
        Format::Yaml => return Err(StatusError::not_acceptable(&STREAMS)),
    };
    let permit = match context.call.peer.identity {
        Some(_) => None,
        None => Some(limits::take(&context.state.limits.watches)?),
    };
    let feed = open(&context)?;
    let view = frames::View::new(&context)?;
    let body = frames::stream(Arc::new(context), feed, view, permit);
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

/// The changes that a request asks for.
pub(crate) fn open(context: &Context) -> Result<Feed, StatusError> {
    let query = &context.call.info.query;
    // The older path is a watch whatever else is asked for, with the options of a list.
    let is_asked = !context.resource.watch_prefix || query.flag("watch");
    let options = ListOptions::read(query, is_asked)?.into_watch();
    let range = Range::new(context, &options)?;
    let deadline = Instant::now() + lifetime(context, &options);
    let definition = context.kind.custom().map(|kind| Definition::new(&context.state, kind));
    Feed::open(&context.state, range, definition, &options, deadline)
}

/// Watches end after a while, each at another time, so that they spread over servers and do not come back all at once.
fn lifetime(context: &Context, options: &ListOptions) -> Duration {
    match options.timeout_secs {
        Some(secs) if secs > 0 => Duration::from_secs(secs),
        _ => context.state.config.min_watch_timeout.mul_f64(1.0 + rand::rng().random::<f64>()),
    }
}
