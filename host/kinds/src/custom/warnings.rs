//! Advice about the metadata of custom objects, whose rules are laxer than those of built-in ones.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::names;

const STANDARD: [&str; 3] = ["foregroundDeletion", "kubernetes", "orphan"];

/// Advice about finalizers that `old` did not have.
pub(super) fn of_finalizers(new: &ObjectMeta, old: Option<&ObjectMeta>) -> Vec<String> {
    let known = old.and_then(|old| old.finalizers.as_deref()).unwrap_or_default();
    let mut added: Vec<&String> =
        new.finalizers.iter().flatten().filter(|name| !known.contains(name)).collect();
    added.sort();
    added.dedup();
    let mut all = Vec::new();
    for name in added {
        let warn = |text: &str| format!("metadata.finalizers: {}: {text}", meta::quote(name));
        all.extend(names::is_qualified_name(name).iter().map(|text| warn(text)));
        if !name.contains('/') && !STANDARD.contains(&name.as_str()) {
            all.push(warn(
                "prefer a domain-qualified finalizer name to avoid accidental conflicts with other \
                 finalizer writers",
            ));
        }
    }
    all
}
