//! PUT of an object or of a part of it.
//!
//! With a `resourceVersion` it replaces that version or fails; without one it replaces whatever is there, where the kind allows that.

use http::{Response, StatusCode};
use meta::{StatusError, Tree};

use super::parts::Part;
use super::write::{self, Wanted, Written};
use super::{Context, create};
use crate::body::Body;
use crate::codec::decode::{self, Expected};
use crate::options::{WriteOptions, Writing};

pub(crate) async fn handle(context: Context) -> Result<Response<Body>, StatusError> {
    let may_create = context.info().create_on_update;
    replace(context, Part::Main, may_create).await
}

/// Replaces a part of an object with what the body says.
pub(super) async fn replace(
    mut context: Context,
    part: Part,
    may_create: bool,
) -> Result<Response<Body>, StatusError> {
    let raw = decode::read(&context.state, &mut context.call).await?;
    let options = WriteOptions::read(&context.call, Writing::Update)?;
    let expected = Expected::of_kind(&*context.kind);
    let mut tree = decode::tree(&raw, &expected, options.validation, &context.call.warnings)?;
    create::place(&context, &mut tree)?;
    check_name(&context.resource.name, &tree)?;
    let uid = meta::metadata_text(&tree, "uid").to_owned();
    let mut first = Some(tree);
    let context = &context;
    let again = || {
        let mut tree = decode::again(&raw, &expected)?;
        create::place(context, &mut tree).map(|()| tree)
    };
    let mut change = |current: Option<&super::Current>| {
        let mut tree = first.take().map_or_else(again, Ok)?;
        match current {
            None => {
                check_uid(context, &uid, "")?;
                create::wipe(&mut tree);
            }
            Some(current) => {
                let own = current.object.metadata().uid.as_deref().unwrap_or_default();
                check_uid(context, &uid, own)?;
            }
        }
        Ok(Wanted { tree, owned: false })
    };
    let written = write::update(context, &options, &part, may_create, &mut change).await?;
    answer(context, &written)
}

pub(super) fn answer(context: &Context, written: &Written) -> Result<Response<Body>, StatusError> {
    let code = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    context.answer(code, &written.body)
}

/// The name in the body is that of the path.
pub(super) fn check_name(name: &str, tree: &Tree) -> Result<(), StatusError> {
    let given = meta::metadata_text(tree, "name");
    if given.is_empty() {
        return Err(StatusError::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )));
    }
    if given != name {
        return Err(StatusError::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        )));
    }
    Ok(())
}

/// A body with a uid means that very object and not a later one of its name, nor a new one.
fn check_uid(context: &Context, uid: &str, own: &str) -> Result<(), StatusError> {
    let asked = Some(uid).filter(|uid| !uid.is_empty());
    super::precondition((asked, None), own, "").map_err(|text| {
        StatusError::conflict(&context.group_resource(), &context.resource.name, &text)
    })
}
