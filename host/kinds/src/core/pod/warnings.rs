//! Advice about Pod specs that are accepted and yet do not do what their author hopes.
//!
//! See <https://kubernetes.io/docs/reference/using-api/deprecation-policy/>.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, KeyToPath, NodeSelectorTerm, Pod, PodAffinityTerm, PodSpec, Volume,
    VolumeProjection, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::{names, quote};

use super::validate::annotations::{
    APP_ARMOR_PREFIX, SECCOMP_CONTAINER_PREFIX, SECCOMP_POD, app_armor_profile,
};
use super::validate::scheduling::{PREFERRED, REQUIRED};
use super::visit;
use crate::check::At;
use crate::core::volume_claim;
use crate::wire::OrEmpty;
use crate::{address, resources};

/// Advice about a Pod of its own.
pub(super) fn pod(pod: &Pod) -> Vec<String> {
    let mut warnings = Vec::new();
    let messages = names::is_dns1123_label(pod.metadata.name.or_empty());
    if !messages.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in the Pod's hostname, which can result in surprising \
             behavior; a DNS label is recommended: [{}]",
            messages.join(" ")
        ));
    }
    if let Some(spec) = &pod.spec {
        let at = (&At::root("metadata"), &At::root("spec"));
        gather(&mut warnings, at, &pod.metadata, spec);
    }
    warnings
}

/// Advice about the template of a workload.
pub(crate) fn template(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    metadata: &ObjectMeta,
    spec: &PodSpec,
) {
    gather(warnings, (&at.field("metadata"), &at.field("spec")), metadata, spec);
}

fn gather(
    warnings: &mut Vec<String>,
    (metadata_at, at): (&At<'_>, &At<'_>),
    metadata: &ObjectMeta,
    spec: &PodSpec,
) {
    nodes(warnings, at, spec);
    topology(warnings, at, spec);
    let annotations_at = metadata_at.field("annotations");
    let annotations = metadata.annotations.or_empty();
    for (key, advice) in [
        (
            "scheduler.alpha.kubernetes.io/critical-pod",
            "non-functional in v1.16+; use the \"priorityClassName\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/unsafe-sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
    ] {
        if annotations.contains_key(key) {
            warnings.push(format!("{}: {advice}", annotations_at.key(key)));
        }
    }
    let volumes_at = at.field("volumes");
    for (index, volume) in spec.volumes.or_empty().iter().enumerate() {
        old_volumes(warnings, &volumes_at.index(index), volume);
    }
    for volume in spec.volumes.or_empty() {
        overlapping_paths(warnings, volume);
    }
    duplicate_references(warnings, at, spec);
    let overhead_at = at.field("overhead");
    for name in ["memory", "ephemeral-storage"] {
        if let Some(quantity) = spec.overhead.or_empty().get(name) {
            resources::warn_fraction(warnings, &overhead_at.key(name), quantity);
        }
    }
    old_profiles(warnings, &annotations_at, annotations, spec);
    visit::containers(spec, at, |container, at| {
        old_container_profiles(warnings, &annotations_at, annotations, spec, container);
        fractions(warnings, at, container);
        hidden_variables(warnings, at, container);
    });
    ports(warnings, at, spec);
    port_names(warnings, at, spec);
    if spec.termination_grace_period_seconds.is_some_and(|secs| secs < 0) {
        let at = at.field("terminationGracePeriodSeconds");
        warnings.push(format!(
            "{at}: must be >= 0; negative values are invalid and will be treated as 1"
        ));
    }
    affinity(warnings, at, spec);
    addresses(warnings, at, spec);
}

/// What became of labels that nodes used to have.
pub(crate) fn old_node_label(label: &str) -> Option<String> {
    let new = match label {
        "beta.kubernetes.io/arch" => "kubernetes.io/arch",
        "beta.kubernetes.io/os" => "kubernetes.io/os",
        "failure-domain.beta.kubernetes.io/region" => "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone" => "topology.kubernetes.io/zone",
        "beta.kubernetes.io/instance-type" => "node.kubernetes.io/instance-type",
        "app.kubernetes.io/created-by" => return Some("deprecated since v1.9".to_owned()),
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => {
            let advice = "deprecated since v1.22; use Taints and Tolerations instead";
            return Some(advice.to_owned());
        }
        "node-role.kubernetes.io/master" => {
            return Some("use \"node-role.kubernetes.io/control-plane\" instead".to_owned());
        }
        _ => return None,
    };
    let since = if new.starts_with("kubernetes.io/") { "v1.14" } else { "v1.17" };
    Some(format!("deprecated since {since}; use \"{new}\" instead"))
}

fn nodes(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let selector_at = at.field("nodeSelector");
    for label in spec.node_selector.or_empty().keys() {
        if let Some(advice) = old_node_label(label) {
            warnings.push(format!("{}: {advice}", selector_at.key(label)));
        }
    }
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let Some(affinity) = affinity else { return };
    let affinity_at = at.field("affinity");
    let node_at = affinity_at.field("nodeAffinity");
    let required_at = node_at.field(REQUIRED);
    let terms_at = required_at.field("nodeSelectorTerms");
    let required = affinity.required_during_scheduling_ignored_during_execution.as_ref();
    let terms = required.map(|selector| selector.node_selector_terms.as_slice());
    for (index, term) in terms.unwrap_or_default().iter().enumerate() {
        node_term(warnings, &terms_at.index(index), term, false);
    }
    let preferred_at = node_at.field(PREFERRED);
    let preferred = affinity.preferred_during_scheduling_ignored_during_execution.or_empty();
    for (index, term) in preferred.iter().enumerate() {
        let at = preferred_at.index(index);
        node_term(warnings, &at.field("preference"), &term.preference, true);
    }
}

fn node_term(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    term: &NodeSelectorTerm,
    values_are_free: bool,
) {
    let all = at.field("matchExpressions");
    for (index, requirement) in term.match_expressions.or_empty().iter().enumerate() {
        let at = all.index(index);
        if let Some(advice) = old_node_label(&requirement.key) {
            warnings.push(format!("{}: {} is {advice}", at.field("key"), requirement.key));
        }
        if !values_are_free {
            continue;
        }
        let values_at = at.field("values");
        for (index, value) in requirement.values.or_empty().iter().enumerate() {
            for message in names::is_label_value(value) {
                let at = values_at.index(index);
                warnings.push(format!("{at}: {value} is invalid, {message}"));
            }
        }
    }
}

fn topology(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let all = at.field("topologySpreadConstraints");
    for (index, constraint) in spec.topology_spread_constraints.or_empty().iter().enumerate() {
        let at = all.index(index);
        if let Some(advice) = old_node_label(&constraint.topology_key) {
            let key = &constraint.topology_key;
            warnings.push(format!("{}: {key} is {advice}", at.field("topologyKey")));
        }
        if constraint.label_selector.is_none() {
            null_selector(warnings, &at.field("labelSelector"));
        }
    }
}

fn null_selector(warnings: &mut Vec<String>, at: &At<'_>) {
    warnings.push(format!("{at}: a null labelSelector results in matching no pod"));
}

fn old_volumes(warnings: &mut Vec<String>, at: &At<'_>, volume: &Volume) {
    if volume.photon_persistent_disk.is_some() {
        let at = at.field("photonPersistentDisk");
        warnings.push(format!("{at}: deprecated in v1.11, non-functional in v1.16+"));
    }
    if volume.git_repo.is_some() {
        let at = at.field("gitRepo");
        warnings.push(format!("{at}: deprecated in v1.11, and disabled by default in v1.33+"));
    }
    let of_old = [
        ("scaleIO", volume.scale_io.is_some(), "v1.16", "v1.22"),
        ("flocker", volume.flocker.is_some(), "v1.22", "v1.25"),
        ("storageOS", volume.storageos.is_some(), "v1.22", "v1.25"),
        ("quobyte", volume.quobyte.is_some(), "v1.22", "v1.25"),
        ("glusterfs", volume.glusterfs.is_some(), "v1.25", "v1.26"),
    ];
    let advise = |warnings: &mut Vec<String>, (field, deprecated, gone): (&str, &str, &str)| {
        let at = at.field(field);
        warnings.push(format!("{at}: deprecated in {deprecated}, non-functional in {gone}+"));
    };
    for (field, _, deprecated, gone) in of_old.into_iter().filter(|(_, is_set, ..)| *is_set) {
        advise(warnings, (field, deprecated, gone));
    }
    let template = volume.ephemeral.as_ref().and_then(|e| e.volume_claim_template.as_ref());
    if let Some(template) = template {
        let ephemeral_at = at.field("ephemeral");
        let template_at = ephemeral_at.field("volumeClaimTemplate");
        volume_claim::warn(warnings, &template_at.field("spec"), &template.spec);
    }
    if volume.cephfs.is_some() {
        advise(warnings, ("cephfs", "v1.28", "v1.31"));
    }
    if volume.rbd.is_some() {
        advise(warnings, ("rbd", "v1.28", "v1.31"));
    }
}

/// A file in a volume, and the source it comes from where there are several.
#[derive(Clone, PartialEq)]
struct Placed {
    path: String,
    source: String,
}

impl Placed {
    fn new(path: &str, source: impl Into<String>) -> Self {
        Self { path: path.trim_end_matches('/').to_owned(), source: source.into() }
    }

    fn overlaps(&self, other: &Self) -> bool {
        let (own, other) = (format!("{}/", self.path), format!("{}/", other.path));
        own != "/" && other != "/" && (own.starts_with(&other) || other.starts_with(&own))
    }
}

impl std::fmt::Display for Placed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&quote(&self.path))?;
        if self.source.is_empty() { Ok(()) } else { write!(f, " ({})", self.source) }
    }
}

fn overlapping_paths(warnings: &mut Vec<String>, volume: &Volume) {
    let name = quote(&volume.name);
    let mut warn = |what: &str, files: &[Placed]| {
        for (index, file) in files.iter().enumerate() {
            for earlier in files.iter().take(index).filter(|earlier| file.overlaps(earlier)) {
                warnings.push(format!(
                    "volume {name} ({what}): overlapping paths: {file} with {earlier}"
                ));
            }
        }
    };
    if let Some(source) = &volume.config_map {
        let what = format!("ConfigMap {}", quote(&source.name));
        warn(&what, &placed(source.items.or_empty(), ""));
    }
    if let Some(source) = &volume.secret {
        let what = format!("Secret {}", quote(source.secret_name.or_empty()));
        warn(&what, &placed(source.items.or_empty(), ""));
    }
    if let Some(source) = &volume.downward_api {
        let files = source.items.or_empty().iter().map(|file| Placed::new(&file.path, ""));
        warn("DownwardAPI", &files.collect::<Vec<_>>());
    }
    if let Some(projected) = &volume.projected {
        let sources = projected.sources.or_empty();
        let files: Vec<Placed> = sources.iter().flat_map(projected_files).collect();
        warn("Projected", &files);
        for _ in sources.iter().filter(|source| **source == VolumeProjection::default()) {
            warnings.push(format!("volume {name} (Projected) has no sources provided"));
        }
    }
}

fn placed(keys: &[KeyToPath], source: &str) -> Vec<Placed> {
    keys.iter().map(|key| Placed::new(&key.path, source)).collect()
}

fn projected_files(source: &VolumeProjection) -> Vec<Placed> {
    if let Some(map) = source.config_map.as_ref().filter(|map| map.items.is_some()) {
        return placed(map.items.or_empty(), &format!("ConfigMap {}", quote(&map.name)));
    }
    if let Some(secret) = source.secret.as_ref().filter(|secret| secret.items.is_some()) {
        return placed(secret.items.or_empty(), &format!("Secret {}", quote(&secret.name)));
    }
    if let Some(api) = source.downward_api.as_ref().filter(|api| api.items.is_some()) {
        let files = api.items.or_empty().iter();
        return files.map(|file| Placed::new(&file.path, "DownwardAPI")).collect();
    }
    if let Some(token) = &source.service_account_token {
        return vec![Placed::new(&token.path, "ServiceAccountToken")];
    }
    if let Some(bundle) = &source.cluster_trust_bundle {
        let name = bundle.name.as_ref().or(bundle.signer_name.as_ref()).map(String::as_str);
        let name = format!("ClusterTrustBundle {}", quote(name.unwrap_or_default()));
        return vec![Placed::new(&bundle.path, name)];
    }
    let Some(certificate) = &source.pod_certificate else {
        return Vec::new();
    };
    let files = [
        (&certificate.certificate_chain_path, "PodCertificate chain"),
        (&certificate.key_path, "PodCertificate key"),
        (&certificate.credential_bundle_path, "PodCertificate credential bundle"),
    ];
    let files = files.into_iter().filter(|(path, _)| !path.is_unset());
    files.map(|(path, what)| Placed::new(path.or_empty(), what)).collect()
}

fn duplicate_references(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let all = at.field("hostAliases");
    let mut seen = BTreeSet::new();
    for (index, alias) in spec.host_aliases.or_empty().iter().enumerate() {
        if !seen.insert(&alias.ip) {
            let at = all.index(index);
            warnings.push(format!("{}: duplicate ip {}", at.field("ip"), quote(&alias.ip)));
        }
    }
    let all = at.field("imagePullSecrets");
    let secrets = spec.image_pull_secrets.or_empty();
    let mut seen = BTreeSet::new();
    for (index, secret) in secrets.iter().enumerate() {
        if !seen.insert(&secret.name) {
            let at = all.index(index);
            warnings.push(format!("{}: duplicate name {}", at.field("name"), quote(&secret.name)));
        }
    }
    for (index, _) in secrets.iter().enumerate().filter(|(_, secret)| secret.name.is_empty()) {
        let at = all.index(index);
        warnings.push(format!("{}: invalid empty name \"\"", at.field("name")));
    }
}

type Annotations = BTreeMap<String, String>;

const USE_SECCOMP: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";

fn old_profiles(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    annotations: &Annotations,
    spec: &PodSpec,
) {
    let security = spec.security_context.as_ref();
    if security.is_none_or(|security| security.seccomp_profile.is_none())
        && annotations.contains_key(SECCOMP_POD)
    {
        warnings.push(format!("{}: {USE_SECCOMP}", at.key(SECCOMP_POD)));
    }
}

fn old_container_profiles(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    annotations: &Annotations,
    spec: &PodSpec,
    container: &Container,
) {
    let security = container.security_context.as_ref();
    let key = format!("{SECCOMP_CONTAINER_PREFIX}{}", container.name);
    if security.is_none_or(|security| security.seccomp_profile.is_none())
        && annotations.contains_key(&key)
    {
        warnings.push(format!("{}: {USE_SECCOMP}", at.key(&key)));
    }
    let key = format!("{APP_ARMOR_PREFIX}{}", container.name);
    let of_pod = spec.security_context.as_ref().and_then(|s| s.app_armor_profile.as_ref());
    if let Some(annotation) = annotations.get(&key)
        && (of_pod.is_none() || of_pod != app_armor_profile(annotation).as_ref())
    {
        warnings.push(format!(
            "{}: deprecated since v1.30; use the \"appArmorProfile\" field instead",
            at.key(&key)
        ));
    }
}

fn fractions(warnings: &mut Vec<String>, at: &At<'_>, container: &Container) {
    let Some(requirements) = &container.resources else {
        return;
    };
    let resources_at = at.field("resources");
    for name in ["memory", "ephemeral-storage"] {
        for (field, list) in
            [("limits", &requirements.limits), ("requests", &requirements.requests)]
        {
            let list_at = resources_at.field(field);
            if let Some(quantity) = list.or_empty().get(name) {
                resources::warn_fraction(warnings, &list_at.key(name), quantity);
            }
        }
    }
}

fn hidden_variables(warnings: &mut Vec<String>, at: &At<'_>, container: &Container) {
    let all = at.field("env");
    let mut seen = BTreeSet::new();
    for (index, variable) in container.env.or_empty().iter().enumerate() {
        if seen.insert(&variable.name) {
            continue;
        }
        // A value that builds on the earlier one is no accident.
        let (value, reference) = (variable.value.or_empty(), format!("$({})", variable.name));
        let extends =
            variable.value_from.is_none() && value != reference && value.contains(&reference);
        if !extends {
            let name = quote(&variable.name);
            warnings.push(format!(
                "{}: hides previous definition of {name}, which may be dropped when using apply",
                all.index(index)
            ));
        }
    }
}

fn ports(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let mut all: BTreeMap<(i32, String), Vec<(String, ContainerPort)>> = BTreeMap::new();
    visit::containers(spec, at, |container, at| {
        let ports_at = at.field("ports");
        for (index, port) in container.ports.or_empty().iter().enumerate() {
            let at = ports_at.index(index);
            let (ip, host_port) = (port.host_ip.or_empty(), port.host_port.unwrap_or_default());
            if !ip.is_empty() && host_port == 0 {
                warnings.push(format!("{at}: hostIP set without hostPort: {}", shown(port)));
            }
            let key = (port.container_port, port.protocol.or_empty().to_owned());
            let others = all.entry(key).or_default();
            for (other_at, other) in others.iter() {
                let other_ip = other.host_ip.or_empty();
                let other_port = other.host_port.unwrap_or_default();
                let what = if ip == other_ip && host_port == other_port {
                    "duplicate"
                } else if host_port == 0 || other_port == 0 {
                    "overlapping"
                } else if host_port == other_port && ip.is_empty() != other_ip.is_empty() {
                    "dangerously ambiguous"
                } else {
                    continue;
                };
                warnings.push(format!("{at}: {what} port definition with {other_at}"));
            }
            others.push((at.to_string(), port.clone()));
        }
    });
}

/// A port as the fields of a struct.
fn shown(port: &ContainerPort) -> String {
    format!(
        "{{Name:{} HostPort:{} ContainerPort:{} Protocol:{} HostIP:{}}}",
        port.name.or_empty(),
        port.host_port.unwrap_or_default(),
        port.container_port,
        port.protocol.or_empty(),
        port.host_ip.or_empty()
    )
}

fn port_names(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    visit::containers(spec, at, |container, at| {
        let ports_at = at.field("ports");
        for (index, port) in container.ports.or_empty().iter().enumerate() {
            let (at, name) = (ports_at.index(index), port.name.or_empty());
            if name.is_empty() {
                continue;
            }
            if let Some(other) = seen.get(name) {
                let name = quote(name);
                warnings.push(format!(
                    "{at}: duplicate port name {name} with {other}, services and probes that \
                     select ports by name will use {other}"
                ));
            } else {
                seen.insert(name.to_owned(), at.to_string());
            }
        }
    });
}

fn affinity(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let Some(affinity) = &spec.affinity else {
        return;
    };
    let affinity_at = at.field("affinity");
    if let Some(pods) = &affinity.pod_affinity {
        let at = affinity_at.field("podAffinity");
        let required = pods.required_during_scheduling_ignored_during_execution.or_empty();
        let preferred = pods.preferred_during_scheduling_ignored_during_execution.or_empty();
        affinity_terms(warnings, &at, required, preferred);
    }
    if let Some(pods) = &affinity.pod_anti_affinity {
        let at = affinity_at.field("podAntiAffinity");
        let required = pods.required_during_scheduling_ignored_during_execution.or_empty();
        let preferred = pods.preferred_during_scheduling_ignored_during_execution.or_empty();
        affinity_terms(warnings, &at, required, preferred);
    }
}

fn affinity_terms(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    required: &[PodAffinityTerm],
    preferred: &[WeightedPodAffinityTerm],
) {
    let required_at = at.field(REQUIRED);
    for (index, term) in required.iter().enumerate() {
        if term.label_selector.is_none() {
            null_selector(warnings, &required_at.index(index).field("labelSelector"));
        }
    }
    let preferred_at = at.field(PREFERRED);
    for (index, term) in preferred.iter().enumerate() {
        if term.pod_affinity_term.label_selector.is_none() {
            let at = preferred_at.index(index);
            let term_at = at.field("podAffinityTerm");
            null_selector(warnings, &term_at.field("labelSelector"));
        }
    }
}

fn addresses(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    if let Some(config) = &spec.dns_config {
        let config_at = at.field("dnsConfig");
        let servers_at = config_at.field("nameservers");
        for (index, server) in config.nameservers.or_empty().iter().enumerate() {
            address::warn(warnings, &servers_at.index(index), server);
        }
    }
    let aliases_at = at.field("hostAliases");
    for (index, alias) in spec.host_aliases.or_empty().iter().enumerate() {
        let at = aliases_at.index(index);
        address::warn(warnings, &at.field("ip"), &alias.ip);
    }
}
