//! Validation rules: expressions that objects of custom kinds must make true.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules>.

mod compiled;
pub(crate) mod declare;
mod evaluate;
mod names;
mod value;

use meta::Tree;
use meta::field::{FieldError, Path};

pub(crate) use compiled::{Environments, OLD_SELF, RuleTree};
pub(crate) use evaluate::{Run, Subject, Unchanged};

use crate::custom::schema::node::Node;

/// What the rules of all defaults of a definition may cost.
#[derive(Debug, Default)]
pub(crate) struct Budget(Run);

impl Budget {
    pub(crate) const fn is_spent(&self) -> bool {
        self.0.is_over
    }

    /// Checks a default as a value that was there before, and then as a new one.
    pub(crate) fn check_default(
        &mut self,
        new: &Tree,
        node: &Node,
        is_resource: bool,
        path: &Path,
    ) -> Vec<FieldError> {
        let Some(tree) = RuleTree::compile(node, is_resource) else { return Vec::new() };
        for old in [Some(new), None] {
            let unchanged = Unchanged::default();
            let subject = Subject { new, old, node, is_resource, unchanged };
            self.0.check(&tree, subject, Some(path));
            let found = std::mem::take(&mut self.0.found);
            if !found.errors.is_empty() || self.0.is_over {
                return found.errors;
            }
        }
        Vec::new()
    }
}
