//! The groups and versions that are served, in the order in which clients prefer them.

use std::cmp::Reverse;

use kinds::KindInfo;

use super::priority;
use crate::registry::Registry;

/// One version of a group with its kinds.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) name: &'static str,
    pub(super) kinds: Vec<&'static KindInfo>,
}

/// One group with its versions, the preferred one first.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) versions: Vec<Version>,
}

/// All groups, the core group first.
#[derive(Debug)]
pub(super) struct Groups(Vec<Group>);

impl Groups {
    pub(super) fn of(registry: &Registry) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for info in registry.all().map(kinds::AnyKind::info) {
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
            group.versions.sort_by_key(|version| (Reverse(maturity(version.name)), version.name));
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
    pub(super) fn named(&self) -> impl Iterator<Item = &Group> {
        self.0.iter().filter(|group| !group.name.is_empty())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Group> {
        self.0.iter().find(|group| group.name == name)
    }
}

impl Group {
    pub(super) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.name == name)
    }
}

/// Stable versions before beta before alpha, each by number; other names last.
fn maturity(version: &str) -> (u8, u64, u64) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (major, rest) = rest.split_at(digits);
        let major: u64 = major.parse().ok()?;
        if rest.is_empty() {
            return Some((3, major, 0));
        }
        let (rank, minor) = match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
            (Some(minor), _) => (2, minor),
            (_, Some(minor)) => (1, minor),
            _ => return None,
        };
        Some((rank, major, minor.parse().ok()?))
    };
    parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_maturity_and_number() {
        let mut versions = ["v1beta1", "v10", "v2", "foo", "v1alpha2", "v1beta2", "v1alpha10"];
        versions.sort_by_key(|version| (Reverse(maturity(version)), *version));
        assert_eq!(versions, ["v10", "v2", "v1beta2", "v1beta1", "v1alpha10", "v1alpha2", "foo"]);
    }
}
