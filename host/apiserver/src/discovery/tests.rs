#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::registry::Registry;
use crate::testing::Server;

fn accept(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, text.parse().unwrap());
    headers
}

#[test]
fn the_aggregated_document_is_chosen_by_its_parameters_wherever_they_stand() {
    const JSON: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const OLD: &str = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
    let cases = [
        (JSON.to_owned(), Some(Format::Json)),
        (format!("{JSON},{OLD},application/json"), Some(Format::Json)),
        (format!("{OLD},application/json,{JSON}"), Some(Format::Json)),
        (
            "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io".to_owned(),
            Some(Format::Json),
        ),
        (format!("{JSON};profile=nopeer"), Some(Format::Json)),
        (JSON.replace("json", "yaml"), Some(Format::Yaml)),
        (OLD.to_owned(), None),
        ("*/*".to_owned(), None),
        (JSON.replace("APIGroupDiscoveryList", "APIResourceDiscovery"), None),
    ];
    for (header, expected) in cases {
        assert_eq!(aggregated_form(&accept(&header)), expected, "{header}");
    }
}

#[test]
fn media_types_that_do_not_exist_are_told_apart_from_views_that_do_not() {
    assert!(!accepts_any_of_ours(&accept("image/png")));
    assert!(accepts_any_of_ours(&accept("image/png, application/json;as=Table")));
    assert!(accepts_any_of_ours(&accept("application/*")));
    assert!(accepts_any_of_ours(&HeaderMap::new()));
}

#[test]
fn every_kind_is_in_both_forms() {
    let registry = Registry::default();
    let groups = Groups::of(&registry);
    let core = aggregated::document(&groups, true);
    let named = aggregated::document(&groups, false);
    for info in registry.all().map(|kind| kind.info()) {
        let list = documents::resources(&groups, info.group, info.version).unwrap();
        let found =
            list["resources"].as_array().unwrap().iter().any(|line| line["name"] == info.plural);
        assert!(found, "{}", info.plural);
        let document = if info.group.is_empty() { &core } else { &named };
        let resources = document["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| item["metadata"]["name"].as_str().unwrap_or_default() == info.group)
            .flat_map(|item| item["versions"].as_array().unwrap())
            .filter(|version| version["version"] == info.version)
            .flat_map(|version| version["resources"].as_array().unwrap());
        assert!(
            resources.into_iter().any(|line| line["resource"] == info.plural),
            "{}",
            info.plural
        );
    }
}

#[test]
fn pods_are_told_with_their_subresources() {
    let registry = Registry::default();
    let list = documents::resources(&Groups::of(&registry), "", "v1").unwrap();
    assert_eq!(list.get("apiVersion"), None);
    let lines = list["resources"].as_array().unwrap();
    let pods = lines.iter().find(|line| line["name"] == "pods").unwrap();
    assert_eq!(pods["singularName"], "pod");
    assert_eq!(pods["shortNames"], serde_json::json!(["po"]));
    assert_eq!(pods["storageVersionHash"], "xPOwRZ+Yhw8=");
    let log = lines.iter().find(|line| line["name"] == "pods/log").unwrap();
    assert_eq!(log["verbs"], serde_json::json!(["get"]));
    assert_eq!(documents::resources(&Groups::of(&registry), "", "v2"), None);
    assert_eq!(documents::group(&Groups::of(&registry), ""), None);
}

#[tokio::test]
async fn documents_come_in_json_to_those_who_name_protobuf_first() {
    let server = Server::start().await;
    for path in ["/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1"] {
        let headers = [("accept", "application/vnd.kubernetes.protobuf,application/json")];
        let reply = server.send("GET", path, &headers, "").await.expect(200);
        assert!(reply.at("/kind").is_string(), "{path}");
        let headers = [("accept", "application/vnd.kubernetes.protobuf")];
        server.send("GET", path, &headers, "").await.expect(406);
    }
}
