//! What may stand in a schema at all, and how its parts must fit together.
//!
//! Rules (`x-kubernetes-validations`) are compiled only where nothing else is wrong at their place or below: what is told about them would
//! change with the schema.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, JSONSchemaPropsOrStringArray,
};
use meta::field::FieldError;

use super::list_types;
use super::ratchet::Options;
use super::rules::{self, Costs, Position};
use crate::check::{At, Errors};
use crate::wire::OrEmpty;

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];

/// Checks the schema of a version. `costs` is missing where rules are not looked at.
pub(super) fn check(
    at: &At<'_>,
    schema: &JSONSchemaProps,
    options: &Options,
    costs: Option<&mut Costs>,
) -> Vec<FieldError> {
    let mut walk = Walk { options, schema: Errors::new(), rules: Errors::new(), costs };
    walk.node(at, schema, Scope::default(), Some(Position::root()));
    let mut errors = walk.schema.into_list();
    errors.extend(walk.rules.into_list());
    errors
}

/// Whether a schema is of a type that does not exist.
pub(super) fn has_unknown_type(schema: &JSONSchemaProps) -> bool {
    let ty = schema.type_.or_empty();
    !ty.is_empty() && !TYPES.contains(&ty)
}

/// What was said further out.
#[derive(Clone, Copy, Default)]
struct Scope<'a> {
    inside: bool,
    /// Why there may be no defaults.
    no_defaults: Option<&'a str>,
    inside_metadata: bool,
    /// From where on old values cannot be found again.
    lost: Option<&'a At<'a>>,
}

struct Walk<'a, 'c> {
    options: &'a Options,
    schema: Errors,
    rules: Errors,
    costs: Option<&'c mut Costs>,
}

impl Walk<'_, '_> {
    /// `position` is missing under `allOf` and its like, where rules are not looked at.
    fn node(
        &mut self,
        at: &At<'_>,
        schema: &JSONSchemaProps,
        scope: Scope<'_>,
        position: Option<Position>,
    ) {
        let before = self.schema.len();
        self.supported(at, schema, scope);
        let within = position.map(|position| position.within(schema));
        self.additional(at, schema, scope, within);
        self.properties(at, schema, scope, within);
        self.alternatives(at, schema, scope);
        self.items(at, schema, scope, within);
        for (name, dependency) in schema.dependencies.iter().flatten() {
            if let JSONSchemaPropsOrStringArray::Schema(inner) = dependency {
                let inner_at = at.field("dependencies");
                self.node(&inner_at.key(name), inner, scope.further(), None);
            }
        }
        self.extensions(at, schema);
        list_types::check(&mut self.schema, at, schema, self.options);
        rules::check(&mut self.schema, at, schema);
        let sound = self.schema.len() == before;
        if let (true, Some(position), Some(costs)) = (sound, position, &mut self.costs) {
            let place = rules::Place { at, schema, lost: scope.lost, is_root: !scope.inside };
            rules::compile(&mut self.rules, &place, position, costs);
        }
    }

    fn supported(&mut self, at: &At<'_>, schema: &JSONSchemaProps, scope: Scope<'_>) {
        let (errors, ty) = (&mut self.schema, schema.type_.or_empty());
        if self.options.requires_known_types && !ty.is_empty() {
            errors.one_of(&at.field("type"), ty, TYPES);
        }
        if let (Some(_), Some(reason)) = (&schema.default, scope.no_defaults) {
            errors.forbidden(&at.field("default"), format!("must not be set {reason}"));
        }
        let several = matches!(&schema.items, Some(JSONSchemaPropsOrArray::Schemas(items)) if !items.is_empty());
        let forbidden = [
            ("id", !schema.id.is_unset(), "id is not supported"),
            (
                "additionalItems",
                schema.additional_items.is_some(),
                "additionalItems is not supported",
            ),
            (
                "patternProperties",
                !schema.pattern_properties.is_unset(),
                "patternProperties is not supported",
            ),
            ("definitions", !schema.definitions.is_unset(), "definitions is not supported"),
            ("dependencies", schema.dependencies.is_some(), "dependencies is not supported"),
            ("$ref", schema.ref_path.is_some(), "$ref is not supported"),
            ("type", ty == "null", "type cannot be set to null, use nullable as an alternative"),
            ("items", several, "items must be a schema object and not an array"),
            (
                "x-kubernetes-embedded-resource",
                scope.inside_metadata && schema.x_kubernetes_embedded_resource == Some(true),
                "must not be used inside of resource meta",
            ),
            (
                "uniqueItems",
                schema.unique_items == Some(true),
                "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
            ),
        ];
        for (field, is_said, detail) in forbidden {
            if is_said {
                errors.forbidden(&at.field(field), detail);
            }
        }
    }

    fn additional(
        &mut self,
        at: &At<'_>,
        schema: &JSONSchemaProps,
        scope: Scope<'_>,
        within: Option<Position>,
    ) {
        let Some(rest) = &schema.additional_properties else { return };
        let rest_at = at.field("additionalProperties");
        let is_open = *rest == JSONSchemaPropsOrBool::Bool(true);
        if !schema.properties.is_unset() && !is_open {
            let detail = "additionalProperties and properties are mutual exclusive";
            self.schema.forbidden(&rest_at, detail);
        }
        if let JSONSchemaPropsOrBool::Schema(rest) = rest {
            let mut scope = scope.further();
            if scope.inside_metadata {
                scope.no_defaults = Some("inside additionalProperties applying to object metadata");
            }
            self.node(&rest_at, rest, scope, within);
        }
    }

    fn properties(
        &mut self,
        at: &At<'_>,
        schema: &JSONSchemaProps,
        scope: Scope<'_>,
        within: Option<Position>,
    ) {
        let is_root = !scope.inside;
        let is_resource = is_root || schema.x_kubernetes_embedded_resource == Some(true);
        let found_again =
            matches!(schema.x_kubernetes_map_type.as_deref(), None | Some("granular" | "atomic"));
        let all = at.field("properties");
        for (name, property) in schema.properties.or_empty() {
            let mut inner = scope.further();
            if !found_again && inner.lost.is_none() {
                inner.lost = Some(at);
            }
            let reason = format!("in top-level {name}");
            if is_resource && matches!(name.as_str(), "metadata" | "kind" | "apiVersion") {
                inner.inside_metadata = true;
                if is_root {
                    inner.no_defaults = Some(&reason);
                }
            }
            self.node(&all.key(name), property, inner, within);
        }
    }

    fn alternatives(&mut self, at: &At<'_>, schema: &JSONSchemaProps, scope: Scope<'_>) {
        let scope = scope.further();
        if let Some(not) = &schema.not {
            self.node(&at.field("not"), not, scope, None);
        }
        let several =
            [("allOf", &schema.all_of), ("oneOf", &schema.one_of), ("anyOf", &schema.any_of)];
        for (name, inner) in several {
            let all = at.field(name);
            for (index, inner) in inner.or_empty().iter().enumerate() {
                self.node(&all.index(index), inner, scope, None);
            }
        }
        let all = at.field("definitions");
        for (name, inner) in schema.definitions.or_empty() {
            self.node(&all.key(name), inner, scope, None);
        }
    }

    fn items(
        &mut self,
        at: &At<'_>,
        schema: &JSONSchemaProps,
        scope: Scope<'_>,
        within: Option<Position>,
    ) {
        let mut inner = scope.further();
        if schema.x_kubernetes_list_type.as_deref() != Some("map") && inner.lost.is_none() {
            inner.lost = Some(at);
        }
        let items_at = at.field("items");
        match &schema.items {
            Some(JSONSchemaPropsOrArray::Schema(item)) => {
                self.node(&items_at, item, inner, within);
            }
            Some(JSONSchemaPropsOrArray::Schemas(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.node(&items_at.index(index), item, inner, within);
                }
            }
            None => {}
        }
    }

    fn extensions(&mut self, at: &At<'_>, schema: &JSONSchemaProps) {
        let (errors, ty) = (&mut self.schema, schema.type_.or_empty());
        if schema.x_kubernetes_preserve_unknown_fields == Some(false) {
            let at = at.field("x-kubernetes-preserve-unknown-fields");
            errors.invalid(&at, false, "must be true or undefined");
        }
        if let Some(kind) = &schema.x_kubernetes_map_type {
            if ty != "object" {
                let detail = "must be object if x-kubernetes-map-type is specified";
                list_types::wrong_type(errors, &at.field("type"), ty, detail);
            }
            errors.one_of(&at.field("x-kubernetes-map-type"), kind, &["atomic", "granular"]);
        }
    }
}

impl Scope<'_> {
    const fn further(self) -> Self {
        Self { inside: true, ..self }
    }
}
