//! `MutatingAdmissionPolicy`: expressions that change what requests ask for.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/>.

use expressions::admission::{Composer, Purpose};
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    MatchResources, MutatingAdmissionPolicy, Mutation,
};
use meta::Tree;
use meta::field::FieldError;

use super::policy::{self, SPEC, Shared};
use super::{match_resources, webhook};
use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::{OrEmpty, default_absent};
use crate::{Generation, Kind, KindInfo};

const PATCH_TYPES: &[&str] = &["ApplyConfiguration", "JSONPatch"];

impl Kind for MutatingAdmissionPolicy {
    const INFO: KindInfo = KindInfo {
        singular: "mutatingadmissionpolicy",
        categories: &["api-extensions"],
        type_name: "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy",
        generation: Generation::Spec,
        unconditional_update: false,
        columns: &[
            columns::NAME,
            Column::text(
                "Mutations",
                "Mutation indicates the number of mutations rules defined in this configuration",
            )
            .integer(),
            Column::text(
                "ParamKind",
                "ParamKind specifies the kind of resources used to parameterize this policy",
            ),
            columns::AGE,
        ],
        plain_finalizers: true,
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        let spec = self.spec.get_or_insert_default();
        default_absent(&mut spec.failure_policy, "Fail");
        if let Some(resources) = &mut spec.match_constraints {
            match_resources::set_defaults(resources);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        validate_spec(self, false)
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let of = |policy: &Self| {
            let spec = policy.spec.clone().unwrap_or_default();
            (spec.param_kind, spec.match_conditions)
        };
        validate_spec(self, of(self) == of(old))
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = self.spec.clone().unwrap_or_default();
        vec![
            columns::name(&self.metadata),
            Tree::from(spec.mutations.or_empty().len()),
            policy::param_kind_cell(spec.param_kind.as_ref()),
            columns::age(&self.metadata, now),
        ]
    }
}

/// What is wrong with the operations of rules for objects that are to be changed.
pub(super) fn validate_operations(
    errors: &mut Errors,
    at: &At<'_>,
    resources: Option<&MatchResources>,
) {
    let rules = resources.map(|resources| resources.resource_rules.or_empty()).unwrap_or_default();
    let at = at.field("resourceRules.operations");
    for operation in rules.iter().flat_map(|rule| rule.operations.or_empty()) {
        errors.one_of(&at, operation, OPERATIONS);
    }
}

/// Those that have an object to change.
const OPERATIONS: &[&str] = &["*", "CONNECT", "CREATE", "UPDATE"];

fn validate_spec(policy: &MutatingAdmissionPolicy, conditions_are_old: bool) -> Vec<FieldError> {
    let mut errors = Errors::new();
    let spec = policy.spec.clone().unwrap_or_default();
    let shared = Shared {
        failure_policy: spec.failure_policy.as_ref(),
        param_kind: spec.param_kind.as_ref(),
        match_constraints: spec.match_constraints.as_ref(),
        match_conditions: spec.match_conditions.or_empty(),
        variables: spec.variables.or_empty(),
    };
    let composer = policy::validate(&mut errors, &shared, true, conditions_are_old);
    let at = SPEC.field("matchConstraints");
    validate_operations(&mut errors, &at, spec.match_constraints.as_ref());
    let all = SPEC.field("mutations");
    let mutations = spec.mutations.or_empty();
    if mutations.is_empty() {
        errors.required(&all, "mutations must contain at least one item");
    }
    for (index, mutation) in mutations.iter().enumerate() {
        validate_mutation(&mut errors, &all.index(index), mutation, &composer);
    }
    let reinvocation = spec.reinvocation_policy.or_empty();
    let at = SPEC.field("reinvocationPolicy");
    errors.required_one_of(&at, reinvocation, webhook::REINVOCATION_POLICIES);
    errors.into_list()
}

fn validate_mutation(errors: &mut Errors, at: &At<'_>, mutation: &Mutation, composer: &Composer) {
    let kind = mutation.patch_type.as_str();
    if !errors.required_one_of(&at.field("patchType"), kind, PATCH_TYPES) {
        return;
    }
    let apply = mutation.apply_configuration.as_ref().map(|it| it.expression.or_empty());
    let patch = mutation.json_patch.as_ref().map(|it| it.expression.or_empty());
    let (name, given, purpose, other, other_given) = if kind == "JSONPatch" {
        ("jsonPatch", patch, Purpose::JsonPatch, "applyConfiguration", apply)
    } else {
        ("applyConfiguration", apply, Purpose::ApplyConfiguration, "jsonPatch", patch)
    };
    let given_at = at.field(name);
    match given {
        None => errors.required(&given_at, format!("must be specified when patchType is {kind}")),
        Some(text) => {
            let expression_at = given_at.field("expression");
            if text.trim().is_empty() {
                errors.required(&expression_at, "");
            } else if let Err(detail) = composer.compile(text, purpose) {
                errors.invalid(&expression_at, text, detail);
            }
        }
    }
    if other_given.is_some() {
        let detail = format!("must not be specified when patchType is {kind}");
        errors.invalid(&at.field(other), format!("{{{other}}}"), detail);
    }
}
