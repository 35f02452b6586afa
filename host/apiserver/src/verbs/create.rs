//! POST to a collection: a new object.

use http::{Response, StatusCode};
use meta::{StatusError, Tree};

use super::write::{self, Wanted};
use super::{Context, Current};
use crate::body::Body;
use crate::chain;
use crate::codec::decode::{self, Expected};
use crate::options::{WriteOptions, Writing};
use crate::seams::{Attempt, ResourceAttempt};

/// A generated name may have this many characters; five of them are random.
const MAX_GENERATED_CHARS: usize = 63;
const RANDOM_CHARS: usize = 5;
/// No vowels and no digits that look like them, so that no words come about.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

pub(crate) async fn handle(mut context: Context) -> Result<Response<Body>, StatusError> {
    let raw = decode::read(&context.state, &mut context.call).await?;
    let options = WriteOptions::read(&context.call, Writing::Create)?;
    let expected = Expected::of_kind(&*context.kind);
    let tree = decode::tree(&raw, &expected, options.validation, &context.call.warnings)?;
    let wanted = |mut tree| {
        prepare(&context, &mut tree)?;
        Ok(Wanted { tree, owned: false })
    };
    let first = wanted(tree)?;
    let mut again = |_: Option<&Current>| wanted(decode::again(&raw, &expected)?);
    let written = write::create(&context, &options, first, &mut again).await?;
    context.answer(StatusCode::CREATED, &written.body)
}

/// Wipes what only the server sets, and puts the object into the namespace of the request.
pub(super) fn prepare(context: &Context, tree: &mut Tree) -> Result<(), StatusError> {
    wipe(tree);
    place(context, tree)
}

/// Removes the metadata that only the server sets.
pub(super) fn wipe(tree: &mut Tree) {
    if let Some(metadata) = tree.get_mut("metadata").and_then(Tree::as_object_mut) {
        for name in [
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
        ] {
            metadata.remove(name);
        }
    }
}

/// An object that names a namespace must name that of the request.
pub(super) fn place(context: &Context, tree: &mut Tree) -> Result<(), StatusError> {
    let Some(object) = tree.as_object_mut() else { return Ok(()) };
    let metadata = object.entry("metadata").or_insert_with(|| Tree::Object(serde_json::Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return Ok(()) };
    let given = metadata.get("namespace").and_then(Tree::as_str).unwrap_or_default();
    let wanted = context.namespace();
    if !given.is_empty() && !wanted.is_empty() && given != wanted {
        return Err(StatusError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if wanted.is_empty() {
        metadata.remove("namespace");
    } else {
        metadata.insert("namespace".to_owned(), wanted.into());
    }
    Ok(())
}

/// A name that begins so.
pub(crate) fn generate_name(prefix: &str) -> String {
    let kept: String = prefix.chars().take(MAX_GENERATED_CHARS - RANDOM_CHARS).collect();
    let mut name = kept;
    for _ in 0..RANDOM_CHARS {
        let pick = rand::random_range(0..ALPHABET.len());
        name.extend(ALPHABET.get(pick).map(|&letter| char::from(letter)));
    }
    name
}

/// A PUT or an apply that creates needs the permission to create.
pub(super) async fn check_permitted(context: &Context) -> Result<(), StatusError> {
    let resource = &context.resource;
    let attempt = Attempt {
        identity: &context.call.identity,
        verb: "create",
        resource: Some(ResourceAttempt {
            group: &resource.group,
            version: &resource.version,
            resource: &resource.resource,
            subresource: &resource.subresource,
            namespace: &resource.namespace,
            name: &resource.name,
            field_selector: None,
            label_selector: None,
        }),
        path: &context.call.info.path,
    };
    chain::permit(&context.state, &attempt).await
}
