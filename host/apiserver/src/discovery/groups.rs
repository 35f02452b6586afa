//! The groups and versions that are served, in the order in which clients prefer them.

use std::cmp::Reverse;

use kinds::KindInfo;

use super::priority;
use crate::registry::Registry;

/// One version of a group with its kinds.
#[derive(Debug)]
pub(super) struct Version<'a> {
    pub(super) name: &'static str,
    pub(super) kinds: Vec<&'a KindInfo>,
}

/// One group with its versions, the preferred one first.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) name: &'static str,
    pub(super) versions: Vec<Version<'a>>,
}

/// All groups, the core group first.
#[derive(Debug)]
pub(super) struct Groups<'a>(Vec<Group<'a>>);

impl<'a> Groups<'a> {
    pub(super) fn of(registry: &'a Registry) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for info in registry.all().map(|kind| kind.info()) {
            let position = groups.iter().position(|group| group.name == info.group);
            let position = position.unwrap_or_else(|| {
                groups.push(Group { name: info.group, versions: Vec::new() });
                groups.len() - 1
            });
            let Some(group) = groups.get_mut(position) else { continue };
            match group.versions.iter_mut().find(|version| version.name == info.version) {
                Some(version) => version.kinds.push(info),
                None => group.versions.push(Version { name: info.version, kinds: vec![info] }),
            }
        }
        for group in &mut groups {
            group.versions.sort_by(|a, b| kinds::maturity::compare(b.name, a.name));
            for version in &mut group.versions {
                version.kinds.sort_by_key(|info| info.plural);
            }
        }
        groups.sort_by_key(|group| {
            let priority = priority::of_group(group.name).unwrap_or_default();
            (!group.name.is_empty(), Reverse(priority), group.name)
        });
        Self(groups)
    }

    /// The groups below `/apis`.
    pub(super) fn named(&self) -> impl Iterator<Item = &Group<'a>> {
        self.0.iter().filter(|group| !group.name.is_empty())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Group<'a>> {
        self.0.iter().find(|group| group.name == name)
    }
}

impl<'a> Group<'a> {
    pub(super) fn version(&self, name: &str) -> Option<&Version<'a>> {
        self.versions.iter().find(|version| version.name == name)
    }
}
