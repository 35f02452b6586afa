//! The one document with everything: `apidiscovery.k8s.io/v2`.

use kinds::{KindInfo, SubresourceBody};
use meta::Tree;
use serde_json::{Map, json};

use super::groups::{Group, Groups, Version};

/// The core group, or all others.
pub(super) fn document(groups: &Groups<'_>, core: bool) -> Tree {
    let items: Vec<Tree> = if core {
        groups.find("").map(describe).into_iter().collect()
    } else {
        groups.named().map(describe).collect()
    };
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    })
}

fn describe(group: &Group<'_>) -> Tree {
    let metadata = if group.name.is_empty() { json!({}) } else { json!({ "name": group.name }) };
    let versions: Vec<Tree> = group.versions.iter().map(version).collect();
    json!({ "metadata": metadata, "versions": versions })
}

fn version(version: &Version<'_>) -> Tree {
    let resources: Vec<Tree> = version.kinds.iter().map(|info| resource(info)).collect();
    json!({ "version": version.name, "resources": resources, "freshness": "Current" })
}

fn resource(info: &KindInfo) -> Tree {
    let mut document = Map::new();
    let mut set = |name: &str, value: Tree| document.insert(name.to_owned(), value);
    set("resource", info.plural.into());
    set("responseKind", response_kind(info, None));
    set("scope", if info.namespaced { "Namespaced" } else { "Cluster" }.into());
    set("singularResource", info.singular.into());
    set("verbs", info.advertised_verbs().iter().map(|verb| verb.as_str()).collect());
    if !info.short_names.is_empty() {
        set("shortNames", info.short_names.into());
    }
    if !info.categories.is_empty() {
        set("categories", info.categories.into());
    }
    let subresources: Vec<Tree> = info
        .all_subresources()
        .iter()
        .map(|subresource| {
            json!({
                "subresource": subresource.name,
                "responseKind": response_kind(info, subresource.body),
                "verbs": subresource.verbs.iter().map(|verb| verb.as_str()).collect::<Vec<_>>(),
            })
        })
        .collect();
    if !subresources.is_empty() {
        set("subresources", subresources.into());
    }
    Tree::Object(document)
}

/// Empty group and version stand for those that the resource is listed under; custom kinds spell them out.
fn response_kind(info: &KindInfo, body: Option<SubresourceBody>) -> Tree {
    match body {
        Some(body) => json!({ "group": body.group, "version": body.version, "kind": body.kind }),
        None if info.is_custom => {
            json!({ "group": info.group, "version": info.version, "kind": info.kind })
        }
        None => json!({ "group": "", "version": "", "kind": info.kind }),
    }
}
