//! The owners of `replicas`, between a resource and its scale, where the field stands elsewhere.

use super::{Element, Entry, FieldSet, Operation};

const SCALE_VERSION: &str = "autoscaling/v1";

fn scale_path() -> [Element; 2] {
    Element::path(["spec", "replicas"])
}

/// The owners that a scale shows: those of the resource's replicas field, under the name that the
/// field has there.
pub fn to_scale(parent: &[Entry], replicas: &[Element]) -> Vec<Entry> {
    let owners = parent.iter().filter(|entry| entry.fields.has(replicas));
    owners
        .map(|entry| Entry {
            api_version: SCALE_VERSION.to_owned(),
            fields: FieldSet::from_paths([&scale_path()[..]]),
            ..entry.clone()
        })
        .collect()
}

/// The owners of the resource after its scale was written: whoever lost the field there loses it
/// here, and who gained it there owns it here, in the version of the resource.
pub fn from_scale(
    parent: &[Entry],
    scale: &[Entry],
    replicas: &[Element],
    api_version: &str,
) -> Vec<Entry> {
    let owns = |entry: &&Entry| entry.fields.has(&scale_path());
    let same = |a: &Entry, b: &Entry| {
        let version = |entry: &Entry| match entry.operation {
            Operation::Apply => String::new(),
            // An entry that came from the parent had its version replaced.
            Operation::Update if entry.subresource.is_empty() => SCALE_VERSION.to_owned(),
            Operation::Update => entry.api_version.clone(),
        };
        (&a.manager, a.operation, &a.subresource, version(a))
            == (&b.manager, b.operation, &b.subresource, version(b))
    };
    let mut out = Vec::with_capacity(parent.len() + 1);
    for entry in parent {
        let mut entry = entry.clone();
        let kept = scale.iter().filter(owns).any(|other| same(&entry, other));
        if entry.fields.has(replicas) && !kept {
            entry.fields = entry.fields.difference(&FieldSet::from_paths([replicas]));
        }
        if !entry.fields.is_empty() {
            out.push(entry);
        }
    }
    for entry in scale.iter().filter(owns) {
        let known = parent.iter().any(|old| old.fields.has(replicas) && same(old, entry));
        if !known {
            // Kubernetes takes the time from the resource, where the entry was not yet.
            let before = parent.iter().find(|old| old.identity() == entry.identity());
            out.push(Entry {
                api_version: api_version.to_owned(),
                time: before.map(|entry| entry.time.clone()).unwrap_or_default(),
                fields: FieldSet::from_paths([replicas]),
                ..entry.clone()
            });
        }
    }
    out
}
