//! The schema of one version of a custom kind, compiled for use.
//!
//! A definition brings an `OpenAPI` schema. From it come the shape that drives decoding, patches and field ownership, the defaults, what is
//! pruned, and what is valid.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use meta::Tree;
use meta::field::FieldError;
use meta::schema::{Schema, TypeRef};

/// The schema of one version of a custom kind, ready for use.
#[derive(Debug)]
pub struct CustomSchema {
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
    pub fn compile(_schema: Option<&JSONSchemaProps>) -> Self {
        todo!()
    }

    /// The shape of objects.
    #[must_use]
    pub const fn shape(&self) -> (&Schema, &TypeRef) {
        (&self.shape, &self.root)
    }

    /// Drops fields that the schema does not declare. Returns the paths of what was dropped, in order.
    pub fn prune(&self, _tree: &mut Tree) -> Vec<String> {
        todo!()
    }

    /// Fills in declared defaults. Nulls where none may be give way to the default, or vanish.
    pub fn set_defaults(&self, _tree: &mut Tree) {
        todo!()
    }

    /// What is wrong with a new object, or with one that replaces `old`.
    #[must_use]
    pub fn validate(&self, _tree: &Tree, _old: Option<&Tree>) -> Found {
        todo!()
    }

    /// What is wrong with an object whose status replaces that of `old`.
    #[must_use]
    pub fn validate_status(&self, _tree: &Tree, _old: &Tree) -> Found {
        todo!()
    }
}
