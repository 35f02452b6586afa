//! Merging a configuration into an object for somebody who owns nothing of it: an admission policy.
//!
//! What is owned as a whole is refused, since whoever writes a part of it would take the rest away without meaning to.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/>.

use super::shape::{Atom, Shape};
use super::{merge, validate};
use crate::Tree;
use crate::schema::{Schema, TypeRef};

/// The object with the configuration merged in, not yet in canonical form; or what is wrong with the configuration.
pub fn configure(
    object: &Tree,
    config: &Tree,
    ty: &TypeRef,
    schema: &Schema,
) -> Result<Tree, String> {
    validate::validate(config, ty, schema)
        .map_err(|text| format!("failed to convert patch object to typed object: {text}"))?;
    let mut whole = Vec::new();
    find_whole(config, Shape::root(ty), schema, "", &mut whole);
    if !whole.is_empty() {
        let paths = whole.join(", ");
        return Err(format!(
            "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {paths}"
        ));
    }
    merge::merge(object, config, ty, schema)
        .map_err(|text| format!("failed to merge patch: {text}"))
}

/// Collects the paths of what is owned as a whole.
fn find_whole(
    value: &Tree,
    shape: Shape<'_>,
    schema: &Schema,
    path: &str,
    found: &mut Vec<String>,
) {
    match (value, shape.atom(schema, Some(value))) {
        (Tree::Object(map), Atom::Map(members)) => {
            for (name, value) in map {
                let (shape, _) = members.member(name);
                find_whole(value, shape, schema, &format!("{path}.{name}"), found);
            }
        }
        (Tree::Array(list), Atom::List(items)) => {
            for (index, value) in list.iter().enumerate() {
                find_whole(value, items.shape, schema, &format!("{path}[{index}]"), found);
            }
        }
        (Tree::Object(_) | Tree::Array(_), Atom::Leaf) => found.push(path.to_owned()),
        _ => {}
    }
}
