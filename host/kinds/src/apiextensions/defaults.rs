//! Defaults must be values that their schema lets pass, with nothing in them that would be pruned.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray,
};
use meta::Tree;
use meta::field::{FieldError, Path};
use serde_json::{Map, json};

use super::ratchet::Options;
use super::walk;
use crate::check::{At, Errors};
use crate::custom::rules::Budget;
use crate::custom::schema::node::Node;
use crate::custom::schema::values::{Place, Subject};
use crate::custom::schema::{embedded, numbers, prune, values};
use crate::wire::OrEmpty;

/// Checks the defaults of a whole schema.
pub(super) fn check(at: &At<'_>, schema: &JSONSchemaProps, options: &Options) -> Vec<FieldError> {
    let mut walk = Walk { options, errors: Errors::new(), budget: Budget::default() };
    let resource = Resource { schema, steps: Vec::new(), inside_metadata: false };
    walk.node(at, schema, &resource);
    walk.errors.into_list()
}

/// Whether all defaults of a schema have nothing in them that would be pruned.
pub(super) fn are_pruned(schema: &JSONSchemaProps) -> bool {
    !walk::any(schema, &mut |schema| {
        let Some(JSON(default)) = &schema.default else { return false };
        let node = Node::compile(schema);
        let mut pruned = default.clone();
        prune::prune(&mut pruned, &node, node.embedded);
        pruned != *default
    })
}

/// The innermost resource around a schema, and the way to the schema from there.
struct Resource<'a> {
    schema: &'a JSONSchemaProps,
    steps: Vec<Step<'a>>,
    inside_metadata: bool,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Item,
}

impl<'a> Resource<'a> {
    fn step(&self, step: Step<'a>, inside_metadata: bool) -> Self {
        let mut steps = self.steps.clone();
        steps.push(step);
        Self { steps, inside_metadata, ..*self }
    }

    /// An object that has nothing but this value.
    fn around(&self, value: &Tree) -> Tree {
        let mut object = value.clone();
        for step in self.steps.iter().rev() {
            object = match step {
                Step::Field(name) => Tree::Object(Map::from_iter([((*name).to_owned(), object)])),
                Step::Item => json!([object]),
            };
        }
        if let Tree::Object(fields) = &mut object {
            fields.entry("kind").or_insert_with(|| json!("Validation"));
            fields.entry("apiVersion").or_insert_with(|| json!("validation/v1"));
        }
        object
    }
}

struct Walk<'a> {
    options: &'a Options,
    errors: Errors,
    budget: Budget,
}

impl Walk<'_> {
    fn node<'a>(&mut self, at: &At<'_>, schema: &'a JSONSchemaProps, outer: &Resource<'a>) {
        let own;
        let resource = if schema.x_kubernetes_embedded_resource == Some(true) {
            own = Resource { schema, steps: Vec::new(), inside_metadata: false };
            &own
        } else {
            outer
        };
        if let Some(JSON(default)) = &schema.default {
            let mut value = default.clone();
            numbers::normalize(&mut value);
            self.default(&at.field("default"), &value, schema, resource);
        }
        if self.budget.is_spent() {
            return;
        }
        if let Some(JSONSchemaPropsOrArray::Schema(item)) = &schema.items {
            let inside = resource.step(Step::Item, resource.inside_metadata);
            self.node(&at.field("items"), item, &inside);
        }
        let is_resource = resource.steps.is_empty();
        let all = at.field("properties");
        for (name, property) in schema.properties.or_empty() {
            let inside_metadata =
                resource.inside_metadata || (is_resource && prune::is_common(name));
            let inside = resource.step(Step::Field(name), inside_metadata);
            self.node(&all.key(name), property, &inside);
        }
    }

    fn default(
        &mut self,
        at: &At<'_>,
        value: &Tree,
        schema: &JSONSchemaProps,
        resource: &Resource<'_>,
    ) {
        let node = Node::compile(schema);
        let path = Path::new(at.to_string());
        let is_resource = resource.steps.is_empty();
        let found = if resource.inside_metadata {
            let root = Node::compile(resource.schema);
            let problem = metadata_problem(resource.around(value), &root);
            problem.map(|problem| {
                let detail = format!("must result in valid metadata: {problem}");
                vec![FieldError::invalid(&path, value, detail)]
            })
        } else {
            if self.options.requires_pruned_defaults {
                let mut pruned = value.clone();
                prune::prune(&mut pruned, &node, is_resource);
                if pruned != *value {
                    self.errors.invalid(at, value, "must not have unknown fields");
                }
            }
            let mut coerced = value.clone();
            match embedded::coerce(&mut coerced, &node, is_resource, Some(&path)) {
                Err(error) => Some(vec![error]),
                Ok(_) => Some(embedded::check(value, &node, is_resource, Some(&path))),
            }
            .filter(|errors| !errors.is_empty())
        };
        if let Some(found) = found {
            self.errors.extend(found);
            return;
        }
        let place = Place { base: Some(&path.to_string()), in_definition: true };
        let found = values::check(Subject { value, node: &node, pair: None }, place);
        if found.is_empty() {
            let of_rules = self.budget.check_default(value, &node, is_resource, &path);
            self.errors.extend(of_rules);
        } else {
            self.errors.extend(found);
        }
    }
}

/// What is wrong with the metadata of an object that has the value.
fn metadata_problem(mut object: Tree, node: &Node) -> Option<String> {
    if let Err(error) = embedded::coerce(&mut object, node, true, None) {
        return Some(error.to_string());
    }
    let mut problems: Vec<String> =
        embedded::check(&object, node, true, None).iter().map(ToString::to_string).collect();
    problems.dedup();
    match problems.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("[{}]", several.join(", "))),
    }
}
