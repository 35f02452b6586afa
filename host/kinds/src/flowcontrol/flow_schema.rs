//! `FlowSchema`: which requests share a priority level, and what tells their flows apart.
//!
//! See <https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#flowschema>.

use jiff::Timestamp;
use k8s_openapi::api::flowcontrol::v1::{
    FlowSchema, FlowSchemaSpec, PriorityLevelConfigurationReference,
};
use meta::field::FieldError;
use meta::{Tree, names};

use super::{bootstrap, condition, rule};
use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo, internal};

impl Kind for FlowSchema {
    const INFO: KindInfo = KindInfo {
        singular: "flowschema",
        type_name: "io.k8s.api.flowcontrol.v1.FlowSchema",
        status: true,
        status_keeps_metadata: true,
        generation: Generation::Spec,
        columns: &[
            columns::NAME,
            Column::of::<PriorityLevelConfigurationReference>("PriorityLevel", "name"),
            Column::of::<FlowSchemaSpec>("MatchingPrecedence", "matchingPrecedence"),
            Column::of::<FlowSchemaSpec>("DistinguisherMethod", "distinguisherMethod"),
            columns::AGE,
            Column::text(
                "MissingPL",
                "references a broken or non-existent PriorityLevelConfiguration",
            ),
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        let precedence = &mut self.spec.matching_precedence;
        if precedence.unwrap_or_default() == 0 {
            *precedence = Some(1000);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Kind::validate(self)
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let conditions = self.status.iter().flat_map(|status| status.conditions.or_empty());
        condition::validate(&mut errors, conditions.map(|condition| &condition.type_));
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = &self.spec;
        let method = spec.distinguisher_method.as_ref().map(|method| method.type_.as_str());
        let conditions = self.status.as_ref().map(|status| status.conditions.or_empty());
        let dangling = conditions
            .unwrap_or_default()
            .iter()
            .find(|condition| condition.type_ == "Dangling")
            .map_or("?", |condition| condition.status.or_empty());
        vec![
            columns::name(&self.metadata),
            Tree::from(spec.priority_level_configuration.name.as_str()),
            Tree::from(spec.matching_precedence.unwrap_or_default()),
            Tree::from(method.unwrap_or(columns::NONE)),
            columns::age(&self.metadata, now),
            Tree::from(dangling),
        ]
    }

    /// The first schema that matches a request counts.
    fn row_rank(&self) -> i64 {
        i64::from(self.spec.matching_precedence.unwrap_or_default())
    }
}

const SPEC: At<'static> = At::root("spec");
const METHODS: &[&str] = &["ByNamespace", "ByUser"];
const PRECEDENCE_MAX: i32 = 10_000;

fn validate_spec(errors: &mut Errors, schema: &FlowSchema) {
    let (spec, name) = (&schema.spec, schema.metadata.name.or_empty());
    precedence(errors, spec.matching_precedence.unwrap_or_default(), name);
    if let Some(method) = &spec.distinguisher_method
        && !METHODS.contains(&method.type_.as_str())
    {
        let at = SPEC.field("distinguisherMethod");
        let shown = internal::value("@FlowDistinguisherMethod", method);
        errors.not_supported(&at.field("type"), shown, METHODS);
    }
    let at = SPEC.field("priorityLevelConfiguration");
    let (at, level) = (at.field("name"), spec.priority_level_configuration.name.as_str());
    if level.is_empty() {
        errors.required(&at, "must reference a priority level");
    } else {
        errors.invalid_each(&at, level, names::is_dns1123_subdomain(level));
    }
    let rules = SPEC.field("rules");
    for (index, rule) in spec.rules.or_empty().iter().enumerate() {
        rule::validate(errors, &rules.index(index), rule);
    }
    if bootstrap::mandatory_schema(name).is_some_and(|fixed| fixed != *spec) {
        let detail = format!("spec of '{name}' must equal the fixed value");
        errors.invalid(&SPEC, internal::value("@FlowSchemaSpec", spec), detail);
    }
}

fn precedence(errors: &mut Errors, precedence: i32, name: &str) {
    let at = SPEC.field("matchingPrecedence");
    if precedence <= 0 {
        errors.invalid(&at, precedence, "must be a positive value");
    }
    if precedence > PRECEDENCE_MAX {
        errors.invalid(&at, precedence, format!("must not be greater than {PRECEDENCE_MAX}"));
    }
    if precedence == 1 && name != bootstrap::EXEMPT {
        let detail = "only the schema named 'exempt' may have matchingPrecedence 1";
        errors.invalid(&at, precedence, detail);
    }
}
