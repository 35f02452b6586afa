//! The older documents, one for each level: versions of the core group, list of groups, one group, resources of a version.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HOST;
use kinds::KindInfo;
use meta::Tree;
use serde_json::{Map, json};
use sha2::{Digest as _, Sha256};

use super::groups::{Group, Groups};
use crate::chain::Call;
use crate::state::State;

/// Kinds that Kubernetes still stores in an older version than it serves.
const STORED_OLDER: [(&str, &str, &str); 5] = [
    ("apiextensions.k8s.io", "CustomResourceDefinition", "v1beta1"),
    ("certificates.k8s.io", "ClusterTrustBundle", "v1beta1"),
    ("certificates.k8s.io", "PodCertificateRequest", "v1beta1"),
    ("resource.k8s.io", "DeviceTaintRule", "v1beta2"),
    ("storagemigration.k8s.io", "StorageVersionMigration", "v1beta1"),
];

pub(super) fn core_versions(state: &State, call: &Call) -> Tree {
    let address = if let Some((address, port)) = state.config.advertise {
        std::net::SocketAddr::new(address, port).to_string()
    } else {
        let authority = call.parts.uri.authority().map(http::uri::Authority::as_str);
        authority.or_else(|| call.header(HOST)).unwrap_or_default().to_owned()
    };
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
    })
}

pub(super) fn group_list(groups: &Groups<'_>) -> Tree {
    let groups: Vec<Tree> = groups.named().map(|group| Tree::Object(describe(group))).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

pub(super) fn group(groups: &Groups<'_>, name: &str) -> Option<Tree> {
    let mut document = describe(groups.find(name).filter(|group| !group.name.is_empty())?);
    document.insert("kind".to_owned(), "APIGroup".into());
    document.insert("apiVersion".to_owned(), "v1".into());
    Some(Tree::Object(document))
}

fn describe(group: &Group<'_>) -> Map<String, Tree> {
    let versions: Vec<Tree> = group
        .versions
        .iter()
        .map(|version| {
            let name = version.name;
            json!({ "groupVersion": format!("{}/{name}", group.name), "version": name })
        })
        .collect();
    let preferred = versions.first().cloned().unwrap_or_default();
    let mut document = Map::new();
    document.insert("name".to_owned(), group.name.into());
    document.insert("versions".to_owned(), versions.into());
    document.insert("preferredVersion".to_owned(), preferred);
    document
}

pub(super) fn resources(groups: &Groups<'_>, group: &str, version: &str) -> Option<Tree> {
    let found = groups.find(group)?.version(version)?;
    let resources: Vec<Tree> = found.kinds.iter().flat_map(|info| lines(info)).collect();
    let group_version =
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let mut document = json!({
        "kind": "APIResourceList",
        "groupVersion": group_version,
        "resources": resources,
    });
    // The list of the core group has none, which clients of 2014 relied on.
    if !group.is_empty()
        && let Some(document) = document.as_object_mut()
    {
        document.insert("apiVersion".to_owned(), "v1".into());
    }
    Some(document)
}

/// A resource and its subresources.
fn lines(info: &KindInfo) -> Vec<Tree> {
    let mut main = json!({
        "name": info.plural,
        "singularName": info.singular,
        "namespaced": info.namespaced,
        "kind": info.kind,
        "verbs": info.advertised_verbs().iter().map(|verb| verb.as_str()).collect::<Vec<_>>(),
    });
    if let Some(main) = main.as_object_mut() {
        if !info.short_names.is_empty() {
            main.insert("shortNames".to_owned(), info.short_names.into());
        }
        if !info.categories.is_empty() {
            main.insert("categories".to_owned(), info.categories.into());
        }
        if info.has_verb(kinds::Verb::Watch) {
            main.insert("storageVersionHash".to_owned(), storage_version_hash(info).into());
        }
    }
    let mut lines = vec![main];
    for subresource in info.all_subresources() {
        let mut line = json!({
            "name": format!("{}/{}", info.plural, subresource.name),
            "singularName": "",
            "namespaced": info.namespaced,
            "kind": subresource.body.map_or(info.kind, |body| body.kind),
            "verbs": subresource.verbs.iter().map(|verb| verb.as_str()).collect::<Vec<_>>(),
        });
        if let (Some(body), Some(line)) = (subresource.body, line.as_object_mut())
            && !body.version.is_empty()
        {
            line.insert("group".to_owned(), body.group.into());
            line.insert("version".to_owned(), body.version.into());
        }
        lines.push(line);
    }
    lines
}

/// Tells clients only whether the stored form is the same as on another server.
fn storage_version_hash(info: &KindInfo) -> String {
    let (group, version, kind) = if let Some(stored) = info.stored_as {
        (stored.group, stored.version, stored.kind)
    } else {
        let mut older = STORED_OLDER.iter();
        let older = older.find(|(group, kind, _)| *group == info.group && *kind == info.kind);
        (info.group, older.map_or(info.version, |(_, _, version)| version), info.kind)
    };
    let digest = Sha256::digest(format!("{group}/{version}/{kind}"));
    STANDARD.encode(digest.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_storage_version_is_that_of_its_name() {
        let info = kinds::find("", "v1", "pods").expect("Pods").info();
        assert_eq!(storage_version_hash(info), "xPOwRZ+Yhw8=");
    }
}
