//! Sets of paths as `fieldsV1` has them: nested objects whose keys are steps, with `.` for the
//! value itself.

use serde_json::Map;

use super::set::Node;
use super::{DEPTH_MAX, Element, FieldSet};
use crate::Tree;

impl FieldSet {
    /// Reads `fieldsV1`. Kinds of steps that are not known are left out.
    pub fn decode(fields: &Tree) -> Result<Self, &'static str> {
        decode(fields, 0)
    }

    pub fn encode(&self) -> Tree {
        // Steps of one kind are sorted as their texts are, so that a map is made of them at once.
        let steps = self.nodes().iter().map(|node| {
            let mut inner = node.children.encode();
            if node.member
                && let Tree::Object(inner) = &mut inner
                && !inner.is_empty()
            {
                inner.insert(".".to_owned(), Tree::Object(Map::new()));
            }
            (node.element.print(), inner)
        });
        Tree::Object(steps.collect())
    }
}

fn decode(fields: &Tree, depth: usize) -> Result<FieldSet, &'static str> {
    if depth > DEPTH_MAX {
        return Err("too deep");
    }
    let map = match fields {
        Tree::Object(map) => map,
        Tree::Null => return Ok(FieldSet::new()),
        _ => return Err("fields are no object"),
    };
    let mut nodes = Vec::with_capacity(map.len());
    for (step, inner) in map.iter().filter(|(step, _)| *step != ".") {
        let Some(element) = Element::parse(step)? else { continue };
        let children = decode(inner, depth + 1)?;
        let member = children.is_empty() || inner.get(".").is_some();
        nodes.push(Node { element, member, children });
    }
    Ok(FieldSet::from_nodes(nodes))
}
