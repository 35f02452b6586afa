//! What the cluster's users put in the way of requests: admission policies (expressions) and webhooks (services that are asked).
//!
//! The order is that of Kubernetes: plugins change the object, then mutating policies, then mutating webhooks; if the latter changed it, plugins
//! and those who wish so look once more. Much later, when the object is finished, validating policies and then validating webhooks may
//! refuse it. Requests about policies and webhooks themselves pass by all of them, so that a bad one can always be removed.
//!
//! Where none is configured, a request pays for a look at whether that is still so.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>.

mod asked;
mod client;
mod compiled;
mod configured;
mod connections;
mod evaluate;
mod matching;
mod mutating_policies;
mod objects;
mod params;
mod patches;
mod review;
mod validating_policies;
mod webhooks;

use std::sync::Arc;

use kinds::Object;
use meta::{GroupVersionKind, StatusError, Tree};

use self::asked::Asked;
use self::configured::Configured;
use self::objects::Objects;
use super::{Attempted, Operation, namespace_lifecycle};
use crate::chain::Call;
use crate::options::{DeleteOptions, WriteOptions};
use crate::registry::KindRef;
use crate::request::ResourceRequest;
use crate::reviews;
use crate::state::State;
use crate::verbs::Context;

pub(crate) use configured::Hooks;

/// The group whose objects are never subject to themselves.
const OWN_GROUP: &str = "admissionregistration.k8s.io";

/// Lets policies and webhooks change a new or changed object. The plugins look again at what they changed.
pub(crate) async fn mutate(
    context: &Context,
    options: &WriteOptions,
    attempted: &Attempted<'_>,
    object: Box<dyn Object>,
) -> Result<Box<dyn Object>, StatusError> {
    let configured = context.state.hooks.current(&context.state.store);
    if !configured.mutates() || attempted.info.group == OWN_GROUP {
        return Ok(object);
    }
    let asked = Asked::of_write(context, options.dry_run, attempted, &*object);
    Box::pin(changed(context, &configured, &asked, attempted, object)).await
}

async fn changed(
    context: &Context,
    configured: &Configured,
    asked: &Asked<'_>,
    attempted: &Attempted<'_>,
    object: Box<dyn Object>,
) -> Result<Box<dyn Object>, StatusError> {
    let mut objects = Objects::of_write(context, attempted, &*object);
    let before = objects.object.clone();
    let mut turn = Turn::default();
    mutating_policies::run(configured, asked, &mut objects, &mut turn).await?;
    webhooks::mutate(configured, asked, &mut objects, &mut turn).await?;
    let mut object = object;
    if turn.changed {
        object = typed(context, &objects, &*object)?;
        objects.renew(context, &*object);
        super::mutate(attempted, &mut *object)?;
        turn.begin_again(objects.renew(context, &*object));
        mutating_policies::run(configured, asked, &mut objects, &mut turn).await?;
        webhooks::mutate(configured, asked, &mut objects, &mut turn).await?;
    }
    if objects.object == before { Ok(object) } else { typed(context, &objects, &*object) }
}

/// What happened so far to an object on its way through those who change it.
#[derive(Debug, Default)]
struct Turn {
    /// Whether somebody changed the object.
    changed: bool,
    /// Whether this is the second time around.
    again: bool,
    /// Those who want to see the object again if others changed it after them.
    waiting: Vec<String>,
    /// Those of them after whom it was changed.
    to_call_again: Vec<String>,
}

impl Turn {
    /// Begins the second time around. What the plugins changed meanwhile was changed after everybody.
    fn begin_again(&mut self, changed: bool) {
        self.again = true;
        if changed {
            self.to_call_again.append(&mut self.waiting);
        }
    }

    /// Whether somebody takes part in this turn.
    fn calls(&self, who: &str) -> bool {
        !self.again || self.to_call_again.iter().any(|waiting| waiting == who)
    }

    /// Notes what somebody did.
    fn note(&mut self, who: String, changed: bool, wants_again: bool) {
        if changed {
            self.changed = true;
            self.to_call_again.append(&mut self.waiting);
        }
        if wants_again {
            self.waiting.push(who);
        }
    }
}

/// The object that the tree of a changed one is. Its owners stay those of the object before.
fn typed(
    context: &Context,
    objects: &Objects,
    before: &dyn Object,
) -> Result<Box<dyn Object>, StatusError> {
    let mut tree = objects.whole(context);
    context.kind.canonicalize(&mut tree).map_err(StatusError::internal)?;
    let mut object = context.object(&tree)?;
    object.set_defaults();
    object.metadata_mut().managed_fields.clone_from(&before.metadata().managed_fields);
    Ok(object)
}

/// Lets policies and webhooks refuse a finished object.
pub(crate) async fn validate(
    context: &Context,
    options: &WriteOptions,
    attempted: &Attempted<'_>,
    object: &dyn Object,
) -> Result<(), StatusError> {
    let configured = context.state.hooks.current(&context.state.store);
    if !configured.validates() || attempted.info.group == OWN_GROUP {
        return Ok(());
    }
    let asked = Asked::of_write(context, options.dry_run, attempted, object);
    let objects = Objects::of_write(context, attempted, object);
    Box::pin(refused(&configured, &asked, &objects)).await
}

async fn refused(
    configured: &Configured,
    asked: &Asked<'_>,
    objects: &Objects,
) -> Result<(), StatusError> {
    validating_policies::run(configured, asked, objects).await?;
    webhooks::validate(configured, asked, objects).await
}

/// Lets policies and webhooks refuse a deletion.
pub(crate) async fn delete(
    context: &Context,
    options: &DeleteOptions,
    attempted: &Attempted<'_>,
) -> Result<(), StatusError> {
    let configured = context.state.hooks.current(&context.state.store);
    if configured.is_empty() || attempted.info.group == OWN_GROUP {
        return Ok(());
    }
    // An eviction was looked at as such.
    let Some(old) = attempted.old.filter(|_| context.resource.subresource != "eviction") else {
        return Ok(());
    };
    let asked = Asked::of_delete(context, options, attempted);
    let old = Some(objects::without_owners(old));
    let objects = Objects { object: None, old, scale: None };
    Box::pin(pass(&configured, &asked, objects)).await.map(drop)
}

/// Lets policies and webhooks look at what is sent to a path that stores no object of its own: a binding, an eviction, a request for a
/// token, a review. All but reviews need a namespace that stays. Gives back what was sent, as they changed it.
pub(crate) async fn sent(
    context: &Context,
    kind: &GroupVersionKind,
    dry_run: bool,
    body: Tree,
) -> Result<Tree, StatusError> {
    let info = context.info();
    if info.namespaced && !reviews::is_review(info.group, info.kind) {
        let forbid = |text: &str| {
            StatusError::forbidden(&context.group_resource(), &context.resource.name, text)
        };
        let snapshot = context.state.store.snapshot();
        namespace_lifecycle::check_target(&snapshot, context.namespace(), forbid)?;
    }
    let configured = context.state.hooks.current(&context.state.store);
    if configured.is_empty() {
        return Ok(body);
    }
    let asked = Asked::of_body(context, kind, dry_run);
    let mut tree = Box::pin(pass(&configured, &asked, alone(body))).await?.unwrap_or_default();
    if let Some(ty) = patches::type_called(kind) {
        meta::decode::canonicalize(&mut tree, ty, kinds::schema())
            .map_err(StatusError::internal)?;
    }
    Ok(tree)
}

/// Lets policies and webhooks refuse a connection to what an object stands for.
pub(crate) async fn connect(
    state: &Arc<State>,
    call: &Call,
    request: &ResourceRequest,
    kind: &KindRef,
) -> Result<(), StatusError> {
    let configured = state.hooks.current(&state.store);
    if configured.is_empty() {
        return Ok(());
    }
    let Some(options) = connections::options(&call.info.query, request, kind.info().kind) else {
        return Ok(());
    };
    let asked = Asked::of_connection(state, call, request, kind, &options);
    let after = Box::pin(pass(&configured, &asked, alone(options.clone()))).await?;
    if after == Some(options) {
        return Ok(());
    }
    let text = "a policy or webhook changes the options of a connection, which is not supported";
    Err(asked.forbid(text))
}

/// A body that belongs to no stored object.
fn alone(body: Tree) -> Objects {
    Objects { object: Some(body), old: None, scale: None }
}

/// Shows objects to all policies and webhooks, one turn each; gives back what they made of the wanted one.
async fn pass(
    configured: &Configured,
    asked: &Asked<'_>,
    mut objects: Objects,
) -> Result<Option<Tree>, StatusError> {
    let mut turn = Turn::default();
    mutating_policies::run(configured, asked, &mut objects, &mut turn).await?;
    webhooks::mutate(configured, asked, &mut objects, &mut turn).await?;
    refused(configured, asked, &objects).await?;
    Ok(objects.object)
}

impl Operation {
    /// As rules and requests name it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}
