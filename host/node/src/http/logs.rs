//! What a container has printed.

use http::request::Parts;
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use jiff::{SignedDuration, Timestamp};

use futures::TryStreamExt as _;

use super::{Body, BoxError, Refusal, find, plain, refuse};
use crate::logs::{Options, read};
use crate::shared::Shared;

pub(super) async fn answer(
    shared: &Shared,
    request: &Parts,
    namespace: &str,
    pod: &str,
    container: &str,
) -> Result<Response<Body>, Refusal> {
    let listed = find(shared, &request.headers, namespace, pod)?;
    let bad = |text: String| refuse(StatusCode::BAD_REQUEST, text);
    let found = listed.containers.iter().find(|listed| *listed.name == *container);
    let found =
        found.ok_or_else(|| bad(format!("container {container} is not valid for pod {pod}")))?;
    let (options, is_previous) =
        parse(request.uri.query().unwrap_or_default(), shared.now()).map_err(bad)?;
    if found.instance == 0 {
        return Err(bad(format!(
            "container \"{container}\" in pod \"{pod}\" is waiting to start: {}",
            found.waiting
        )));
    }
    let instance = found.instance - u32::from(is_previous);
    let (path, live) = shared.logs.find(&listed.uid, container, instance);
    if instance == 0 || (is_previous && !path.exists()) {
        let message =
            format!("previous terminated container \"{container}\" in pod \"{pod}\" not found");
        return Err(bad(message));
    }
    let stream = read(path, shared.logs.bounds().files, live, options).await;
    let stream = stream.map_err(|error| {
        refuse(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot read the log: {error}"))
    })?;
    let frames = stream.map_ok(Frame::data).map_err(|error| Box::new(error) as BoxError);
    Ok(Response::new(BodyExt::boxed_unsync(StreamBody::new(frames))))
}

fn parse(query: &str, now: Timestamp) -> Result<(Options, bool), String> {
    let mut options = Options::default();
    let mut is_previous = false;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let value = plain(value);
        let number = || value.parse::<u64>().map_err(|_| format!("invalid {name}: {value:?}"));
        let flag = matches!(value.as_str(), "true" | "1");
        match name {
            "follow" => options.is_followed = flag,
            "timestamps" => options.has_times = flag,
            "previous" => is_previous = flag,
            "tailLines" => options.tail_lines = Some(number()?),
            "limitBytes" => options.limit_bytes = Some(number()?),
            "sinceSeconds" => {
                let secs = i64::try_from(number()?).unwrap_or(i64::MAX);
                options.since = now.checked_sub(SignedDuration::from_secs(secs)).ok();
            }
            "sinceTime" => {
                let time = value.parse().map_err(|_| format!("invalid sinceTime: {value:?}"))?;
                options.since = Some(time);
            }
            _ => {}
        }
    }
    Ok((options, is_previous))
}
