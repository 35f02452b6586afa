//! Counts anew what the objects of a namespace use of its quotas.
//!
//! The API server charges quotas for what comes and grows. What goes or shrinks is given back here, and a quota that is new or says
//! something new is counted for the first time. Reads quotas, Pods, claims for volumes and devices, Services and how much there is of
//! everything else; writes the status of quotas.
//! See <https://kubernetes.io/docs/concepts/policy/resource-quotas/>.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{
    Namespace, PersistentVolumeClaim, Pod, ResourceQuota, ResourceQuotaSpec, ResourceQuotaStatus,
    Service,
};
use k8s_openapi::api::resource::v1::ResourceClaim;
use kinds::resources::{self, Amounts};
use kinds::wire::OrEmpty;
use kinds::{Kind, KindInfo, Object, quota};
use meta::quantity::Quantity;

use crate::{Content, Controller, Heed, Key, Look, Plan, Sourced, Sources, Watch};

/// Kinds whose objects use more than their number.
const MEASURED: [&KindInfo; 4] =
    [&Pod::INFO, &PersistentVolumeClaim::INFO, &Service::INFO, &ResourceClaim::INFO];

/// What was counted is counted again after this time: an object that came meanwhile has been charged,
/// but may not have been seen.
const RECOUNT: Duration = Duration::from_secs(5);

/// How long to wait for what namespaces contain to be known.
const UNKNOWN: Duration = Duration::from_secs(1);

/// The controller. It looks at namespaces, because their content wakes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResourceQuotas;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    quotas: Vec<Arc<ResourceQuota>>,
    pods: Vec<Arc<Pod>>,
    claims: Vec<Arc<PersistentVolumeClaim>>,
    services: Vec<Arc<Service>>,
    device_claims: Vec<Arc<ResourceClaim>>,
    /// How much there is of everything, unless that is not known yet.
    contents: Option<Vec<Content>>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let quotas = in_namespace::<ResourceQuota>(look.sources, &key.name);
        if quotas.is_empty() {
            return None;
        }
        Some(Self {
            quotas,
            pods: in_namespace(look.sources, &key.name),
            claims: in_namespace(look.sources, &key.name),
            services: in_namespace(look.sources, &key.name),
            device_claims: in_namespace(look.sources, &key.name),
            contents: look.inventory.contents(&key.name),
            now: look.now,
        })
    }

    fn measured(&self) -> impl Iterator<Item = &dyn Object> {
        let pods = self.pods.iter().map(|pod| &**pod as &dyn Object);
        let claims = self.claims.iter().map(|claim| &**claim as &dyn Object);
        let services = self.services.iter().map(|service| &**service as &dyn Object);
        let devices = self.device_claims.iter().map(|claim| &**claim as &dyn Object);
        pods.chain(claims).chain(services).chain(devices)
    }
}

/// Objects by name: the first one counted decides how a sum is written.
fn in_namespace<K: Sourced>(sources: &Sources, namespace: &str) -> Vec<Arc<K>> {
    let mut objects = K::source(sources).in_namespace(namespace);
    objects.sort_by(|a, b| a.metadata().name.cmp(&b.metadata().name));
    objects
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let Some(contents) = &view.contents else {
        plan.wake_in(UNKNOWN);
        return plan;
    };
    for quota in &view.quotas {
        let spec = quota.spec.clone().unwrap_or_default();
        let told = quota.status.clone().unwrap_or_default();
        let hard = resources::amounts(spec.hard.or_empty());
        // What nobody knows how to count stays as it was told.
        let old = resources::amounts(told.used.or_empty());
        let mut used = old.clone();
        used.extend(count(view, contents, &spec, &hard));
        used.retain(|name, _| hard.contains_key(name));
        if used == old && hard == resources::amounts(told.hard.or_empty()) {
            continue;
        }
        let mut wanted = (**quota).clone();
        wanted.status =
            Some(ResourceQuotaStatus { hard: spec.hard, used: Some(resources::list(&used)) });
        plan.status_if_changed(&**quota, wanted);
        plan.wake_in(RECOUNT);
    }
    for pod in &view.pods {
        if let Some(latest) = quota::counts_until(pod).filter(|latest| *latest >= view.now) {
            let left = latest.duration_since(view.now) + SignedDuration::from_secs(1);
            plan.wake_in(left.unsigned_abs());
        }
    }
    plan
}

/// How much of what is limited is used.
fn count(view: &View, contents: &[Content], spec: &ResourceQuotaSpec, hard: &Amounts) -> Amounts {
    let is_measured = |name: &&String| MEASURED.iter().any(|info| quota::is_used_by(info, name));
    let mut used: Amounts =
        hard.keys().filter(is_measured).map(|name| (name.clone(), Quantity::default())).collect();
    for object in view.measured().filter(|object| quota::selects(spec, *object)) {
        for (name, amount) in quota::usage(object, view.now) {
            if hard.contains_key(&name) {
                resources::add_one(&mut used, &name, &amount);
            }
        }
    }
    for content in contents {
        let resource = content.resource.group_resource();
        if MEASURED.iter().any(|info| info.group_resource() == resource) {
            continue;
        }
        let count = if quota::is_scoped(spec) { 0 } else { content.count };
        let count = Quantity::units(i64::try_from(count).unwrap_or(i64::MAX));
        for name in quota::counted_as(&resource) {
            if hard.contains_key(&name) {
                used.insert(name, count.clone());
            }
        }
    }
    used
}

/// The namespace of an object that some quota counts otherwise than before. New objects have been
/// charged, and who asks for them at once must not see them uncounted because of a slow watch.
fn counted_anew<K: Sourced + Kind>(
    sources: &Sources,
    before: Option<&K>,
    after: Option<&K>,
) -> Vec<Key> {
    let Some(before) = before else { return Vec::new() };
    let namespace = before.metadata().namespace.as_deref().unwrap_or("");
    let counted = |quota: &ResourceQuota, object: &K| {
        let spec = quota.spec.clone().unwrap_or_default();
        quota::selects(&spec, object).then(|| {
            let ends = object.metadata().deletion_timestamp.clone();
            (quota::usage(object, Timestamp::MIN), ends)
        })
    };
    let mut quotas = sources.resource_quotas.in_namespace(namespace).into_iter();
    let is_anew = quotas.any(|quota| {
        let after = after.and_then(|after| counted(&quota, after));
        counted(&quota, before) != after
    });
    if is_anew { vec![Key::new("", namespace)] } else { Vec::new() }
}

impl Controller for ResourceQuotas {
    fn name(&self) -> &'static str {
        "resourcequota"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Namespace>(),
            Watch::when(|_, before: Option<&ResourceQuota>, after: Option<&ResourceQuota>| {
                let after = after.filter(|after| before.is_none_or(|it| it.spec != after.spec));
                let namespace = after.and_then(|quota| quota.metadata.namespace.as_deref());
                namespace.map(|namespace| Key::new("", namespace)).into_iter().collect()
            }),
            Watch::when(counted_anew::<Pod>),
            Watch::when(counted_anew::<PersistentVolumeClaim>),
            Watch::when(counted_anew::<Service>),
            Watch::when(counted_anew::<ResourceClaim>),
        ]
    }

    fn watches_inventory(&self) -> Option<Heed> {
        Some(Heed::Losses)
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
