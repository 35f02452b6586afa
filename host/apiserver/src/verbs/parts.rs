//! Which part of an object a path writes, and what it leaves as it was.
//!
//! The main path never writes the status, `/status` writes nothing else, and a few subresources write one more corner of the object.

use kinds::{KindInfo, Object};
use meta::{FieldError, Tree};

/// A part of an object that has a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but the status.
    Main,
    /// The status.
    Status,
    /// Named fields only; the rest stays as it was.
    Fields(&'static Corner),
}

/// A corner of an object that a subresource writes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Corner {
    pub(crate) subresource: &'static str,
    /// Pointers to what is written; a pointer may go through `*` for each item of a list, joined by name.
    fields: &'static [&'static str],
    /// Whether the generation leaves the change out, as for a status.
    of_status: bool,
    /// Whether the kind itself picks what counts (see `kinds::Kind::on_subresource_update`), so that it can tell what else was changed.
    by_kind: bool,
}

const CORNERS: &[Corner] = &[
    Corner {
        subresource: "finalize",
        fields: &["/spec/finalizers"],
        of_status: true,
        by_kind: false,
    },
    Corner { subresource: "ephemeralcontainers", fields: &[], of_status: false, by_kind: true },
    Corner { subresource: "resize", fields: &[], of_status: false, by_kind: true },
    Corner { subresource: "approval", fields: &[], of_status: true, by_kind: true },
];

impl Part {
    /// The part that a subresource writes.
    pub(crate) fn of_subresource(name: &str) -> Option<Part> {
        match name {
            "" => Some(Part::Main),
            "status" => Some(Part::Status),
            name => CORNERS.iter().find(|corner| corner.subresource == name).map(Part::Fields),
        }
    }

    pub(crate) const fn is_status(self) -> bool {
        match self {
            Part::Main => false,
            Part::Status => true,
            Part::Fields(corner) => corner.of_status,
        }
    }

    /// The wanted object, with everything that the path does not write as it was.
    pub(crate) fn carry(self, info: &KindInfo, mut wanted: Tree, old: &Tree) -> Tree {
        match self {
            Part::Main => {
                if info.status {
                    set(&mut wanted, "status", old.get("status"));
                }
                wanted
            }
            Part::Status => {
                let mut tree = old.clone();
                set(&mut tree, "status", wanted.get("status"));
                set(&mut tree, "metadata", wanted.get("metadata"));
                tree
            }
            Part::Fields(corner) if corner.by_kind => wanted,
            Part::Fields(corner) => {
                let mut tree = old.clone();
                for pointer in corner.fields {
                    let path: Vec<&str> = pointer.split('/').skip(1).collect();
                    carry_field(&mut tree, &wanted, &path);
                }
                if let Some(managed) = wanted.pointer("/metadata/managedFields")
                    && let Some(metadata) = tree.get_mut("metadata").and_then(Tree::as_object_mut)
                {
                    metadata.insert("managedFields".to_owned(), managed.clone());
                }
                if let Some(revision) = wanted.pointer("/metadata/resourceVersion")
                    && let Some(metadata) = tree.get_mut("metadata").and_then(Tree::as_object_mut)
                {
                    metadata.insert("resourceVersion".to_owned(), revision.clone());
                }
                tree
            }
        }
    }

    /// Runs the kind's hook for the part.
    pub(crate) fn prepare(self, object: &mut dyn Object, old: &dyn Object) {
        match self {
            Part::Main => object.on_update(old),
            Part::Status => object.on_status_update(old),
            Part::Fields(corner) => object.on_subresource_update(corner.subresource, old),
        }
    }

    pub(crate) fn validate(self, object: &dyn Object, old: &dyn Object) -> Vec<FieldError> {
        match self {
            Part::Main => object.validate_update(old),
            Part::Status => object.validate_status(old),
            Part::Fields(corner) => object.validate_subresource(corner.subresource, old),
        }
    }

    /// Advice concerns what the writer can change.
    pub(crate) fn warnings(self, object: &dyn Object, old: &dyn Object) -> Vec<String> {
        match self {
            Part::Main => object.warnings(Some(old)),
            Part::Status => object.status_warnings(),
            Part::Fields(_) => Vec::new(),
        }
    }
}

fn set(tree: &mut Tree, name: &str, value: Option<&Tree>) {
    let Some(object) = tree.as_object_mut() else { return };
    match value {
        Some(value) => object.insert(name.to_owned(), value.clone()),
        None => object.remove(name),
    };
}

fn carry_field(tree: &mut Tree, wanted: &Tree, path: &[&str]) {
    let Some((&step, rest)) = path.split_first() else { return };
    if step == "*" {
        let (Some(items), Some(wanted)) = (tree.as_array_mut(), wanted.as_array()) else { return };
        for item in items {
            let same = wanted.iter().find(|other| other.get("name") == item.get("name"));
            if let Some(same) = same {
                carry_field(item, same, rest);
            }
        }
        return;
    }
    if rest.is_empty() {
        set(tree, step, wanted.get(step));
        return;
    }
    if let Some(wanted) = wanted.get(step) {
        if tree.get(step).is_none() {
            set(tree, step, Some(&Tree::Object(serde_json::Map::new())));
        }
        if let Some(inner) = tree.get_mut(step) {
            carry_field(inner, wanted, rest);
        }
    }
}

#[cfg(test)]
mod tests;
