//! `ValidatingAdmissionPolicy`: expressions that requests must satisfy.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>.

use std::collections::BTreeSet;

use expressions::admission::{Composer, Purpose};
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    AuditAnnotation, ExpressionWarning, ValidatingAdmissionPolicy, ValidatingAdmissionPolicySpec,
    Validation,
};
use meta::Tree;
use meta::field::FieldError;

use super::match_resources;
use super::policy::{self, SPEC, Shared};
use crate::check::{At, Errors, json};
use crate::columns::{self, Column};
use crate::wire::{OrEmpty, default_absent};
use crate::{Generation, Kind, KindInfo, conditions, label_selector};

const REASONS: &[&str] = &["Forbidden", "Invalid", "RequestEntityTooLarge"];
const AUDIT_ANNOTATIONS_MAX: usize = 20;
const VALUE_EXPRESSION_BYTES_MAX: usize = 5 * 1024;

impl Kind for ValidatingAdmissionPolicy {
    const INFO: KindInfo = KindInfo {
        singular: "validatingadmissionpolicy",
        categories: &["api-extensions"],
        type_name: "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy",
        status: true,
        status_keeps_metadata: true,
        generation: Generation::Spec,
        unconditional_update: false,
        columns: &[
            columns::NAME,
            Column::text(
                "Validations",
                "Validations indicates the number of validation rules defined in this configuration",
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

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        conditions::mark_missing_times(tree.pointer_mut("/status/conditions"));
    });

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

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let status = At::root("status");
        let given = self.status.clone().unwrap_or_default();
        let at = status.field("typeChecking");
        let all = at.field("expressionWarnings");
        let warnings = given.type_checking.unwrap_or_default().expression_warnings;
        for (index, warning) in warnings.or_empty().iter().enumerate() {
            validate_warning(&mut errors, &all.index(index), warning);
        }
        conditions::validate(&mut errors, &status.field("conditions"), given.conditions.or_empty());
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = self.spec.clone().unwrap_or_default();
        vec![
            columns::name(&self.metadata),
            Tree::from(spec.validations.or_empty().len()),
            policy::param_kind_cell(spec.param_kind.as_ref()),
            columns::age(&self.metadata, now),
        ]
    }
}

fn validate_warning(errors: &mut Errors, at: &At<'_>, warning: &ExpressionWarning) {
    if warning.warning.is_empty() {
        errors.required(&at.field("warning"), "");
    }
    if warning.field_ref.trim().is_empty() {
        errors.required(&at.field("fieldRef"), "");
    }
}

fn validate_spec(policy: &ValidatingAdmissionPolicy, conditions_are_old: bool) -> Vec<FieldError> {
    let mut errors = Errors::new();
    let spec = policy.spec.clone().unwrap_or_default();
    let shared = Shared {
        failure_policy: spec.failure_policy.as_ref(),
        param_kind: spec.param_kind.as_ref(),
        match_constraints: spec.match_constraints.as_ref(),
        match_conditions: spec.match_conditions.or_empty(),
        variables: spec.variables.or_empty(),
    };
    let composer = policy::validate(&mut errors, &shared, false, conditions_are_old);
    validate_rules(&mut errors, policy.metadata.name.or_empty(), &spec, &composer);
    errors.into_list()
}

fn validate_rules(
    errors: &mut Errors,
    name: &str,
    spec: &ValidatingAdmissionPolicySpec,
    composer: &Composer,
) {
    let (validations, annotations) = (SPEC.field("validations"), SPEC.field("auditAnnotations"));
    let (rules, notes) = (spec.validations.or_empty(), spec.audit_annotations.or_empty());
    if rules.is_empty() && notes.is_empty() {
        let detail = "validations or auditAnnotations must contain at least one item";
        errors.required(&validations, detail);
        errors.required(&annotations, detail);
    }
    for (index, validation) in rules.iter().enumerate() {
        validate_validation(errors, &validations.index(index), validation, composer);
    }
    if notes.len() > AUDIT_ANNOTATIONS_MAX {
        let detail = format!("must not have more than {AUDIT_ANNOTATIONS_MAX} auditAnnotations");
        errors.invalid(&annotations, json(&notes), detail);
    }
    let mut keys = BTreeSet::new();
    for (index, note) in notes.iter().enumerate() {
        let at = annotations.index(index);
        validate_annotation(errors, &at, name, note, composer);
        if !keys.insert(&note.key) {
            errors.duplicate(&at.field("key"), &note.key);
        }
    }
}

fn validate_validation(
    errors: &mut Errors,
    at: &At<'_>,
    validation: &Validation,
    composer: &Composer,
) {
    let expression = at.field("expression");
    policy::validate_expression(
        errors,
        &expression,
        &validation.expression,
        Purpose::Condition,
        composer,
    );
    let (text, message_at) =
        (validation.message_expression.or_empty(), at.field("messageExpression"));
    if !text.is_empty() && text.trim().is_empty() {
        errors.invalid(&message_at, text, "must be non-empty if specified");
    } else if !text.is_empty() {
        policy::validate_expression(errors, &message_at, text, Purpose::Message, composer);
    }
    let (message, message_at) = (validation.message.or_empty(), at.field("message"));
    if !message.is_empty() && message.trim().is_empty() {
        errors.invalid(&message_at, message, "must be non-empty if specified");
    } else if message.trim().contains(['\n', '\r']) {
        errors.invalid(&message_at, message, "must not contain line breaks");
    }
    if let Some(reason) = &validation.reason {
        errors.one_of(&at.field("reason"), reason, REASONS);
    }
}

fn validate_annotation(
    errors: &mut Errors,
    at: &At<'_>,
    name: &str,
    note: &AuditAnnotation,
    composer: &Composer,
) {
    let key_at = at.field("key");
    if name.is_empty() {
        errors.invalid(&key_at, &note.key, "requires metadata.name be non-empty");
    } else {
        label_selector::label_name(errors, &key_at, &format!("{name}/{}", note.key));
    }
    let value_at = at.field("valueExpression");
    let text = note.value_expression.trim();
    if text.is_empty() {
        errors.required(&value_at, "valueExpression is not specified");
    } else if text.len() > VALUE_EXPRESSION_BYTES_MAX {
        let detail = format!("must not exceed {VALUE_EXPRESSION_BYTES_MAX} bytes in length");
        errors.required(&value_at, detail);
    } else if let Err(detail) = composer.compile(text, Purpose::AuditAnnotation) {
        errors.invalid(&value_at, &note.value_expression, detail);
    }
}
