//! `Node`: a machine that runs Pods.
//!
//! See <https://kubernetes.io/docs/concepts/architecture/nodes/>.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, NodeSpec, NodeStatus, NodeSystemInfo, Taint};
use meta::field::FieldError;
use meta::{Tree, names};

use super::pod::validate::scheduling::TAINT_EFFECTS;
use crate::check::{At, Errors};
use crate::columns::{self, Column, NONE, UNKNOWN};
use crate::core::pod::proxy_subresource;
use crate::label_selector::label_name;
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, address, internal, resources};

impl Kind for Node {
    const INFO: KindInfo = KindInfo {
        singular: "node",
        short_names: &["no"],
        type_name: "io.k8s.api.core.v1.Node",
        status: true,
        // A kubelet registers its node with what the machine is.
        status_on_create: true,
        subresources: &[proxy_subresource("NodeProxyOptions")],
        selectable: &["spec.unschedulable"],
        columns: &[
            columns::NAME,
            Column::text("Status", "The status of the node"),
            Column::text("Roles", "The roles of the node"),
            columns::AGE,
            Column::of::<NodeSystemInfo>("Version", "kubeletVersion"),
            Column::of::<NodeStatus>("Internal-IP", "addresses").wide(),
            Column::of::<NodeStatus>("External-IP", "addresses").wide(),
            Column::of::<NodeSystemInfo>("OS-Image", "osImage").wide(),
            Column::of::<NodeSystemInfo>("Kernel-Version", "kernelVersion").wide(),
            Column::of::<NodeSystemInfo>("Container-Runtime", "containerRuntimeVersion").wide(),
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        if let Some(status) = &mut self.status {
            if status.allocatable.is_none() {
                status.allocatable.clone_from(&status.capacity);
            }
            for list in [&mut status.capacity, &mut status.allocatable].into_iter().flatten() {
                resources::round_up(list);
            }
        }
        if let Some(spec) = &mut self.spec {
            one_range_is_many(spec);
        }
    }

    fn on_create(&mut self) {
        if let Some(spec) = &mut self.spec {
            (spec.config_source, spec.pod_preemption_policy) = (None, None);
        }
        if let Some(status) = &mut self.status {
            status.config = None;
        }
    }

    fn on_update(&mut self, old: &Self) {
        self.status.clone_from(&old.status);
        if let Some(spec) = &mut self.spec {
            (spec.config_source, spec.pod_preemption_policy) = (None, None);
        }
    }

    fn on_status_update(&mut self, _old: &Self) {
        if let Some(status) = &mut self.status {
            status.config = None;
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_node(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_node(&mut errors, self);
        validate_change(&mut errors, self, old);
        errors.into_list()
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_change(&mut errors, self, old);
        errors.into_list()
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        let Some(spec) = &self.spec else {
            return warnings;
        };
        if spec.config_source.is_some() {
            warnings.push("spec.configSource: the feature is removed".to_owned());
        }
        if !spec.external_id.is_unset() {
            let advice = "spec.externalID: this field is deprecated, and is unused by Kubernetes";
            warnings.push(advice.to_owned());
        }
        let ranges_at = SPEC.field("podCIDRs");
        for (index, range) in spec.pod_cidrs.or_empty().iter().enumerate() {
            address::warn_range(&mut warnings, &ranges_at.index(index), range);
        }
        warnings
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let unschedulable = self.spec.as_ref().and_then(|spec| spec.unschedulable);
        vec![("spec.unschedulable", unschedulable.unwrap_or_default().to_string())]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let status = self.status.clone().unwrap_or_default();
        let info = status.node_info.clone().unwrap_or_default();
        let mut kernel = or(&info.kernel_version, UNKNOWN);
        if !info.architecture.is_empty() {
            kernel = format!("{kernel} ({})", info.architecture);
        }
        let address = |kind: &str| {
            let found = status.addresses.or_empty().iter().find(|address| address.type_ == kind);
            found.map_or_else(|| NONE.to_owned(), |address| address.address.clone())
        };
        vec![
            columns::name(&self.metadata),
            Tree::from(shown_status(self, &status)),
            Tree::from(roles(self)),
            columns::age(&self.metadata, now),
            Tree::from(info.kubelet_version.clone()),
            Tree::from(address("InternalIP")),
            Tree::from(address("ExternalIP")),
            Tree::from(or(&info.os_image, UNKNOWN)),
            Tree::from(kernel),
            Tree::from(or(&info.container_runtime_version, UNKNOWN)),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

/// `podCIDR` is the first of `podCIDRs`; clients may give either.
fn one_range_is_many(spec: &mut NodeSpec) {
    let first = spec.pod_cidrs.or_empty().first().cloned();
    match (spec.pod_cidr.or_empty(), first) {
        ("", first) => spec.pod_cidr = first,
        (one, first) if first.as_deref() != Some(one) => {
            spec.pod_cidrs = Some(vec![one.to_owned()]);
        }
        _ => {}
    }
}

fn or(text: &str, other: &str) -> String {
    if text.is_empty() { other.to_owned() } else { text.to_owned() }
}

fn shown_status(node: &Node, status: &NodeStatus) -> String {
    let ready = status.conditions.or_empty().iter().rfind(|condition| condition.type_ == "Ready");
    let shown = match ready {
        None => "Unknown",
        Some(ready) if ready.status == "True" => "Ready",
        Some(_) => "NotReady",
    };
    let is_closed = node.spec.as_ref().and_then(|spec| spec.unschedulable).unwrap_or_default();
    if is_closed { format!("{shown},SchedulingDisabled") } else { shown.to_owned() }
}

fn roles(node: &Node) -> String {
    let labels = node.metadata.labels.or_empty().iter();
    let roles: BTreeSet<&str> = labels
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if key == "kubernetes.io/role" => Some(value.as_str()),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    or(&roles.into_iter().collect::<Vec<_>>().join(","), NONE)
}

fn validate_node(errors: &mut Errors, node: &Node) {
    let metadata = At::root("metadata");
    if let Some(spec) = &node.spec {
        taints(errors, &metadata.field("taints"), spec.taints.or_empty());
    }
    amounts(errors, node);
    let ranges = node.spec.as_ref().map(|spec| spec.pod_cidrs.or_empty()).unwrap_or_default();
    let at = SPEC.field("podCIDRs");
    for (index, range) in ranges.iter().enumerate() {
        address::validate_range(errors, &at.index(index), range);
    }
    let unread = ranges.iter().position(|range| !address::is_range(range));
    if let Some(index) = unread.filter(|_| ranges.len() > 1) {
        let detail = format!(
            "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[{index}]: \
             <nil> (invalid CIDR address: {})",
            ranges[index]
        );
        errors.internal(&at, detail);
    }
    let is_dual =
        || unread.is_none() && address::ranges_are_dual_stack(ranges.iter().map(String::as_str));
    if ranges.len() > 1 && (ranges.len() > 2 || !is_dual()) {
        errors.invalid(&at, ranges, "may specify no more than one CIDR for each IP family");
    }
}

fn amounts(errors: &mut Errors, node: &Node) {
    let Some(status) = &node.status else { return };
    let status_at = At::root("status");
    for (field, list) in [("capacity", &status.capacity), ("allocatable", &status.allocatable)] {
        let list_at = status_at.field(field);
        for (name, quantity) in list.or_empty() {
            let quantity = resources::parse(quantity);
            resources::check_quantity(errors, &list_at.field(name), name, &quantity);
        }
    }
}

fn taints(errors: &mut Errors, all: &At<'_>, taints: &[Taint]) {
    let mut seen = BTreeSet::new();
    for (index, taint) in taints.iter().enumerate() {
        let at = all.index(index);
        label_name(errors, &at.field("key"), &taint.key);
        let value = taint.value.or_empty();
        let messages = names::is_label_value(value);
        if !messages.is_empty() {
            errors.invalid(&at.field("value"), value, messages.join(";"));
        }
        errors.required_one_of(&at.field("effect"), &taint.effect, TAINT_EFFECTS);
        if !seen.insert((&taint.effect, &taint.key)) {
            let shown = internal::value("@Taint", taint);
            errors.duplicate_with(&at, shown, "taints must be unique by key and effect pair");
        }
    }
}

/// Names of features that a node says it has: `MyFeature` or `MyFeature/mySubFeature`.
fn features(errors: &mut Errors, new: &Node) {
    let is_name = |name: &str| {
        let is_word =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
        name.starts_with(|first: char| first.is_ascii_uppercase()) && name.split('/').all(is_word)
    };
    let status_at = At::root("status");
    let all = status_at.field("declaredFeatures");
    let names = new.status.as_ref().map(|status| status.declared_features.or_empty());
    for (index, name) in names.unwrap_or_default().iter().enumerate() {
        if !is_name(name) {
            let detail = format!(
                "invalid feature name {}: must start with an UpperCamelCase segment, with subsequent segments separated by '/' \
                 (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes",
                meta::quote(name)
            );
            errors.invalid(&all.index(index), name, detail);
        }
    }
}

fn validate_change(errors: &mut Errors, new: &Node, old: &Node) {
    features(errors, new);
    amounts(errors, new);
    let status_at = At::root("status");
    let all = status_at.field("addresses");
    let addresses = new.status.as_ref().map(|status| status.addresses.or_empty());
    let addresses = addresses.unwrap_or_default();
    for (index, address) in addresses.iter().enumerate() {
        if addresses.iter().take(index).any(|earlier| earlier == address) {
            errors.duplicate(&all.index(index), internal::value("@NodeAddress", address));
        }
    }
    let (new, old) = (new.spec.clone().unwrap_or_default(), old.spec.clone().unwrap_or_default());
    let (ranges, old_ranges) = (new.pod_cidrs.or_empty(), old.pod_cidrs.or_empty());
    if !old_ranges.is_empty() {
        let changes = if ranges.len() == old_ranges.len() {
            ranges.iter().zip(old_ranges).filter(|(new, old)| new != old).count()
        } else {
            1
        };
        for _ in 0..changes {
            let detail = "node updates may not change podCIDR except from \"\" to valid";
            errors.forbidden(&SPEC.field("podCIDRs"), detail);
        }
    }
    let (id, old_id) = (new.provider_id.or_empty(), old.provider_id.or_empty());
    if !old_id.is_empty() && id != old_id {
        let what = if id.is_empty() { "cleared" } else { "modified" };
        let detail = format!("field cannot be {what} once set");
        errors.invalid(&SPEC.field("providerID"), None::<i32>, detail);
    }
    let metadata = At::root("metadata");
    taints(errors, &metadata.field("taints"), new.taints.or_empty());
    if new.external_id.or_empty() != old.external_id.or_empty() {
        errors.forbidden(&SPEC.field("externalID"), "may not be updated");
    }
}
