#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use meta::Tree;

use super::*;

fn parts() -> Vec<Part> {
    Part::all(&Registry::default())
}

fn third_of(path: &str) -> Tree {
    let part = parts().into_iter().find(|part| part.path() == path).unwrap();
    serde_json::from_slice(&v3::document(&part)).unwrap()
}

/// All references in a tree.
fn references(tree: &Tree, found: &mut BTreeSet<String>) {
    match tree {
        Tree::Object(members) => {
            if let Some(Tree::String(reference)) = members.get("$ref") {
                found.insert(reference.rsplit('/').next().unwrap().to_owned());
            }
            members.values().for_each(|value| references(value, found));
        }
        Tree::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_a_type() {
    let parts_of_three = parts().into_iter().map(|part| (part.path(), v3::document(&part)));
    let outlines = Outline::all(&parts());
    let outlines = outlines.iter().map(|outline| (outline.path.clone(), v3::outline(outline)));
    for (path, document) in parts_of_three.chain(outlines) {
        let document: Tree = serde_json::from_slice(&document).unwrap();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        let schemas = &document["components"]["schemas"];
        for name in found {
            assert!(schemas.get(&name).is_some(), "{path} refers to {name}");
        }
    }
    let document: Tree = serde_json::from_slice(&v2::document(&parts())).unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for name in found {
        assert!(document["definitions"].get(&name).is_some(), "{name}");
    }
}

#[test]
fn the_paths_that_lead_to_resources_have_documents() {
    let outlines = Outline::all(&parts());
    let found = |path: &str| {
        let outline = outlines.iter().find(|outline| outline.path == path).unwrap();
        let document: Tree = serde_json::from_slice(&v3::outline(outline)).unwrap();
        let operation = document["paths"][format!("/{path}/")]["get"].clone();
        operation["operationId"].as_str().unwrap().to_owned()
    };
    assert_eq!(found("api"), "getCoreAPIVersions");
    assert_eq!(found("apis"), "getAPIVersions");
    assert_eq!(found("apis/rbac.authorization.k8s.io"), "getRbacAuthorizationAPIGroup");
    assert_eq!(found("version"), "getCodeVersion");
    let paths: BTreeSet<&str> = outlines.iter().map(|outline| outline.path.as_str()).collect();
    assert_eq!(paths.len(), outlines.len());
    assert!(!paths.contains("apis/"));
}

#[test]
fn what_every_method_of_a_path_takes_is_said_once() {
    let document = third_of("api/v1");
    let names = |tree: &Tree| -> Vec<String> {
        let list = tree["parameters"].as_array();
        list.into_iter().flatten().map(|own| own["name"].as_str().unwrap().to_owned()).collect()
    };
    let pods = &document["paths"]["/api/v1/pods"];
    assert_eq!(names(&pods["get"]), [""; 0]);
    assert!(names(pods).contains(&"labelSelector".to_owned()));
    let pod = &document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"];
    assert_eq!(names(pod), ["name", "namespace", "pretty"]);
    assert!(names(&pod["patch"]).contains(&"force".to_owned()));
    let watch = &document["paths"]["/api/v1/watch/namespaces/{namespace}/pods/{name}"]["get"];
    assert_eq!(watch["operationId"], "watchCoreV1NamespacedPod");
}

#[test]
fn operations_have_ids_of_their_own() {
    let document: Tree = serde_json::from_slice(&v2::document(&parts())).unwrap();
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in
            item.as_object().unwrap().values().filter_map(|operation| operation.get("operationId"))
        {
            assert!(ids.insert(operation.as_str().unwrap().to_owned()), "{operation}");
        }
    }
    for id in [
        "readCoreV1NamespacedPod",
        "listAppsV1DeploymentForAllNamespaces",
        "deleteCoreV1CollectionNamespacedPod",
    ] {
        assert!(ids.contains(id), "{id}");
    }
}

#[test]
fn clients_learn_that_the_server_validates_and_how_to_patch() {
    let document = third_of("apis/apps/v1");
    let patch =
        &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    let names: Vec<&str> = patch["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
    let content = &patch["requestBody"]["content"];
    assert!(content.get("application/strategic-merge-patch+json").is_some());
    let gvk = json!({ "group": "apps", "version": "v1", "kind": "Deployment" });
    assert_eq!(patch["x-kubernetes-group-version-kind"], gvk);
    let schema = &document["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"];
    assert_eq!(schema["x-kubernetes-group-version-kind"], json!([gvk]));
}

#[test]
fn fields_carry_their_text_and_how_they_merge() {
    let document = third_of("api/v1");
    let schemas = &document["components"]["schemas"];
    let containers = &schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
    assert_eq!(containers["x-kubernetes-list-type"], "map");
    assert_eq!(containers["x-kubernetes-list-map-keys"], json!(["name"]));
    assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
    assert_eq!(containers["x-kubernetes-patch-strategy"], "merge");
    assert!(containers["description"].as_str().unwrap().contains("containers"));
    assert_eq!(containers["items"]["$ref"], "#/components/schemas/io.k8s.api.core.v1.Container");
    let port = &schemas["io.k8s.api.core.v1.ContainerPort"]["properties"]["containerPort"];
    assert_eq!((&port["type"], &port["format"]), (&json!("integer"), &json!("int32")));
    let key = &schemas["io.k8s.api.core.v1.ConfigMapKeySelector"];
    assert_eq!(key["x-kubernetes-map-type"], "atomic");
    assert_eq!(key["required"], json!(["key"]));
}

#[test]
fn almost_every_field_is_described() {
    let document = third_of("api/v1");
    let (mut all, mut described) = (0, 0);
    for schema in document["components"]["schemas"].as_object().unwrap().values() {
        for field in schema
            .get("properties")
            .and_then(Tree::as_object)
            .into_iter()
            .flat_map(|own| own.values())
        {
            all += 1;
            described += usize::from(field.get("description").is_some());
        }
    }
    assert!(described * 100 > all * 97, "{described} of {all}");
}

#[test]
fn the_hash_of_a_document_is_stable_and_its_own() {
    let hashes: BTreeSet<String> = parts().iter().map(Part::hash).collect();
    assert_eq!(hashes.len(), parts().len());
    assert_eq!(hashes, parts().iter().map(Part::hash).collect());
    assert!(hashes.iter().all(|hash| hash.len() == 128));
}

#[test]
fn the_protobuf_form_is_well_formed() {
    let bytes = gnostic::document(&parts());
    let (mut at, mut fields) = (0, Vec::new());
    while at < bytes.len() {
        let varint = |at: &mut usize| {
            let mut value = 0_usize;
            for shift in (0..).step_by(7) {
                let byte = bytes[*at];
                *at += 1;
                value |= usize::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            value
        };
        let key = varint(&mut at);
        assert_eq!(key & 7, 2);
        fields.push(key >> 3);
        at += varint(&mut at);
    }
    assert_eq!(at, bytes.len());
    assert_eq!(fields, [1, 2, 8, 9]);
}

#[test]
fn dates_of_headers_are_as_http_has_them() {
    let time = "2026-11-21T08:30:37Z".parse().unwrap();
    assert_eq!(http_date(time), "Sat, 21 Nov 2026 08:30:37 GMT");
}
