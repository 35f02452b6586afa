//! Empties a namespace that is being deleted, and lets it go when nothing is left.
//!
//! Reads Namespaces and an inventory of all content, whatever its kind; deletes content, Pods before
//! the rest, and writes the conditions that tell what is still there and why.
//! See <https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, NamespaceCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use meta::{GroupResource, GroupVersionResource};

use crate::{Action, Controller, Heed, Key, Look, Plan, Sourced, Watch};

/// The finalizer in `spec` that this controller removes.
const FINALIZER: &str = "kubernetes";

/// What there is of one resource in one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The resource.
    pub resource: GroupVersionResource,
    /// How many objects there are.
    pub count: usize,
    /// How many of them are not being deleted yet.
    pub staying: usize,
    /// How many have each finalizer.
    pub finalizers: BTreeMap<String, usize>,
}

/// What there is of one resource in all namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instances {
    /// The resource.
    pub resource: GroupVersionResource,
    /// How many objects there are.
    pub count: usize,
    /// The namespaces with objects that are not being deleted yet; an empty one stands for the cluster.
    pub staying: BTreeSet<String>,
}

/// Knows all content of all namespaces.
pub trait Inventory: std::fmt::Debug + Send + Sync {
    /// What there is in a namespace, by resource; also resources of which there is nothing. None as
    /// long as not everything is known.
    fn contents(&self, namespace: &str) -> Option<Vec<Content>>;

    /// What there is of a resource; none as long as nobody knows.
    fn instances(&self, resource: &GroupResource) -> Option<Instances>;
}

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Namespaces;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    namespace: Arc<Namespace>,
    contents: Vec<Content>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let namespace = look.sources.namespaces.get("", &key.name)?;
        namespace.metadata.deletion_timestamp.as_ref()?;
        let contents = look.inventory.contents(&key.name)?;
        Some(Self { namespace, contents, now: look.now })
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let finalizers = view.namespace.spec.as_ref().and_then(|spec| spec.finalizers.clone());
    let finalizers = finalizers.unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        return plan;
    }
    let name = view.namespace.metadata.name.clone().unwrap_or_default();
    let delete = |content: &Content| Action::DeleteAll {
        resource: content.resource.clone(),
        namespace: name.clone(),
    };
    let is_pods = |content: &&Content| {
        content.resource.group.is_empty() && content.resource.resource == "pods"
    };
    let left = || view.contents.iter().filter(|content| content.count > 0);
    if left().next().is_none() {
        // Whatever slipped in before the namespace began to end goes with it.
        view.contents.iter().for_each(|content| plan.act(delete(content)));
        let mut empty = (*view.namespace).clone();
        let others = finalizers.into_iter().filter(|finalizer| finalizer != FINALIZER);
        empty.spec.get_or_insert_default().finalizers = Some(others.collect());
        plan.act(Action::Finalize { object: empty.into_any() });
        return plan;
    }
    let pods_first = left().any(|content| is_pods(&content));
    let now_due = left().filter(|content| !pods_first || is_pods(content));
    for content in now_due.filter(|content| content.staying > 0) {
        plan.act(delete(content));
    }
    let mut wanted = (*view.namespace).clone();
    let status = wanted.status.get_or_insert_default();
    let conditions = status.conditions.get_or_insert_default();
    for told in conditions_of(&view.contents, view.now) {
        match conditions.iter_mut().find(|known| known.type_ == told.type_) {
            None => conditions.push(told),
            Some(known) if known.status != told.status => *known = told,
            Some(known) => {
                known.reason = told.reason;
                known.message = told.message;
            }
        }
    }
    plan.status_if_changed(&*view.namespace, wanted);
    plan
}

/// What is still there, and what keeps it.
fn conditions_of(contents: &[Content], now: Timestamp) -> Vec<NamespaceCondition> {
    let mut remaining: Vec<String> = Vec::new();
    let mut finalizers: BTreeMap<&str, usize> = BTreeMap::new();
    for content in contents.iter().filter(|content| content.count > 0) {
        let resource = &content.resource;
        remaining.push(format!(
            "{}.{} has {} resource instances",
            resource.resource, resource.group, content.count
        ));
        for (finalizer, count) in &content.finalizers {
            *finalizers.entry(finalizer).or_default() += count;
        }
    }
    let finalizers: Vec<String> = finalizers
        .into_iter()
        .map(|(finalizer, count)| format!("{finalizer} in {count} resource instances"))
        .collect();
    remaining.sort();
    let of = |type_: &str, is: bool, reason: &str, message: String| NamespaceCondition {
        type_: type_.to_owned(),
        status: if is { "True" } else { "False" }.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_transition_time: Some(Time(now)),
    };
    let good =
        |type_: &str, reason: &str, message: &str| of(type_, false, reason, message.to_owned());
    vec![
        good(
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        good(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        good(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        if remaining.is_empty() {
            let message = "All content successfully removed";
            good("NamespaceContentRemaining", "ContentRemoved", message)
        } else {
            let message = format!("Some resources are remaining: {}", remaining.join(", "));
            of("NamespaceContentRemaining", true, "SomeResourcesRemain", message)
        },
        if finalizers.is_empty() {
            let message = "All content-preserving finalizers finished";
            good("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", message)
        } else {
            let message = format!(
                "Some content in the namespace has finalizers remaining: {}",
                finalizers.join(", ")
            );
            of("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", message)
        },
    ]
}

impl Controller for Namespaces {
    fn name(&self) -> &'static str {
        "namespace"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<Namespace>()]
    }

    fn watches_inventory(&self) -> Option<Heed> {
        Some(Heed::Changes)
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}
