//! POST of an Eviction: deletes a Pod unless a disruption budget forbids it now.
//!
//! The budget's allowance and the Pod's deletion are one after the other: the allowance is taken first, so that two evictions cannot use the
//! same one. See <https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/>.

use http::{Response, StatusCode};
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetStatus};
use meta::selector::label::Selector;
use meta::{GroupResource, Key, StatusError, Time, Tree};
use serde_json::json;
use store::{Op, Precondition, Snapshot};

use super::write::{self, whole_seconds};
use super::{Context, Current, delete};
use crate::admission::hooks;
use crate::body::Body;
use crate::codec::decode::{self, Expected};
use crate::codec::encode;
use crate::options::{DeleteOptions, WriteOptions, Writing};
use crate::status;

const MAX_TRIES: usize = 100;
/// More Pods than these may not wait for their deletion under one budget (Kubernetes' bound on the size of its status).
const MAX_DISRUPTED: usize = 2000;

pub(super) async fn create(mut context: Context) -> Result<Response<Body>, StatusError> {
    let mut raw = decode::read(&context.state, &mut context.call).await?;
    raw.bytes = newer_version(raw.bytes);
    let options = WriteOptions::read(&context.call, Writing::Create)?;
    let expected = Expected::of_body("policy", "v1", "Eviction")?;
    let mut tree = decode::tree(&raw, &expected, options.validation, &context.call.warnings)?;
    super::create::place(&context, &mut tree)?;
    if meta::metadata_text(&tree, "name") != context.resource.name {
        return Err(StatusError::bad_request("name in URL does not match name in Eviction object"));
    }
    let tree = hooks::sent(&context, &expected.gvk, options.dry_run, tree).await?;
    let mut delete_options = match tree.get("deleteOptions") {
        Some(tree) => DeleteOptions::from_tree(tree)?,
        None => DeleteOptions::default(),
    };
    delete_options.dry_run |= options.dry_run;
    evict(&context, delete_options).await?;
    let code = StatusCode::CREATED;
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code.as_u16() });
    Ok(encode::response(code, context.accepted, encode::value(&status, context.accepted)))
}

/// Older clients send the same object as `policy/v1beta1`.
fn newer_version(bytes: bytes::Bytes) -> bytes::Bytes {
    let Ok(mut tree) = serde_json::from_slice::<Tree>(&bytes) else { return bytes };
    if tree.get("apiVersion").and_then(Tree::as_str) != Some("policy/v1beta1") {
        return bytes;
    }
    tree["apiVersion"] = "policy/v1".into();
    encode::plain(&tree)
}

async fn evict(context: &Context, mut options: DeleteOptions) -> Result<(), StatusError> {
    let name = context.resource.name.clone();
    for _ in 0..MAX_TRIES {
        let snapshot = context.state.store.snapshot();
        let current = context.current(context.entry(&snapshot, &name)?)?;
        let pod: &Pod = typed(&current)?;
        match budget(&snapshot, pod)? {
            _ if ends_anyway(pod) => {}
            None => {}
            Some(budget) if !is_ready(pod) && unready_may_go(&budget.object) => {
                // It must not have become ready meanwhile.
                options.revision.get_or_insert_with(|| current.entry.revision.to_string());
            }
            Some(budget) => match take_allowance(context, budget, &name, options.dry_run).await? {
                Taken::Yes => {}
                Taken::Again => continue,
            },
        }
        if !options.dry_run && !mark_disrupted(context, &current, &options).await? {
            continue;
        }
        if !options.dry_run {
            // It was checked with the mark, which moved the Pod's revision.
            options.revision = None;
        }
        delete::delete(context, &name, &options).await?;
        return Ok(());
    }
    Err(StatusError::modified(&context.group_resource(), &name))
}

fn typed(current: &Current) -> Result<&Pod, StatusError> {
    current
        .object
        .as_any()
        .downcast_ref()
        .ok_or_else(|| StatusError::internal("an eviction is of a Pod"))
}

/// Pods that run nothing yet or any more are no disruption.
fn ends_anyway(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
    matches!(phase, "Succeeded" | "Failed" | "Pending") || pod.metadata.deletion_timestamp.is_some()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions =
        pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn unready_may_go(budget: &PodDisruptionBudget) -> bool {
    let always = budget
        .spec
        .as_ref()
        .is_some_and(|spec| spec.unhealthy_pod_eviction_policy.as_deref() == Some("AlwaysAllow"));
    let healthy = budget.status.as_ref().is_some_and(|status| {
        status.current_healthy >= status.desired_healthy && status.desired_healthy > Some(0)
    });
    always || healthy
}

struct Budget {
    entry: std::sync::Arc<store::Entry>,
    object: PodDisruptionBudget,
}

/// The budget that covers a Pod.
fn budget(snapshot: &Snapshot, pod: &Pod) -> Result<Option<Budget>, StatusError> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let prefix =
        Key::prefix(&GroupResource::new("policy", "poddisruptionbudgets"), Some(namespace));
    let labels = pod.metadata.labels.clone().unwrap_or_default();
    let mut found = snapshot.range(&prefix, None).filter_map(|entry| {
        let object: PodDisruptionBudget = serde_json::from_slice(&entry.body).ok()?;
        let selector = Selector::from(object.spec.as_ref()?.selector.as_ref()?).ok()?;
        selector
            .matches_labels(&labels)
            .then(|| Budget { entry: std::sync::Arc::clone(entry), object })
    });
    let first = found.next();
    if found.next().is_some() {
        return Err(StatusError::unknown(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        ));
    }
    Ok(first)
}

enum Taken {
    Yes,
    Again,
}

/// Takes one disruption of a budget's allowance for a Pod.
async fn take_allowance(
    context: &Context,
    budget: Budget,
    pod: &str,
    dry_run: bool,
) -> Result<Taken, StatusError> {
    let Budget { entry, object } = budget;
    let name = object.metadata.name.unwrap_or_default();
    let generation = object.metadata.generation.unwrap_or(0);
    let status = object.status.unwrap_or_default();
    if status.observed_generation.unwrap_or(0) < generation {
        let text = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refused(text, 10));
    }
    check_allowance(&name, &status)?;
    if dry_run {
        return Ok(Taken::Yes);
    }
    let mut tree: Tree = serde_json::from_slice(&entry.body)
        .map_err(|error| StatusError::internal(format!("a stored object is damaged: {error}")))?;
    tree["status"]["disruptionsAllowed"] = (status.disruptions_allowed.unwrap_or(0) - 1).into();
    let now = Time(whole_seconds(context.state.clock.now()));
    tree["status"]["disruptedPods"][pod] = json!(now);
    let op = Op::Put {
        key: entry.key.clone(),
        precondition: Precondition::At(entry.revision),
        body: encode::stored(&tree),
        // Nothing that selectors look at has changed.
        attributes: entry.attributes.clone(),
        value: None,
    };
    match context.state.store.commit(op).await {
        Ok(_) => Ok(Taken::Yes),
        Err(store::CommitError::Failed { .. }) => Ok(Taken::Again),
        Err(error) => Err(status::from_commit(&error)),
    }
}

fn check_allowance(name: &str, status: &PodDisruptionBudgetStatus) -> Result<(), StatusError> {
    let resource = GroupResource::new("policy", "poddisruptionbudgets");
    let allowed = status.disruptions_allowed.unwrap_or(0);
    if allowed < 0 {
        let error = StatusError::forbidden(&resource, name, "pdb disruptions allowed is negative");
        return Err(error);
    }
    if status.disrupted_pods.as_ref().is_some_and(|pods| pods.len() > MAX_DISRUPTED) {
        let text = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
        return Err(StatusError::forbidden(&resource, name, text));
    }
    if allowed == 0 {
        let detail = format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            status.desired_healthy.unwrap_or(0),
            status.current_healthy.unwrap_or(0)
        );
        let mut error = refused(
            "Cannot evict pod as it would violate the pod's disruption budget.".to_owned(),
            0,
        );
        error.details_mut().causes =
            Some(vec![k8s_openapi::apimachinery::pkg::apis::meta::v1::StatusCause {
                reason: Some("DisruptionBudget".to_owned()),
                message: Some(detail),
                field: None,
            }]);
        return Err(error);
    }
    Ok(())
}

fn refused(text: String, retry_secs: i32) -> StatusError {
    let mut error = StatusError::too_many_requests(text, retry_secs);
    error.details_mut();
    error
}

/// Says in the Pod's status why it ends; false if the Pod changed meanwhile.
async fn mark_disrupted(
    context: &Context,
    current: &Current,
    options: &DeleteOptions,
) -> Result<bool, StatusError> {
    super::deletion::check_preconditions(
        context.info(),
        current.object.metadata(),
        &current.entry,
        options,
    )?;
    let mut object = current.object.boxed_clone();
    let Some(pod) = object.as_any_mut().downcast_mut::<Pod>() else {
        return Err(StatusError::internal("an eviction is of a Pod"));
    };
    let now = Time(whole_seconds(context.state.clock.now()));
    let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
    let target = PodCondition {
        type_: "DisruptionTarget".to_owned(),
        status: "True".to_owned(),
        reason: Some("EvictionByEvictionAPI".to_owned()),
        message: Some("Eviction API: evicting".to_owned()),
        last_transition_time: Some(now),
        ..PodCondition::default()
    };
    match conditions.iter_mut().find(|condition| condition.type_ == target.type_) {
        Some(condition) => *condition = target,
        None => conditions.push(target),
    }
    let tree = current.edited(&*object);
    let precondition = Precondition::At(current.entry.revision);
    let put = write::put(context, current.entry.key.clone(), precondition, object, tree)?;
    match context.state.store.commit(put).await {
        Ok(_) => Ok(true),
        Err(store::CommitError::Failed { .. }) => Ok(false),
        Err(error) => Err(status::from_commit(&error)),
    }
}
