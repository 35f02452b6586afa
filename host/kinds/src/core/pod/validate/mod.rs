//! What holds for a Pod spec, in a Pod and in a template.
//!
//! Each file holds the rules of one part of the spec. Errors come in the order in which Kubernetes finds them, because people read them
//! in that order.

pub(crate) mod annotations;
mod container;
mod env;
mod mounts;
mod network;
pub(crate) mod old_volume;
mod probe;
mod projected;
mod resource_requirements;
pub(crate) mod scheduling;
mod security;
mod topology;
pub(crate) mod volume;
mod windows;

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{PodResourceClaim, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::names;

pub(crate) use self::container::{image_is_trimmed, port_number};
pub(crate) use self::probe::port_number_or_name;
pub(crate) use self::security::app_armor;
use self::volume::Volumes;

use super::visit;
use crate::check::{At, Errors};
use crate::internal;
use crate::metadata;
use crate::resources::ResourceList;
use crate::wire::OrEmpty;

/// What the rules of a part need to know of the whole.
struct Context<'a> {
    spec: &'a PodSpec,
    volumes: Volumes<'a>,
    /// Names of the devices that the Pod claims.
    claims: BTreeSet<&'a str>,
}

/// What is wrong with a Pod spec. `metadata` is that of the Pod, and absent in a template.
pub(crate) fn spec(
    errors: &mut Errors,
    at: &At<'_>,
    spec: &PodSpec,
    metadata: Option<&ObjectMeta>,
) {
    if spec.termination_grace_period_seconds.is_none() {
        errors.required(&at.field("terminationGracePeriodSeconds"), "");
    }
    let pod_name = metadata.map(|metadata| metadata.name.or_empty()).unwrap_or_default();
    let volumes = volume::volumes(errors, &at.field("volumes"), spec.volumes.or_empty(), pod_name);
    let claims = spec.resource_claims.or_empty();
    let claim_names =
        claims.iter().map(|claim| claim.name.as_str()).filter(|name| !name.is_empty()).collect();
    let context = Context { spec, volumes, claims: claim_names };
    resource_claims(errors, &at.field("resourceClaims"), claims, metadata);
    container::containers(errors, &at.field("containers"), &context);
    container::init_containers(errors, &at.field("initContainers"), &context);
    container::ephemeral_containers(errors, &at.field("ephemeralContainers"), &context);
    resource_requirements::pod(errors, at, spec);
    network::host_network(errors, at, spec, metadata.is_none());
    policies(errors, at, spec);
    metadata::labels(errors, &at.field("nodeSelector"), spec.node_selector.as_ref());
    security::pod(errors, &at.field("securityContext"), spec);
    network::share_process_namespace(errors, at, spec);
    scheduling::affinity(errors, &at.field("affinity"), spec.affinity.as_ref());
    network::dns_config(errors, &at.field("dnsConfig"), spec);
    let gates = spec.readiness_gates.or_empty();
    scheduling::readiness_gates(errors, &at.field("readinessGates"), gates);
    let gates = spec.scheduling_gates.or_empty();
    scheduling::scheduling_gates(errors, &at.field("schedulingGates"), gates);
    let constraints = spec.topology_spread_constraints.or_empty();
    topology::validate(errors, &at.field("topologySpreadConstraints"), constraints);
    windows::host_processes(errors, at, spec);
    network::host_users(errors, at, spec);
    network::host_names(errors, at, spec);
    references(errors, at, spec);
    windows::os(errors, at, spec);
    file_key_volumes(errors, at, spec);
}

fn policies(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    errors.required_one_of(
        &at.field("restartPolicy"),
        spec.restart_policy.or_empty(),
        &["Always", "OnFailure", "Never"],
    );
    errors.required_one_of(
        &at.field("dnsPolicy"),
        spec.dns_policy.or_empty(),
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
    );
}

/// Names of other objects, and numbers.
fn references(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    let account = spec.service_account_name.or_empty();
    subdomain(errors, &at.field("serviceAccountName"), account);
    let old_account = spec.service_account.or_empty();
    if old_account != account {
        let detail = format!("must be the same as serviceAccountName: {}", meta::quote(account));
        errors.invalid(&at.field("deprecatedServiceAccount"), old_account, detail);
    }
    subdomain(errors, &at.field("nodeName"), spec.node_name.or_empty());
    if let Some(secs) = spec.active_deadline_seconds
        && !(1..=i64::from(i32::MAX)).contains(&secs)
    {
        let detail = format!("must be between 1 and {}, inclusive", i32::MAX);
        errors.invalid(&at.field("activeDeadlineSeconds"), secs, detail);
    }
    for (name, value) in [("hostname", &spec.hostname), ("subdomain", &spec.subdomain)] {
        let value = value.or_empty();
        if !value.is_empty() {
            errors.invalid_each(&at.field(name), value, names::is_dns1123_label(value));
        }
    }
    scheduling::tolerations(errors, &at.field("tolerations"), spec.tolerations.or_empty());
    network::host_aliases(errors, &at.field("hostAliases"), spec.host_aliases.or_empty());
    subdomain(errors, &at.field("priorityClassName"), spec.priority_class_name.or_empty());
    if let Some(class) = &spec.runtime_class_name {
        let messages = names::is_dns1123_subdomain(class);
        errors.invalid_each(&at.field("runtimeClassName"), class, messages);
    }
    if let Some(policy) = &spec.preemption_policy {
        let at = at.field("preemptionPolicy");
        errors.required_one_of(&at, policy, PREEMPTION_POLICIES);
    }
    if let Some(fixed) = &spec.overhead {
        overhead(errors, &at.field("overhead"), fixed);
    }
}

pub(crate) const PREEMPTION_POLICIES: &[&str] = &["PreemptLowerPriority", "Never"];

/// What is wrong with the amounts that running a Pod costs beside its containers.
pub(crate) fn overhead(errors: &mut Errors, at: &At<'_>, fixed: &ResourceList) {
    let limits = ResourceRequirements { limits: Some(fixed.clone()), ..Default::default() };
    resource_requirements::container(errors, at, &limits, &BTreeSet::new());
}

fn subdomain(errors: &mut Errors, at: &At<'_>, name: &str) {
    if !name.is_empty() {
        errors.invalid_each(at, name, names::is_dns1123_subdomain(name));
    }
}

fn resource_claims(
    errors: &mut Errors,
    all: &At<'_>,
    claims: &[PodResourceClaim],
    metadata: Option<&ObjectMeta>,
) {
    let is_mirror = metadata
        .is_some_and(|metadata| metadata.annotations.or_empty().contains_key(annotations::MIRROR));
    let mut seen = BTreeSet::new();
    for (index, claim) in claims.iter().enumerate() {
        if is_mirror {
            errors.forbidden(&At::root(""), "static pods do not support resource claims");
            continue;
        }
        let at = all.index(index);
        let name_at = at.field("name");
        if claim.name.is_empty() {
            errors.required(&name_at, "");
        } else if seen.insert(&claim.name) {
            errors.invalid_each(&name_at, &claim.name, names::is_dns1123_label(&claim.name));
        } else {
            errors.duplicate(&name_at, &claim.name);
        }
        match (&claim.resource_claim_name, &claim.resource_claim_template_name) {
            (Some(_), Some(_)) => {
                let detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` \
                              may be specified";
                errors.invalid(&at, internal::value("@PodResourceClaim", claim), detail);
            }
            (None, None) => {
                let detail =
                    "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
                errors.invalid(&at, internal::value("@PodResourceClaim", claim), detail);
            }
            _ => {}
        }
        for (field, name) in [
            ("resourceClaimName", &claim.resource_claim_name),
            ("resourceClaimTemplateName", &claim.resource_claim_template_name),
        ] {
            if let Some(name) = name {
                let messages = names::is_dns1123_subdomain(name);
                errors.invalid_each(&at.field(field), name, messages);
            }
        }
    }
}

/// Files with variables are made by init containers, in volumes that begin empty.
fn file_key_volumes(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    visit::containers(spec, at, |container, at| {
        let all = at.field("env");
        for (index, variable) in container.env.or_empty().iter().enumerate() {
            let source = variable.value_from.as_ref();
            let Some(file) = source.and_then(|source| source.file_key_ref.as_ref()) else {
                continue;
            };
            let (at, name) = (all.index(index), &file.volume_name);
            let (source_at, volumes) = (at.field("valueFrom"), spec.volumes.or_empty());
            let reference_at = source_at.field("fileKeyRef");
            let at = reference_at.field("volumeName");
            match volumes.iter().rfind(|volume| volume.name == *name) {
                None => errors.not_found(&at, name),
                Some(volume) if volume.empty_dir.is_none() => {
                    errors.invalid(&at, name, "referenced volume must be of type emptyDir");
                }
                Some(_) => {}
            }
        }
    });
}
