//! The schema of one version of a custom kind, compiled for use.
//!
//! A definition brings an `OpenAPI` schema. From it come the shape that drives patches and field ownership, the defaults, what is pruned, and
//! what is valid. An object takes this way: [`CustomSchema::prune`] and [`CustomSchema::coerce_embedded`] when it is decoded, then
//! [`CustomSchema::set_defaults`], and after admission [`CustomSchema::validate`].
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>.

pub(crate) mod correlate;
pub(crate) mod defaults;
pub(crate) mod embedded;
pub(crate) mod formats;
pub(crate) mod lists;
pub(crate) mod node;
pub(crate) mod numbers;
pub(crate) mod prune;
mod shape;
pub(crate) mod values;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use meta::Tree;
use meta::field::{BadValue, ErrorKind, FieldError};
use meta::schema::{Schema, TypeRef};

use super::rules::{self, RuleTree, Run, Unchanged};
use correlate::Pair;
use node::Node;
use values::{Place, Subject};

/// The schema of one version of a custom kind, ready for use.
#[derive(Debug)]
pub struct CustomSchema {
    /// None where everything is kept and nothing checked.
    node: Option<Node>,
    rules: Option<RuleTree>,
    shape: Schema,
    root: TypeRef,
}

/// What is wrong with an object, and what its writer is told besides.
#[derive(Debug, Default)]
pub struct Found {
    pub errors: Vec<FieldError>,
    pub warnings: Vec<String>,
}

impl CustomSchema {
    /// From a definition that was found valid when it was written. Without a schema everything is kept.
    #[must_use]
    pub fn compile(schema: Option<&JSONSchemaProps>) -> Self {
        let node = schema.map(Node::compile);
        let (shape, root) = shape::build(node.as_ref());
        let rules = node.as_ref().and_then(|node| RuleTree::compile(node, true));
        Self { node, rules, shape, root }
    }

    /// The shape of objects.
    #[must_use]
    pub const fn shape(&self) -> (&Schema, &TypeRef) {
        (&self.shape, &self.root)
    }

    /// Drops fields that the schema does not declare, and nulls of fields that may not be null and have no default. Returns the paths of
    /// undeclared fields, sorted. Numbers without a fraction become integers.
    pub fn prune(&self, tree: &mut Tree) -> Vec<String> {
        numbers::normalize(tree);
        let Some(node) = &self.node else { return Vec::new() };
        let dropped = prune::prune(tree, node, true);
        defaults::drop_nulls(tree, Some(node));
        dropped
    }

    /// Brings the metadata of objects inside the object into its form. Returns the paths of what was dropped there, sorted, or why an object
    /// cannot be decoded.
    pub fn coerce_embedded(&self, tree: &mut Tree) -> Result<Vec<String>, FieldError> {
        self.node
            .as_ref()
            .map_or_else(|| Ok(Vec::new()), |node| embedded::coerce(tree, node, false, None))
    }

    /// Fills in declared defaults, also in place of nulls where none may be.
    pub fn set_defaults(&self, tree: &mut Tree) {
        if let Some(node) = &self.node {
            defaults::fill(tree, node);
        }
    }

    /// What is wrong with a new object, or with one that replaces `old`.
    #[must_use]
    pub fn validate(&self, tree: &Tree, old: Option<&Tree>) -> Found {
        self.validate_after(Vec::new(), tree, old)
    }

    /// [`CustomSchema::validate`] after other checks, whose errors come first.
    #[must_use]
    pub fn validate_after(
        &self,
        mut errors: Vec<FieldError>,
        tree: &Tree,
        old: Option<&Tree>,
    ) -> Found {
        let Some(node) = &self.node else { return Found { errors, warnings: Vec::new() } };
        let pair = old.map(|old| Pair::new(tree, old, node));
        errors.extend(values::check(Subject { value: tree, node, pair }, Place::default()));
        errors.extend(embedded::check(tree, node, false, None));
        // What was wrong with lists may stay so.
        if old.is_none_or(|old| lists::check(old, node).is_empty()) {
            errors.extend(lists::check(tree, node));
        }
        self.rules(errors, tree, old)
    }

    /// What is wrong with an object whose status replaces that of `old`.
    #[must_use]
    pub fn validate_status(&self, tree: &Tree, old: &Tree) -> Found {
        self.validate_status_after(Vec::new(), tree, old)
    }

    /// [`CustomSchema::validate_status`] after other checks, whose errors come first.
    #[must_use]
    pub fn validate_status_after(
        &self,
        mut errors: Vec<FieldError>,
        tree: &Tree,
        old: &Tree,
    ) -> Found {
        let Some(node) = &self.node else { return Found { errors, warnings: Vec::new() } };
        if let (Some(value), Some(status)) = (tree.get("status"), node.properties.get("status")) {
            let pair = old.get("status").map(|old| Pair::new(value, old, status));
            let place = Place { base: Some("status"), ..Place::default() };
            errors.extend(values::check(Subject { value, node: status, pair }, place));
        }
        if lists::check(old, node).is_empty() {
            errors.extend(lists::check(tree, node));
        }
        self.rules(errors, tree, Some(old))
    }

    /// The rules of the schema, where what they look at has the types that they count on.
    fn rules(&self, mut errors: Vec<FieldError>, new: &Tree, old: Option<&Tree>) -> Found {
        let (Some(node), Some(rules)) = (&self.node, &self.rules) else {
            return Found { errors, warnings: Vec::new() };
        };
        if errors.iter().any(|error| blocks_rules(error.kind)) {
            errors.push(not_all_checked());
            return Found { errors, warnings: Vec::new() };
        }
        let unchanged = Unchanged::root(old.map(|old| Pair::new(new, old, node)));
        let mut run = Run::default();
        run.check(rules, rules::Subject { new, old, node, is_resource: true, unchanged }, None);
        errors.extend(run.found.errors);
        Found { errors, warnings: run.found.warnings }
    }
}

/// Whether an error leaves it open what rules would find.
fn blocks_rules(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotSupported
            | ErrorKind::Required
            | ErrorKind::TooLong
            | ErrorKind::TooMany
            | ErrorKind::TypeInvalid
    )
}

fn not_all_checked() -> FieldError {
    FieldError {
        kind: ErrorKind::Invalid,
        path: values::NOWHERE.to_owned(),
        detail: "some validation rules were not checked because the object was invalid; correct \
                 the existing errors to complete validation"
            .to_owned(),
        value: BadValue::null(),
    }
}

#[cfg(test)]
mod tests;
