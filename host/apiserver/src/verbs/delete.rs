//! DELETE of one object.
//!
//! With a body its options count, without one those of the URL.

use std::sync::Arc;

use http::{Response, StatusCode};
use kinds::{DeleteAnswer, Object};
use meta::{StatusError, Tree};
use serde_json::json;
use store::{Entry, Precondition};

use super::deletion::{self, Refused, Step};
use super::{Context, Current, write};
use crate::admission::{self, Attempted, Operation, hooks};
use crate::body::Body;
use crate::codec::decode::{self, Expected, Raw};
use crate::codec::{encode, negotiate};
use crate::options::{DeleteOptions, FieldValidation};
use crate::status;

const MAX_TRIES: usize = 100;

pub(crate) async fn handle(mut context: Context) -> Result<Response<Body>, StatusError> {
    let options = options(&mut context).await?;
    let name = context.resource.name.clone();
    warn_of_orphans(&context, &options);
    let deleted = delete(&context, &name, &options).await?;
    let code = if !deleted.gone && options.orphan == Some(false) {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    answer(&context, code, &deleted)
}

/// A deletion that was done.
#[derive(Debug)]
pub(super) struct Deleted {
    /// The object as it is now, or was last.
    tree: Tree,
    /// Whether it is not there any more.
    gone: bool,
}

/// Reads the options, from the body if there is one.
pub(super) async fn options(context: &mut Context) -> Result<DeleteOptions, StatusError> {
    let bytes = decode::bytes(&context.state, &mut context.call).await?;
    if bytes.is_empty() {
        return DeleteOptions::from_query(&context.call.info.query);
    }
    let format = negotiate::content_type(&context.call.parts.headers)?;
    let raw = Raw { bytes, format };
    // Clients may call the options by the group-version of the object they delete.
    let expected = Expected::of_options(&raw, context.info().group)?;
    let tree = decode::tree(&raw, &expected, FieldValidation::Ignore, &context.call.warnings)?;
    DeleteOptions::from_tree(&tree)
}

/// Deletes one object of the request's namespace.
pub(super) async fn delete(
    context: &Context,
    name: &str,
    options: &DeleteOptions,
) -> Result<Deleted, StatusError> {
    for _ in 0..MAX_TRIES {
        let snapshot = context.state.store.snapshot();
        let current = context.current(context.entry(&snapshot, name)?)?;
        if options.unreadable {
            let why = "unsafe deletion is not allowed because the object is decodable from storage";
            return Err(StatusError::conflict(&context.group_resource(), name, why));
        }
        let attempted = Attempted {
            state: &context.state,
            snapshot: &snapshot,
            info: context.info(),
            identity: &context.call.identity,
            operation: Operation::Delete,
            subresource: "",
            namespace: &context.resource.namespace,
            name,
            warnings: &context.call.warnings,
            old: Some(&*current.object),
            dry_run: options.dry_run,
        };
        deletion::check_preconditions(
            context.info(),
            current.object.metadata(),
            &current.entry,
            options,
        )?;
        admission::validate(&attempted, None)?;
        hooks::delete(context, options, &attempted).await?;
        let now = context.state.clock.now();
        let outcome =
            match deletion::step(context.info(), &attempted, &*current.object, options, now) {
                Step::Nothing => return Ok(Deleted { tree: current.tree, gone: false }),
                Step::Mark(object) if options.dry_run => {
                    return Ok(Deleted { tree: current.edited(&*object), gone: false });
                }
                Step::Remove(object) if options.dry_run => {
                    return Ok(Deleted { tree: current.edited(&*object), gone: true });
                }
                Step::Mark(object) => {
                    mark(context, &current, object).await.map(|entry| (entry, false))
                }
                Step::Remove(object) => {
                    deletion::remove(context, &current, current.edited(&*object))
                        .await
                        .map(|entry| (entry, true))
                }
            };
        match outcome {
            Ok((entry, gone)) => {
                return Ok(Deleted { tree: context.served_tree(&entry.body)?, gone });
            }
            Err(Refused::Changed) => {}
            Err(Refused::Failed(error)) => return Err(error),
        }
    }
    Err(StatusError::modified(&context.group_resource(), name))
}

async fn mark(
    context: &Context,
    current: &Current,
    object: Box<dyn Object>,
) -> Result<Arc<Entry>, Refused> {
    let tree = current.edited(&*object);
    let precondition = Precondition::At(current.entry.revision);
    let put = write::put(context, current.entry.key.clone(), precondition, object, tree)
        .map_err(Refused::Failed)?;
    match context.state.store.commit(put).await {
        Ok(committed) => Ok(committed
            .entries
            .into_iter()
            .next()
            .flatten()
            .unwrap_or_else(|| Arc::clone(&current.entry))),
        Err(store::CommitError::Failed { .. }) => Err(Refused::Changed),
        Err(error) => Err(Refused::Failed(status::from_commit(&error))),
    }
}

/// Kinds that answer with a status say which object it was; one that is still there is shown itself.
fn answer(
    context: &Context,
    code: StatusCode,
    deleted: &Deleted,
) -> Result<Response<Body>, StatusError> {
    if !deleted.gone || context.info().delete_answer == DeleteAnswer::Object {
        return context.answer(code, &encode::plain(&deleted.tree));
    }
    let text = |pointer| deleted.tree.pointer(pointer).and_then(Tree::as_str).unwrap_or_default();
    let mut details = json!({ "name": text("/metadata/name"), "kind": context.info().plural, "uid": text("/metadata/uid") });
    if !context.info().group.is_empty() {
        details["group"] = context.info().group.into();
    }
    let status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    });
    Ok(encode::response(code, context.accepted, encode::value(&status, context.accepted)))
}

/// Of the resources that leave their dependents behind unless told otherwise, those whose users are taken by surprise.
const SURPRISING: [(&str, &str); 1] = [("batch", "jobs")];

/// Says that dependents stay, where nobody chose that.
pub(super) fn warn_of_orphans(context: &Context, options: &DeleteOptions) {
    let silent = options.policy.is_some() || options.orphan.is_some();
    let info = context.info();
    let surprising = SURPRISING.contains(&(info.group, info.plural));
    if !silent && surprising && info.default_propagation == kinds::Propagation::Orphan {
        context.call.warnings.add(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set \
             propagationPolicy=Orphan to suppress this warning",
        );
    }
}
