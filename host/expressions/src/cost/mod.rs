//! What evaluating an expression may cost at most, told before it is evaluated from how large values may be.
//!
//! Definitions of custom kinds are refused for it, so that the numbers are those of Kubernetes.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#resource-use-by-validation-functions>.

mod calls;
mod range;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::environment::Environment;
use crate::program::{Node, Program};

/// How large a value may be, and its parts.
#[derive(Clone, Debug, Default)]
pub struct Extent {
    /// Characters of a text, items of a list, entries of a map. Zero for what has no size.
    pub max: u64,
    pub parts: Parts,
}

/// The parts of a value.
#[derive(Clone, Debug, Default)]
pub enum Parts {
    #[default]
    None,
    Items(Arc<Extent>),
    /// The keys of a map and its values.
    Entries(Arc<Extent>, Arc<Extent>),
    Fields(BTreeMap<Arc<str>, Extent>),
}

impl Program {
    /// What an evaluation may cost at most, where every variable is as large as `extent` says.
    pub fn cost_max(&self, environment: &Environment, extent: &Extent) -> u64 {
        walk::cost_max(&self.root, environment, extent)
    }

    /// Whether the program looks at a variable.
    pub fn names(&self, variable: &str) -> bool {
        names(&self.root, variable)
    }
}

fn names(node: &Node, variable: &str) -> bool {
    let inside = |node: &Node| names(node, variable);
    match node {
        Node::Global(name) => **name == *variable,
        Node::Literal(_) | Node::Composed(_) | Node::Local(_) | Node::Taken(_) => false,
        Node::Select { of, .. } | Node::NotStrictlyFalse(of) => inside(of),
        Node::Index { of, index, .. } => inside(of) || inside(index),
        Node::And(left, right) | Node::Or(left, right) | Node::Equal { left, right, .. } => {
            inside(left) || inside(right)
        }
        Node::Conditional(condition, then, otherwise) => {
            inside(condition) || inside(then) || inside(otherwise)
        }
        Node::Call { args, .. } => args.iter().any(inside),
        Node::List(items) => items.iter().any(|(item, _)| inside(item)),
        Node::Map(entries) => entries.iter().any(|(key, value, _)| inside(key) || inside(value)),
        Node::Record { fields, .. } => fields.iter().any(|(_, value, _)| inside(value)),
        Node::Comprehension(of) => {
            [&of.over, &of.init, &of.going, &of.step, &of.result].into_iter().any(inside)
        }
    }
}

#[cfg(test)]
mod tests;
