//! JSON merge patch: members of the patch replace those of the document, null removes them.
//!
//! See RFC 7386. Both may be nested as deep as decoding allows, so that nothing here recurses.

use serde_json::Map;
use thiserror::Error;

use crate::{StatusError, Tree, json_kind};

/// The patch is no object.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Error {
    #[error("Invalid JSON Patch")]
    Null,
    #[error("error decoding patch: {0}")]
    Malformed(String),
}

impl Error {
    /// How the API server answers.
    pub fn status(&self) -> StatusError {
        StatusError::bad_request(self.to_string())
    }
}

/// The document after the patch.
pub fn apply(mut document: Tree, patch: Tree) -> Result<Tree, Error> {
    let patch = match patch {
        Tree::Object(patch) => patch,
        Tree::Null => return Err(Error::Null),
        other => {
            let kind = json_kind(&other);
            return Err(Error::Malformed(format!(
                "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
            )));
        }
    };
    if !document.is_object() {
        document = Tree::Object(Map::new());
    }
    let mut open = vec![(&mut document, patch)];
    while let Some((place, patch)) = open.pop() {
        let Tree::Object(map) = place else { continue };
        let mut nested = Map::new();
        for (name, new) in patch {
            match (map.get(&name), new) {
                (_, Tree::Null) => {
                    map.remove(&name);
                }
                (Some(Tree::Object(_)), Tree::Object(new)) => {
                    nested.insert(name, Tree::Object(new));
                }
                // What replaces an object is taken as it is.
                (Some(Tree::Object(_)), new) => {
                    map.insert(name, new);
                }
                (_, new) => {
                    map.insert(name, without_nulls(new));
                }
            }
        }
        if nested.is_empty() {
            continue;
        }
        for (name, value) in map {
            if let Some(Tree::Object(new)) = nested.remove(name) {
                open.push((value, new));
            }
        }
    }
    Ok(document)
}

/// Members that are null vanish from all objects inside; items of lists stay.
fn without_nulls(mut value: Tree) -> Tree {
    let mut open = vec![&mut value];
    while let Some(place) = open.pop() {
        match place {
            Tree::Object(map) => {
                map.retain(|_, value| !value.is_null());
                open.extend(map.values_mut());
            }
            Tree::Array(items) => open.extend(items.iter_mut()),
            _ => {}
        }
    }
    value
}
