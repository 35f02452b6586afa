//! Drops what the schema does not declare.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning>.

use std::fmt::Write as _;

use meta::Tree;

use super::node::{Node, Rest};

/// More paths than these are not told.
const REPORTED_MAX: usize = 1_000;

/// Drops unknown fields and returns their paths, sorted. Where `node` is the root of a resource, or of one that is embedded, what belongs to
/// every object is kept.
pub(crate) fn prune(tree: &mut Tree, node: &Node, is_resource: bool) -> Vec<String> {
    let mut walk = Walk { path: String::new(), dropped: Vec::new() };
    walk.declared(tree, node, is_resource || node.embedded, node.preserve);
    walk.dropped.sort();
    walk.dropped
}

/// Whether a field belongs to every object.
pub(crate) fn is_common(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}

struct Walk {
    path: String,
    dropped: Vec<String>,
}

impl Walk {
    /// `keeps` says whether undeclared fields stay.
    fn declared(&mut self, value: &mut Tree, node: &Node, embedded: bool, keeps: bool) {
        match value {
            Tree::Object(fields) => fields.retain(|name, value| {
                if embedded && is_common(name) {
                    return true;
                }
                match (node.properties.get(name.as_str()), &node.rest) {
                    (Some(node), _) => self.field(name, |walk| walk.node(value, node)),
                    (None, Rest::Schema(node)) => self.field(name, |walk| walk.node(value, node)),
                    (None, Rest::Any | Rest::Forbidden) => {
                        self.field(name, |walk| walk.undeclared(value));
                    }
                    (None, Rest::Unsaid) if keeps => {}
                    (None, Rest::Unsaid) => {
                        if !is_common(name) || !self.path.is_empty() {
                            self.report(name);
                        }
                        return false;
                    }
                }
                true
            }),
            Tree::Array(items) => {
                for (index, value) in items.iter_mut().enumerate() {
                    match &node.items {
                        Some(item) => self.item(index, |walk| {
                            walk.declared(value, item, item.embedded, keeps || item.preserve);
                        }),
                        None if keeps => {}
                        None => self.item(index, |walk| walk.undeclared(value)),
                    }
                }
            }
            _ => {}
        }
    }

    fn node(&mut self, value: &mut Tree, node: &Node) {
        self.declared(value, node, node.embedded, node.preserve);
    }

    /// Nothing is known of the value: no object in it may have fields. Lists may be nested as deep as the limit allows, so that those which
    /// are not yet seen to the end stand on a list.
    fn undeclared(&mut self, value: &mut Tree) {
        let length = self.path.len();
        let mut open = Vec::new();
        let mut next = Some(value);
        loop {
            match next.take() {
                Some(Tree::Object(fields)) => {
                    std::mem::take(fields).keys().for_each(|name| self.report(name));
                }
                Some(Tree::Array(items)) => {
                    open.push((self.path.len(), items.iter_mut().enumerate()));
                }
                _ => {}
            }
            let Some((length, items)) = open.last_mut() else { break };
            self.path.truncate(*length);
            match items.next() {
                Some((index, value)) => {
                    // Writing to a String cannot fail.
                    let _ = write!(self.path, "[{index}]");
                    next = Some(value);
                }
                None => drop(open.pop()),
            }
        }
        self.path.truncate(length);
    }

    fn field(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        visit(self);
        self.path.truncate(length);
    }

    fn item(&mut self, index: usize, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        // Writing to a String cannot fail.
        let _ = write!(self.path, "[{index}]");
        visit(self);
        self.path.truncate(length);
    }

    fn report(&mut self, name: &str) {
        if self.dropped.len() < REPORTED_MAX {
            let dot = if self.path.is_empty() { "" } else { "." };
            self.dropped.push(format!("{}{dot}{name}", self.path));
        }
    }
}
