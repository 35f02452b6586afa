//! What requests to resources do: one file for each verb and each family of subresources, for all kinds.
//!
//! No verb knows a kind. Where kinds differ the difference is data of the kind, a hook of it, or an admission file.

mod binding;
mod components;
mod context;
mod create;
mod defined;
mod delete;
mod delete_collection;
mod deletion;
mod draft;
mod eviction;
mod get;
pub(crate) mod list;
mod ownership;
mod parts;
mod patch;
mod review;
mod scale;
mod subresource;
mod update;
pub(crate) mod watch;
mod write;

use std::sync::Arc;

use http::{Method, Response};
use kinds::KindInfo;
use meta::StatusError;

use crate::body::Body;
use crate::chain::Call;
use crate::codec::negotiate::Offers;
use crate::request::{ResourceRequest, Target, Verb};
use crate::state::State;
use crate::{registry, routes};

pub(crate) use context::{Context, Current};
pub(crate) use create::generate_name;
pub(crate) use scale::{rescale, scale_of};
pub(crate) use write::whole_seconds;

/// Answers a request to a resource.
pub(crate) async fn resource(
    state: &Arc<State>,
    call: Call,
) -> Result<Response<Body>, StatusError> {
    let Target::Resource(resource) = &call.info.target else { return Ok(routes::not_found()) };
    let resource = resource.clone();
    let kinds = Arc::clone(&call.kinds);
    let Some(kind) = kinds.find(&resource.group, &resource.version, &resource.resource) else {
        return if registry::is_own_group(&resource.group) {
            Err(StatusError::no_such_path())
        } else {
            Ok(routes::not_found())
        };
    };
    if kind.custom().is_some() && !has_place(kind.info(), &resource) {
        return Ok(routes::not_found());
    }
    match kind.custom() {
        Some(_) if !resource.subresource.is_empty() => check_part(kind.info(), &resource)?,
        _ => check_path(kind.info(), &resource, &call)?,
    }
    if routes::is_streaming(&resource.subresource) && !resource.name.is_empty() {
        return Box::pin(crate::connect::handle(state, call, kind)).await;
    }
    if resource.verb == Verb::Patch && kind.custom().is_none() {
        // Before anything else is agreed on, as in Kubernetes.
        patch::language(&call, &**kind)?;
    }
    let accepted = call.accepted(Offers::of_kind(&**kind, &resource.subresource))?;
    if let Some(advice) = kind.info().deprecated {
        call.warnings.add(advice);
    }
    let (kind, stored) = (kind.clone(), kinds.stored_kind(kind));
    let context = Context { state: Arc::clone(state), call, resource, kind, stored, accepted };
    dispatch(context).await
}

async fn dispatch(context: Context) -> Result<Response<Body>, StatusError> {
    if !context.resource.subresource.is_empty() {
        return Box::pin(subresource::handle(context)).await;
    }
    if crate::reviews::is_review(context.info().group, context.info().kind) {
        return Box::pin(review::handle(context)).await;
    }
    match context.resource.verb {
        Verb::Get if components::are_meant(context.info()) => {
            Err(components::not_found(&context.resource.name))
        }
        Verb::List if components::are_meant(context.info()) => {
            Box::pin(components::list(&context)).await
        }
        Verb::Watch if !context.info().has_verb(kinds::Verb::Watch) => {
            Err(StatusError::method_not_supported(&context.group_resource(), "watch"))
        }
        Verb::Get => get::handle(&context),
        Verb::List => Box::pin(list::handle(&context)).await,
        Verb::Watch => watch::handle(context),
        Verb::Create if binding::is_binding(context.info()) => {
            Box::pin(binding::create(context)).await
        }
        Verb::Create => Box::pin(create::handle(context)).await,
        Verb::Update => Box::pin(update::handle(context)).await,
        Verb::Patch => Box::pin(patch::handle(context)).await,
        Verb::Delete => Box::pin(delete::handle(context)).await,
        Verb::DeleteCollection => Box::pin(delete_collection::handle(context)).await,
        Verb::Other => Err(routes::method_not_allowed()),
    }
}

/// Whether an object is the one that is meant: of a uid, at a revision.
fn precondition(
    asked: (Option<&str>, Option<&str>),
    uid: &str,
    revision: &str,
) -> Result<(), String> {
    let pairs = [("UID", asked.0, uid), ("ResourceVersion", asked.1, revision)];
    let differs =
        pairs.into_iter().find(|(_, asked, own)| asked.is_some_and(|asked| asked != *own));
    match differs {
        Some((what, asked, own)) => Err(format!(
            "Precondition failed: {what} in precondition: {}, {what} in object meta: {own}",
            asked.unwrap_or_default()
        )),
        None => Ok(()),
    }
}

/// Whether a path has a namespace where objects of the kind have one. Only reading goes across all of them.
fn has_place(info: &KindInfo, resource: &ResourceRequest) -> bool {
    let in_namespace = !resource.namespace.is_empty();
    let reads_all = matches!(resource.verb, Verb::List | Verb::Watch) && !resource.name_in_path;
    in_namespace == info.namespaced || (info.namespaced && reads_all)
}

/// 404 for paths that the kind does not have, 405 for methods that the path does not have.
fn check_path(info: &KindInfo, resource: &ResourceRequest, call: &Call) -> Result<(), StatusError> {
    let in_namespace = !resource.namespace.is_empty();
    let named = resource.name_in_path && !resource.name.is_empty();
    // What cannot be listed has no path for all namespaces.
    if info.namespaced && !in_namespace && !info.has_verb(kinds::Verb::List) {
        return Err(StatusError::no_such_path());
    }
    let wrong_scope = if info.namespaced {
        !in_namespace && named
    } else {
        in_namespace
            && !(info.kind == "Namespace"
                && info.group.is_empty()
                && resource.namespace == resource.name)
    };
    if wrong_scope {
        return Err(StatusError::no_such_path());
    }
    if !resource.subresource.is_empty() {
        return check_subresource(info, resource, call);
    }
    if named && !info.has_verb(kinds::Verb::Get) {
        return Err(StatusError::no_such_path());
    }
    let (verb, on_object) = match resource.verb {
        Verb::Get => (kinds::Verb::Get, true),
        Verb::List => (kinds::Verb::List, false),
        // Whoever can be listed has the path, whether or not it can be watched.
        Verb::Watch if resource.watch_prefix && call.info.method != Method::GET => {
            return Err(routes::method_not_allowed());
        }
        Verb::Watch => (kinds::Verb::List, named),
        Verb::Create => (kinds::Verb::Create, false),
        Verb::Update => (kinds::Verb::Update, true),
        Verb::Patch => (kinds::Verb::Patch, true),
        Verb::Delete => (kinds::Verb::Delete, true),
        Verb::DeleteCollection => (kinds::Verb::DeleteCollection, false),
        Verb::Other => return Err(routes::method_not_allowed()),
    };
    let writes_everywhere = info.namespaced
        && !in_namespace
        && !matches!(resource.verb, Verb::List | Verb::Watch | Verb::Get);
    if call.info.method == Method::HEAD
        || on_object != named
        || writes_everywhere
        || !info.has_verb(verb)
    {
        return Err(routes::method_not_allowed());
    }
    Ok(())
}

/// As [`check_path`], of a path below an object of a custom kind.
fn check_part(info: &KindInfo, resource: &ResourceRequest) -> Result<(), StatusError> {
    if info.subresource(&resource.subresource).is_none() || !resource.rest.is_empty() {
        return Err(StatusError::not_found(&info.group_resource(), &resource.name));
    }
    match resource.verb {
        Verb::Get | Verb::Update | Verb::Patch => Ok(()),
        verb => Err(StatusError::method_not_supported(&info.group_resource(), verb.as_str())),
    }
}

fn check_subresource(
    info: &KindInfo,
    resource: &ResourceRequest,
    call: &Call,
) -> Result<(), StatusError> {
    let Some(subresource) = info.subresource(&resource.subresource) else {
        return Err(StatusError::no_such_path());
    };
    if routes::is_streaming(subresource.name) {
        return Ok(());
    }
    if !resource.rest.is_empty() {
        return Err(StatusError::no_such_path());
    }
    let verb = match resource.verb {
        Verb::Get => kinds::Verb::Get,
        Verb::Create => kinds::Verb::Create,
        Verb::Update => kinds::Verb::Update,
        Verb::Patch => kinds::Verb::Patch,
        _ => return Err(routes::method_not_allowed()),
    };
    if call.info.method == Method::HEAD || !subresource.verbs.contains(&verb) {
        return Err(routes::method_not_allowed());
    }
    Ok(())
}
