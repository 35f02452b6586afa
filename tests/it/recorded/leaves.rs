//! Answers without what two servers cannot agree on.

use std::collections::BTreeMap;

use serde_json::Value;

/// What two servers cannot agree on.
const MASKED: [&str; 15] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "healthCheckNodePort",
    "lastTransitionTime",
    "lastUpdateTime",
    "lastPhaseTransitionTime",
    "timeAdded",
    "username",
    "controller-uid",
    "batch.kubernetes.io~1controller-uid",
    "deletionTimestamp",
];

/// All values that have no parts, by their pointers; without the owners of fields, which have a test of their own.
pub(crate) fn leaves(tree: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(tree, "", &mut found);
    found
}

fn collect(tree: &Value, pointer: &str, found: &mut BTreeMap<String, String>) {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    // The last is how the client has shown who it is.
    if last == "managedFields" || last == "authentication.kubernetes.io~1credential-id" {
        return;
    }
    match tree {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(value, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() && !MASKED.contains(&last) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, &format!("{pointer}/{index}"), found);
            }
        }
        value => {
            let value = if MASKED.contains(&last) { "…".to_owned() } else { value.to_string() };
            found.insert(pointer.to_owned(), value);
        }
    }
}

/// UIDs and generated names stand in texts too.
pub(crate) fn without_uids(text: &str) -> String {
    const LENS: [usize; 5] = [8, 4, 4, 4, 12];
    const GENERATED: &str = "kube-api-access-";
    let is_uid = |word: &str| {
        let parts: Vec<&str> = word.split('-').collect();
        parts.iter().map(|part| part.len()).eq(LENS)
            && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words
        .map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match bare.strip_prefix(GENERATED) {
                Some(_) => word.replace(bare, GENERATED),
                None if is_uid(bare) => word.replace(bare, "…"),
                None => word.to_owned(),
            }
        })
        .collect()
}

/// What follows a first line shows Kubernetes' own structs.
pub(crate) fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}
