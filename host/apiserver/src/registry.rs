//! The table of kinds that this server serves, by path.
//!
//! Everything that depends on which kinds exist (routes, discovery, `OpenAPI`, Tables, storage keys) asks this table, so that a
//! kind is added in one place.

use std::collections::BTreeMap;

use kinds::AnyKind;

/// A kind of the table.
pub(crate) type KindRef = &'static dyn AnyKind;

/// The kinds by group, version and plural name.
#[derive(Debug)]
pub(crate) struct Registry {
    by_path: BTreeMap<(&'static str, &'static str, &'static str), KindRef>,
}

impl Registry {
    pub(crate) fn new() -> Registry {
        let by_path = kinds::all()
            .iter()
            .map(|&kind| {
                let info = kind.info();
                ((info.group, info.version, info.plural), kind)
            })
            .collect();
        Registry { by_path }
    }

    /// The kind that a path names.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<KindRef> {
        self.by_path.get(&(group, version, plural)).copied()
    }

    /// The kind of that name in a group and version, as objects name it.
    pub(crate) fn find_kind(&self, group: &str, version: &str, kind: &str) -> Option<KindRef> {
        self.all().find(|candidate| {
            let info = candidate.info();
            info.group == group && info.version == version && info.kind == kind
        })
    }

    /// Whether a group is served in any version.
    pub(crate) fn has_group(&self, group: &str) -> bool {
        self.by_path.keys().any(|(own, _, _)| *own == group)
    }

    /// All kinds, ordered by group, version and plural name.
    pub(crate) fn all(&self) -> impl Iterator<Item = KindRef> {
        self.by_path.values().copied()
    }
}
