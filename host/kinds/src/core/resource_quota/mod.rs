//! `ResourceQuota`: how much all objects of a namespace together may use.
//!
//! What objects use is told by [`crate::quota`].
//!
//! See <https://kubernetes.io/docs/concepts/policy/resource-quotas/>.

mod scopes;

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaSpec};
use meta::Tree;
use meta::field::FieldError;

use crate::check::{At, Errors, IMMUTABLE, json};
use crate::columns::{self, Column};
use crate::resources::{self, ResourceList};
use crate::wire::OrEmpty;
use crate::{DeleteAnswer, Kind, KindInfo, PrefixRule};

impl Kind for ResourceQuota {
    const INFO: KindInfo = KindInfo {
        singular: "resourcequota",
        short_names: &["quota"],
        type_name: "io.k8s.api.core.v1.ResourceQuota",
        status: true,
        delete_answer: DeleteAnswer::Object,
        columns: &[
            columns::NAME,
            Column::text(
                "Request",
                "Request represents a minimum amount of cpu/memory that a container may consume.",
            ),
            Column::text(
                "Limit",
                "Limits control the maximum amount of cpu/memory that a container may use \
                 independent of contention on the node.",
            ),
            columns::AGE,
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        let spec = self.spec.get_or_insert_default();
        let status = self.status.get_or_insert_default();
        for list in [&mut spec.hard, &mut status.hard, &mut status.used].into_iter().flatten() {
            resources::round_up(list);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        if let Some(spec) = &self.spec {
            validate_spec(&mut errors, spec);
        }
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let (new, old) =
            (self.spec.clone().unwrap_or_default(), old.spec.clone().unwrap_or_default());
        validate_spec(&mut errors, &new);
        let set = |spec: &ResourceQuotaSpec| {
            spec.scopes.or_empty().iter().cloned().collect::<BTreeSet<_>>()
        };
        if set(&new) != set(&old) {
            errors.invalid(&SPEC.field("scopes"), json(&new.scopes), IMMUTABLE);
        }
        errors.into_list()
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let at = At::root("status");
        let status = self.status.clone().unwrap_or_default();
        amounts(&mut errors, &at.field("hard"), status.hard.or_empty());
        amounts(&mut errors, &at.field("used"), status.used.or_empty());
        errors.into_list()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        match &self.spec {
            Some(spec) if old.is_none() => contradictions(spec.hard.or_empty()),
            _ => Vec::new(),
        }
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let status = self.status.clone().unwrap_or_default();
        let (mut requests, mut limits) = (Vec::new(), Vec::new());
        for (name, hard) in status.hard.or_empty() {
            let used = status.used.or_empty().get(name).map(resources::parse).unwrap_or_default();
            let cell = format!("{name}: {used}/{}", resources::parse(hard));
            let column = if name.starts_with("limits.") { &mut limits } else { &mut requests };
            column.push(cell);
        }
        vec![
            columns::name(&self.metadata),
            Tree::from(requests.join(", ")),
            Tree::from(limits.join(", ")),
            columns::age(&self.metadata, now),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

fn validate_spec(errors: &mut Errors, spec: &ResourceQuotaSpec) {
    amounts(errors, &SPEC.field("hard"), spec.hard.or_empty());
    scopes::validate(errors, &SPEC, spec);
}

fn amounts(errors: &mut Errors, all: &At<'_>, list: &ResourceList) {
    for (name, quantity) in list {
        let at = all.key(name);
        resources::check_name(errors, &at, name);
        if !name.contains('/') && !resources::is_quota(name) {
            errors.invalid(&at, name, "must be a standard resource for quota");
        }
        resources::check_quantity(errors, &at, name, &resources::parse(quantity));
    }
}

/// Advice against a quota that allows more to be requested than used.
fn contradictions(hard: &ResourceList) -> Vec<String> {
    let mut warnings = Vec::new();
    for name in ["cpu", "memory", "storage", "ephemeral-storage"] {
        let mut request_name = format!("requests.{name}");
        if !hard.contains_key(&request_name) && matches!(name, "cpu" | "memory") {
            name.clone_into(&mut request_name);
        }
        let limit_name = format!("limits.{name}");
        let amount = |name: &str| hard.get(name).map(resources::parse);
        if let (Some(request), Some(limit)) = (amount(&request_name), amount(&limit_name))
            && request > limit
        {
            warnings.push(format!(
                "ResourceQuota {request_name} ({request}) should be less than {limit_name} \
                 ({limit})"
            ));
        }
    }
    warnings
}
