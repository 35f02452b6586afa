//! Paths below an object, sent to the file that knows them.

use http::Response;
use meta::StatusError;

use super::parts::Part;
use super::{Context, binding, eviction, get, patch, review, scale, update};
use crate::body::Body;
use crate::request::Verb;

pub(crate) async fn handle(context: Context) -> Result<Response<Body>, StatusError> {
    match context.resource.subresource.as_str() {
        "scale" => return scale::handle(context).await,
        "binding" => return binding::create(context).await,
        "eviction" => return eviction::create(context).await,
        "token" => return review::token(context).await,
        _ => {}
    }
    let Some(part) = Part::of_subresource(&context.resource.subresource) else {
        return Err(StatusError::no_such_path());
    };
    match context.resource.verb {
        Verb::Get => get::handle(&context),
        Verb::Update => update::replace(context, part, false).await,
        Verb::Patch => patch::change(context, part).await,
        _ => Err(StatusError::no_such_path()),
    }
}
