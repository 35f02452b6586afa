//! Questions: a create whose answer is all there is. Nothing is stored.

use http::{Response, StatusCode};
use meta::{StatusError, Tree, managed};

use super::draft::clear_status;
use super::ownership::Owners;
use super::write::whole_seconds;
use super::{Context, create, ownership};
use crate::admission::hooks;
use crate::authentication;
use crate::body::Body;
use crate::codec::decode::{self, Expected};
use crate::codec::encode;
use crate::options::{WriteOptions, Writing};
use crate::reviews;

/// Answers a review.
pub(crate) async fn handle(mut context: Context) -> Result<Response<Body>, StatusError> {
    let kind = context.kind.clone();
    let expected = Expected::of_kind(&*kind);
    let (review, options) = read(&mut context, &expected).await?;
    let review = hooks::sent(&context, &expected.gvk, options.dry_run, review).await?;
    let owners = owners(&context, &options, &review)?;
    let (info, resource) = (context.info(), &context.resource);
    let mut answer = reviews::answer(
        &context.state,
        &context.call.identity,
        info.kind,
        &resource.namespace,
        review,
    )
    .await?;
    if reviews::repeats_question(info.kind) {
        owners.put_into(&mut answer);
    }
    finish(&mut answer, &expected);
    context.answer(StatusCode::CREATED, &encode::plain(&answer))
}

/// Issues a token for a `ServiceAccount`.
pub(super) async fn token(mut context: Context) -> Result<Response<Body>, StatusError> {
    let expected = Expected::of_body("authentication.k8s.io", "v1", "TokenRequest")?;
    let (request, options) = read(&mut context, &expected).await?;
    let owners = token_owners(&context, &options, &request, &expected);
    let request = hooks::sent(&context, &expected.gvk, options.dry_run, request).await?;
    let resource = &context.resource;
    let mut answer = authentication::token_request(
        &context.state,
        &resource.namespace,
        &resource.name,
        request,
    )?;
    managed::put(&mut answer, owners);
    finish(&mut answer, &expected);
    context.answer(StatusCode::CREATED, &encode::plain(&answer))
}

/// Who asked for a token, as owner of the fields of the request; the time that it lives has a default.
fn token_owners(
    context: &Context,
    options: &WriteOptions,
    request: &Tree,
    expected: &Expected<'_>,
) -> Tree {
    let mut request = request.clone();
    clear_status(&mut request);
    if request.pointer("/spec/expirationSeconds").is_none_or(Tree::is_null) {
        request["spec"]["expirationSeconds"] = authentication::TOKEN_SECS.into();
    }
    let tracking = managed::Context {
        manager: &options.manager,
        api_version: &expected.gvk.group_version().to_string(),
        subresource: "token",
        now: whole_seconds(context.state.clock.now()),
        ty: expected.ty,
        schema: kinds::schema(),
        reset: None,
    };
    managed::track_update(&tracking, None, &mut request, false);
    managed::take(&mut request).unwrap_or_default()
}

async fn read(
    context: &mut Context,
    expected: &Expected<'_>,
) -> Result<(Tree, WriteOptions), StatusError> {
    let raw = decode::read(&context.state, &mut context.call).await?;
    let options = WriteOptions::read(&context.call, Writing::Create)?;
    let mut tree = decode::tree(&raw, expected, options.validation, &context.call.warnings)?;
    create::place(context, &mut tree)?;
    create::wipe(&mut tree);
    Ok((tree, options))
}

/// Who asked, as owner of the fields of the question.
fn owners(context: &Context, options: &WriteOptions, review: &Tree) -> Result<Owners, StatusError> {
    let mut tree = review.clone();
    clear_status(&mut tree);
    let mut object = context.object(&tree)?;
    Ok(ownership::of_new(context, options, &mut *object, tree))
}

/// Names the type of an answer and gives it its canonical form.
fn finish(answer: &mut Tree, expected: &Expected<'_>) {
    if let Some(object) = answer.as_object_mut() {
        object.insert("apiVersion".to_owned(), expected.gvk.group_version().to_string().into());
        object.insert("kind".to_owned(), expected.gvk.kind.to_string().into());
    }
    meta::decode::emit(answer, expected.ty, kinds::schema());
}
