use serde_json::json;

use crate::testing::Server;

const SCHEMAS: &str = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
const LEVELS: &str = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";
const API_SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";

#[tokio::test]
async fn mandatory_schemas_and_levels_keep_their_spec() {
    let server = Server::start().await;
    let exempt = format!("{SCHEMAS}/exempt");
    let first = server.get(&exempt).await.expect(200);
    let change = json!({ "spec": { "matchingPrecedence": 5 } });
    server.patch(&exempt, "merge", &change).await.expect(422);
    server.delete(&exempt).await.expect(200);
    server.service.bootstrap().await.expect("it can be done again");
    assert_eq!(server.get(&exempt).await.expect(200).at("/spec"), first.at("/spec"));
    let manager = "api-priority-and-fairness-config-producer-v1";
    assert_eq!(first.at("/metadata/managedFields/0/manager"), manager);
}

#[tokio::test]
async fn a_table_of_schemas_is_in_the_order_in_which_they_are_tried() {
    let server = Server::start().await;
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let table = server.send("GET", SCHEMAS, &accept, "").await.expect(200);
    let names = (0..3).map(|row| table.at(&format!("/rows/{row}/cells/0")));
    assert_eq!(names.collect::<Vec<_>>(), ["exempt", "probes", "system-leader-election"]);
}

#[tokio::test]
async fn suggested_levels_are_kept_up_to_date_unless_they_say_otherwise() {
    let server = Server::start().await;
    let change = json!({ "spec": { "limited": { "nominalConcurrencyShares": 1 } } });
    for (name, annotation, shares) in [("system", "true", 30), ("node-high", "false", 1)] {
        let path = format!("{LEVELS}/{name}");
        let mut change = change.clone();
        change["metadata"]["annotations"]["apf.kubernetes.io/autoupdate-spec"] = annotation.into();
        server.patch(&path, "merge", &change).await.expect(200);
        server.service.bootstrap().await.expect("it can be done again");
        let level = server.get(&path).await.expect(200);
        assert_eq!(level.at("/spec/limited/nominalConcurrencyShares"), shares, "{name}");
    }
}

#[tokio::test]
async fn every_version_that_is_served_has_an_api_service() {
    let server = Server::start().await;
    let apps = server.get(&format!("{API_SERVICES}/v1.apps")).await.expect(200);
    assert_eq!(
        apps.at("/spec"),
        json!({ "group": "apps", "version": "v1", "groupPriorityMinimum": 17_800, "versionPriority": 15 })
    );
    assert_eq!(apps.at("/status/conditions/0/status"), "True");
    let core = server.get(&format!("{API_SERVICES}/v1.")).await.expect(200);
    assert_eq!(core.at("/spec/group"), json!(null));
    server.get(&format!("{API_SERVICES}/v1.apiregistration.k8s.io")).await.expect(404);

    let elsewhere = json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": { "name": "v1.a.example.com" },
        "spec": {
            "group": "a.example.com", "version": "v1",
            "groupPriorityMinimum": 1, "versionPriority": 1,
            "service": { "namespace": "n", "name": "s" },
        },
    });
    let reply = server.post(API_SERVICES, &elsewhere).await.expect(422);
    assert!(reply.message().contains("aggregation is not supported"), "{}", reply.message());
}

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

#[tokio::test]
async fn roles_that_collect_others_are_filled_in_the_name_of_their_controller() {
    let server = Server::start().await;
    let view = server.get(&format!("{ROLES}/view")).await.expect(200);
    assert!(view.at("/rules/0/verbs").is_array());
    assert_eq!(view.at("/metadata/managedFields/0/manager"), "clusterrole-aggregation-controller");
    assert_eq!(view.at("/metadata/managedFields/0/fieldsV1"), json!({ "f:rules": {} }));
    let own = view.at("/metadata/managedFields/1/fieldsV1");
    assert_eq!(own["f:aggregationRule"].is_object(), own["f:rules"].is_null(), "{own}");
    server.service.bootstrap().await.expect("it can be done again");
    let again = server.get(&format!("{ROLES}/view")).await.expect(200);
    assert_eq!(again.at("/metadata/resourceVersion"), view.at("/metadata/resourceVersion"));
}

#[tokio::test]
async fn default_roles_and_bindings_are_repaired_at_each_start() {
    let server = Server::start().await;
    let (role, binding) =
        (format!("{ROLES}/system:discovery"), format!("{BINDINGS}/system:discovery"));
    let before = server.get(&role).await.expect(200);
    let own = json!({ "verbs": ["get"], "nonResourceURLs": ["/own"] });
    server.patch(&role, "merge", &json!({ "rules": [own] })).await.expect(200);
    server.patch(&binding, "merge", &json!({ "subjects": null })).await.expect(200);
    server.service.bootstrap().await.expect("it can be done again");
    let rules = server.get(&role).await.expect(200).at("/rules").clone();
    let rules = rules.as_array().expect("rules");
    assert_eq!(rules[0], own);
    let wanted = before.at("/rules/0/nonResourceURLs").as_array().map_or(0, Vec::len);
    assert_eq!(rules.len(), 1 + wanted, "{rules:?}");
    let subject = server.get(&binding).await.expect(200).at("/subjects/0/name").clone();
    assert_eq!(subject, "system:authenticated");

    let mut other = server.get(&binding).await.expect(200).at("").clone();
    server.delete(&binding).await.expect(200);
    other["roleRef"]["name"] = "view".into();
    other["metadata"] = json!({ "name": "system:discovery" });
    server.post(BINDINGS, &other).await.expect(201);
    server.service.bootstrap().await.expect("it can be done again");
    let made = server.get(&binding).await.expect(200);
    assert_eq!(made.at("/roleRef/name"), "system:discovery");
    let annotation = "rbac.authorization.kubernetes.io/autoupdate";
    let change =
        json!({ "metadata": { "annotations": { annotation: "false" } }, "subjects": null });
    server.patch(&binding, "merge", &change).await.expect(200);
    server.service.bootstrap().await.expect("it can be done again");
    assert!(server.get(&binding).await.expect(200).at("/subjects").is_null());
}
