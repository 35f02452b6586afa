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
    /// What the kind picks; the rest stays as it was.
    Fields(&'static Corner),
}

/// A corner of an object that a subresource writes. The kind picks what counts (see `kinds::Kind::on_subresource_update`), so that it can tell
/// what else was changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Corner {
    pub(crate) subresource: &'static str,
    /// Whether the generation leaves the change out, as for a status.
    of_status: bool,
}

const CORNERS: &[Corner] = &[
    Corner { subresource: "finalize", of_status: true },
    Corner { subresource: "ephemeralcontainers", of_status: false },
    Corner { subresource: "resize", of_status: false },
    Corner { subresource: "approval", of_status: true },
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
                if info.status && !info.drops_status() {
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
            Part::Fields(_) => wanted,
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

#[cfg(test)]
mod tests;
