//! What is wrong with a policy's expressions when the types of the resources that it is about are known.
//!
//! A policy is accepted although an expression does not fit a resource, since it may be about several: the findings are warnings in its status.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use expressions::admission::{self, Offered};
use expressions::{Environment, Fields, Struct, Type};
use k8s_openapi::api::admissionregistration::v1::{
    ExpressionWarning, MatchResources, ParamKind, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicySpec,
};
use meta::schema::{Schema, StructId, TypeRef, Unknown};
use meta::{GroupVersion, GroupVersionKind};

use crate::AnyKind;
use crate::wire::OrEmpty;

/// Expressions are compared with so many types.
const TYPES_MAX: usize = 10;

/// What does not fit, for each expression in its order.
#[must_use]
pub fn expression_warnings(policy: &ValidatingAdmissionPolicy) -> Vec<ExpressionWarning> {
    let spec = policy.spec.clone().unwrap_or_default();
    let mut types = Types::default();
    let params = spec.param_kind.as_ref().map(|kind| types.of_params(kind));
    let mut found: Vec<ExpressionWarning> = Vec::new();
    for (gvk, kind) in meant(spec.match_constraints.as_ref()) {
        let object = types.of(kind.type_ref());
        let environment = environment(&spec, &object, params.as_ref());
        for (at, text) in texts(&spec) {
            let Err(issues) = environment.compile(text) else { continue };
            let warning = format!("{}, Kind={}: {issues}\n", gvk.group_version(), gvk.kind);
            match found.iter_mut().find(|known| known.field_ref == at) {
                Some(known) => known.warning = format!("{}\n{warning}", known.warning),
                None => found.push(ExpressionWarning { field_ref: at, warning }),
            }
        }
    }
    found
}

/// The expressions that are checked, with their places.
fn texts(spec: &ValidatingAdmissionPolicySpec) -> impl Iterator<Item = (String, &str)> {
    spec.validations.or_empty().iter().enumerate().flat_map(|(index, validation)| {
        let expression = (format!("spec.validations[{index}].expression"), &*validation.expression);
        let message = validation.message_expression.as_deref().filter(|text| !text.is_empty());
        let message =
            message.map(|text| (format!("spec.validations[{index}].messageExpression"), text));
        std::iter::once(expression).chain(message)
    })
}

/// The kinds that the rules name without leaving anything open.
fn meant(resources: Option<&MatchResources>) -> BTreeMap<GroupVersionKind, &'static dyn AnyKind> {
    let rules = resources.into_iter().flat_map(|resources| resources.resource_rules.or_empty());
    let mut named = BTreeSet::new();
    for rule in rules {
        for group in rule.api_groups.or_empty() {
            for version in rule.api_versions.or_empty() {
                let resources = rule.resources.or_empty().iter();
                named.extend(
                    resources.map(|resource| (group.as_str(), version.as_str(), resource.as_str())),
                );
            }
        }
    }
    let found = named.into_iter().filter_map(|(group, version, resource)| {
        let kind = crate::find(group, version, resource)?;
        Some((kind.info().gvk(), kind))
    });
    found.take(TYPES_MAX).collect()
}

fn environment(
    spec: &ValidatingAdmissionPolicySpec,
    object: &Type,
    params: Option<&Type>,
) -> Environment {
    let offered = Offered { params: params.is_some(), authorizer: true, patches: false };
    let mut environment = admission::environment(offered)
        .with("object", object.clone())
        .with("oldObject", object.clone());
    if let Some(params) = params {
        environment = environment.with("params", params.clone());
    }
    let variables = spec.variables.or_empty();
    if !variables.is_empty() {
        environment = environment.with_composed();
    }
    for variable in variables {
        let compiled = environment.compile(&variable.expression);
        let ty = compiled.map_or(Type::Dyn, |program| program.result().clone());
        environment.compose(&variable.name, ty);
    }
    environment
}

/// The shapes of wire types as types of expressions.
#[derive(Default)]
struct Types {
    known: BTreeMap<StructId, Type>,
    /// Types that contain each other end in what is only known at run time.
    open: BTreeSet<StructId>,
}

impl Types {
    fn of_params(&mut self, kind: &ParamKind) -> Type {
        let version = GroupVersion::parse(kind.api_version.or_empty()).unwrap_or_default();
        let gvk = version.with_kind(kind.kind.or_empty().to_owned());
        crate::find_kind(&gvk).map_or(Type::Dyn, |kind| self.of(kind.type_ref()))
    }

    fn of(&mut self, ty: &TypeRef) -> Type {
        match ty {
            TypeRef::Struct(id) => self.of_struct(*id, crate::schema()),
            TypeRef::List(item) => Type::list(self.of(item)),
            TypeRef::Map(value) => Type::map(Type::String, self.of(value)),
            TypeRef::String | TypeRef::Quantity | TypeRef::Duration => Type::String,
            TypeRef::Bool => Type::Bool,
            TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint32 | TypeRef::Uint64 => Type::Int,
            TypeRef::Float32 | TypeRef::Float64 | TypeRef::Number => Type::Double,
            TypeRef::Bytes => Type::Bytes,
            TypeRef::Time | TypeRef::MicroTime => Type::Timestamp,
            TypeRef::IntOrString | TypeRef::Any => Type::Dyn,
        }
    }

    fn of_struct(&mut self, id: StructId, schema: &Schema) -> Type {
        if let Some(known) = self.known.get(&id) {
            return known.clone();
        }
        let Some(ty) = schema.get(id).filter(|_| self.open.insert(id)) else { return Type::Dyn };
        let fields: BTreeMap<Arc<str>, Type> =
            ty.fields().iter().map(|field| (Arc::from(&*field.name), self.of(&field.ty))).collect();
        self.open.remove(&id);
        let closed = ty.unknown == Unknown::Prune && !fields.is_empty();
        let made = if closed {
            Type::Struct(Arc::new(Struct {
                name: Arc::from(&*ty.openapi_name),
                fields: Fields::Known(fields),
            }))
        } else {
            Type::Dyn
        };
        self.known.insert(id, made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn warnings(validation: serde_json::Value) -> Vec<(String, String)> {
        let policy = serde_json::from_value(json!({
            "metadata": {},
            "spec": {
                "paramKind": { "apiVersion": "v1", "kind": "ConfigMap" },
                "matchConstraints": { "resourceRules": [{
                    "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments", "deployments/scale", "*"],
                }] },
                "variables": [{ "name": "replicas", "expression": "object.spec.replicas" }],
                "validations": [validation],
            },
        }));
        let policy = policy.expect("a policy");
        let found = expression_warnings(&policy);
        found.into_iter().map(|found| (found.field_ref, found.warning)).collect()
    }

    #[test]
    fn expressions_are_compared_with_the_types_of_the_rules() {
        assert_eq!(
            warnings(
                json!({ "expression": "variables.replicas > 1 && 'a' in params.data && object.metadata.labels.a == ''" })
            ),
            []
        );
        assert_eq!(
            warnings(json!({ "expression": "object.replicas > 1", "messageExpression": "string(variables.replicas) + 1" })),
            [
                (
                    "spec.validations[0].expression".to_owned(),
                    "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n".to_owned(),
                ),
                (
                    "spec.validations[0].messageExpression".to_owned(),
                    "apps/v1, Kind=Deployment: ERROR: <input>:1:28: found no matching overload for '_+_' applied to '(string, int)'\n \
                     | string(variables.replicas) + 1\n | ...........................^\n"
                        .to_owned(),
                ),
            ]
        );
    }
}
