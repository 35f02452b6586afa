//! Admission policies: refusals, warnings, parameters, and changes of what is asked for.

use meta::Tree;
use serde_json::json;

use crate::testing::Server;

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";
const CONFIG_MAPS: &str = "/api/v1/namespaces/n/configmaps";

async fn server() -> Server {
    let server = Server::start().await;
    for name in ["n", "other"] {
        let namespace = json!({ "metadata": { "name": name, "labels": { "team": name } } });
        server.post("/api/v1/namespaces", &namespace).await.expect(201);
    }
    server
}

/// A rule about `ConfigMap`s in the namespace `n`.
fn about_config_maps(operations: &[&str]) -> Tree {
    json!({
        "namespaceSelector": { "matchLabels": { "team": "n" } },
        "resourceRules": [{
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": operations,
            "resources": ["configmaps"],
        }],
    })
}

async fn validating(server: &Server, name: &str, spec: Tree, binding: Tree) {
    let mut spec = spec;
    spec["matchConstraints"] = about_config_maps(&["CREATE", "UPDATE", "DELETE"]);
    let policy = json!({ "metadata": { "name": name }, "spec": spec });
    server.post(&format!("{GROUP}/validatingadmissionpolicies"), &policy).await.expect(201);
    let mut spec = binding;
    spec["policyName"] = name.into();
    let binding = json!({ "metadata": { "name": format!("{name}-here") }, "spec": spec });
    server.post(&format!("{GROUP}/validatingadmissionpolicybindings"), &binding).await.expect(201);
}

async fn mutating(server: &Server, name: &str, spec: Tree) {
    let mut spec = spec;
    spec["matchConstraints"] = about_config_maps(&["CREATE", "UPDATE"]);
    let policy = json!({ "metadata": { "name": name }, "spec": spec });
    server.post(&format!("{GROUP}/mutatingadmissionpolicies"), &policy).await.expect(201);
    let binding =
        json!({ "metadata": { "name": format!("{name}-here") }, "spec": { "policyName": name } });
    server.post(&format!("{GROUP}/mutatingadmissionpolicybindings"), &binding).await.expect(201);
}

fn config_map(name: &str, data: Tree) -> Tree {
    json!({ "metadata": { "name": name }, "data": data })
}

#[tokio::test]
async fn a_policy_refuses_what_breaks_it() {
    let server = server().await;
    let spec = json!({
        "variables": [
            { "name": "size", "expression": "has(object.data) ? object.data.size() : 0" },
            { "name": "twice", "expression": "variables.size * 2" },
        ],
        "matchConditions": [
            { "name": "not-skipped", "expression": "!object.metadata.name.startsWith('skip')" },
            { "name": "not-deleted", "expression": "request.operation != 'DELETE'" },
        ],
        "validations": [
            { "expression": "variables.size < 3" },
            { "expression": "!has(object.data) || !('secret' in object.data)", "message": "no secrets here", "reason": "Forbidden" },
            {
                "expression": "variables.twice != 4",
                "messageExpression": "'twice is ' + string(variables.twice) + ' for ' + request.userInfo.username",
                "reason": "RequestEntityTooLarge",
            },
            { "expression": "request.operation != 'UPDATE' || oldObject.data == object.data", "message": "data stays" },
            { "expression": "namespaceObject.metadata.name == request.namespace" },
        ],
    });
    validating(&server, "p", spec, json!({ "validationActions": ["Deny"] })).await;
    let cases = [
        (json!({ "secret": "x" }), 403, "no secrets here"),
        (json!({ "a": "b", "c": "d", "e": "f" }), 422, "failed expression: variables.size < 3"),
        (json!({ "a": "b", "c": "d" }), 413, "twice is 4 for tester"),
        (
            json!({ "a": "b", "c": "d", "secret": "x" }),
            422,
            "failed expression: variables.size < 3",
        ),
    ];
    for (data, code, message) in cases {
        let reply = server.post(CONFIG_MAPS, &config_map("a", data)).await.expect(code);
        assert_eq!(
            reply.message(),
            format!(
                "configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-here' denied request: {message}"
            )
        );
    }
    server.post(CONFIG_MAPS, &config_map("skip", json!({ "secret": "x" }))).await.expect(201);
    server.post(CONFIG_MAPS, &config_map("good", json!({ "a": "b" }))).await.expect(201);
    let path = format!("{CONFIG_MAPS}/good");
    let reply = server.patch(&path, "merge", &json!({ "data": { "a": "c" } })).await.expect(422);
    assert!(reply.message().ends_with("denied request: data stays"), "{}", reply.message());
    server
        .patch(&path, "merge", &json!({ "metadata": { "labels": { "x": "y" } } }))
        .await
        .expect(200);
    let elsewhere = "/api/v1/namespaces/other/configmaps";
    server.post(elsewhere, &config_map("a", json!({ "secret": "x" }))).await.expect(201);
    server.delete(&path).await.expect(200);
}

#[tokio::test]
async fn a_binding_may_only_warn() {
    let server = server().await;
    let spec = json!({ "validations": [{ "expression": "false", "message": "never" }] });
    validating(&server, "p", spec, json!({ "validationActions": ["Warn", "Audit"] })).await;
    let reply = server.post(CONFIG_MAPS, &config_map("a", json!({}))).await.expect(201);
    assert_eq!(
        reply.warnings(),
        [
            "299 - \"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-here': never\""
        ]
    );
}

#[tokio::test]
async fn a_failing_expression_counts_as_the_policy_says() {
    let server = server().await;
    let spec = json!({ "validations": [{ "expression": "object.missing == 1" }] });
    validating(&server, "p", spec, json!({ "validationActions": ["Deny"] })).await;
    let reply = server.post(CONFIG_MAPS, &config_map("a", json!({}))).await.expect(422);
    let wanted =
        "denied request: expression 'object.missing == 1' resulted in error: no such key: missing";
    assert!(reply.message().ends_with(wanted), "{}", reply.message());
    let policy = format!("{GROUP}/validatingadmissionpolicies/p");
    let ignore = json!({ "spec": { "failurePolicy": "Ignore" } });
    let reply = server.patch(&policy, "merge", &ignore).await.expect(200);
    assert_eq!(reply.at("/metadata/generation"), json!(2));
    server.post(CONFIG_MAPS, &config_map("a", json!({}))).await.expect(201);
}

#[tokio::test]
async fn parameters_come_by_name_or_by_label() {
    let server = server().await;
    let spec = json!({
        "paramKind": { "apiVersion": "v1", "kind": "Secret" },
        "validations": [{ "expression": "!(string(params.data.word) in object.data)", "messageExpression": "'stopped by ' + params.metadata.name" }],
    });
    let binding = json!({
        "validationActions": ["Deny"],
        "paramRef": { "name": "limits", "namespace": "n", "parameterNotFoundAction": "Deny" },
    });
    validating(&server, "p", spec, binding).await;
    let stopped = config_map("a", json!({ "c3RvcA.x": "y" }));
    let reply = server.post(CONFIG_MAPS, &stopped).await.expect(422);
    let wanted = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";
    assert!(reply.message().ends_with(wanted), "{}", reply.message());
    let limits = json!({ "metadata": { "name": "limits", "labels": { "use": "param" } }, "data": { "word": "c3Q=" } });
    server.post("/api/v1/namespaces/n/secrets", &limits).await.expect(201);
    server.post(&format!("{CONFIG_MAPS}?dryRun=All"), &stopped).await.expect(201);
    let stopped = config_map("a", json!({ "c3Q": "y" }));
    server.post(&format!("{CONFIG_MAPS}?dryRun=All"), &stopped).await.expect(201);
    let path = format!("{GROUP}/validatingadmissionpolicybindings/p-here");
    let none = json!({ "spec": { "paramRef": { "name": null, "selector": { "matchLabels": { "use": "none" } }, "parameterNotFoundAction": "Allow" } } });
    server.patch(&path, "merge", &none).await.expect(200);
    server.post(&format!("{CONFIG_MAPS}?dryRun=All"), &stopped).await.expect(201);
}

#[tokio::test]
async fn the_authorizer_can_be_asked() {
    let server = server().await;
    let ask = |name: &str| {
        format!(
            "authorizer.group('').resource('pods').namespace('n').name('{name}').check('get').allowed()"
        )
    };
    let spec = json!({ "validations": [
        { "expression": ask("web") },
        { "expression": ask("denied.x"), "message": "you may not" },
    ] });
    validating(&server, "p", spec, json!({ "validationActions": ["Deny"] })).await;
    let reply = server.post(CONFIG_MAPS, &config_map("a", json!({}))).await.expect(422);
    assert!(reply.message().ends_with("denied request: you may not"), "{}", reply.message());
}

#[tokio::test]
async fn policies_change_objects() {
    let server = server().await;
    mutating(&server, "a", json!({
        "matchConditions": [{ "name": "mine", "expression": "object.metadata.name.startsWith('x')" }],
        "reinvocationPolicy": "Never",
        "mutations": [{ "patchType": "ApplyConfiguration", "applyConfiguration": { "expression":
            "Object{metadata: Object.metadata{labels: {'made-by': 'policy'}, annotations: {'who': request.userInfo.username}}, data: {'added': 'yes'}}" } }],
    })).await;
    mutating(&server, "j", json!({
        "matchConditions": [{ "name": "mine", "expression": "object.metadata.name.startsWith('xj')" }],
        "reinvocationPolicy": "IfNeeded",
        "variables": [{ "name": "key", "expression": "'a/b_c'" }],
        "mutations": [{ "patchType": "JSONPatch", "jsonPatch": { "expression":
            "[JSONPatch{op: 'test', path: '/data/a', value: 'b'}, JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey(variables.key), value: 'patched'}]" } }],
    })).await;
    let reply = server.post(CONFIG_MAPS, &config_map("x1", json!({ "a": "b" }))).await.expect(201);
    assert_eq!(reply.at("/data"), json!({ "a": "b", "added": "yes" }));
    assert_eq!(reply.at("/metadata/labels"), json!({ "made-by": "policy" }));
    assert_eq!(reply.at("/metadata/annotations/who"), json!("tester"));
    let reply = server.post(CONFIG_MAPS, &config_map("xj1", json!({ "a": "b" }))).await.expect(201);
    assert_eq!(reply.at("/metadata/labels"), json!({ "made-by": "policy", "a/b_c": "patched" }));
    let reply = server.post(CONFIG_MAPS, &config_map("xj2", json!({ "a": "c" }))).await.expect(201);
    assert_eq!(reply.at("/metadata/labels"), json!({ "made-by": "policy" }));
    let reply = server.post(CONFIG_MAPS, &config_map("y", json!({ "a": "b" }))).await.expect(201);
    assert_eq!(reply.at("/data"), json!({ "a": "b" }));
    let applied = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x2" }, "data": { "a": "b" } });
    let path = format!("{CONFIG_MAPS}/x2?fieldManager=me");
    let reply = server.patch(&path, "apply", &applied).await.expect(201);
    assert_eq!(reply.at("/data/added"), json!("yes"));
}

#[tokio::test]
async fn a_policy_that_cannot_change_an_object_refuses_it() {
    let server = server().await;
    let spec = |expression: &str| {
        json!({
            "reinvocationPolicy": "Never",
            "mutations": [{ "patchType": "ApplyConfiguration", "applyConfiguration": { "expression": expression } }],
        })
    };
    mutating(&server, "p", spec("Object{metadata: Object.wrong{}}")).await;
    let reply = server.post(CONFIG_MAPS, &config_map("a", json!({}))).await.expect(403);
    assert_eq!(reply.at("/reason"), json!("Invalid"));
    assert_eq!(
        reply.message(),
        "policy 'p' with binding 'p-here' denied request: type mismatch: unexpected type name \"Object.wrong\", expected \
         \"Object.metadata\", which matches field name path from root Object type"
    );
}

#[tokio::test]
async fn policies_are_compiled_once_and_forgotten_with_them() {
    let server = server().await;
    let spec = json!({ "validations": [{ "expression": "false" }] });
    validating(&server, "p", spec, json!({ "validationActions": ["Deny"] })).await;
    server.post(CONFIG_MAPS, &config_map("a", json!({}))).await.expect(422);
    server.delete(&format!("{GROUP}/validatingadmissionpolicybindings/p-here")).await.expect(200);
    server.post(CONFIG_MAPS, &config_map("a", json!({}))).await.expect(201);
}

#[tokio::test]
async fn other_versions_and_scales_of_a_resource_are_meant_too() {
    let server = server().await;
    let policy = json!({ "metadata": { "name": "p" }, "spec": {
        "matchConstraints": { "resourceRules": [
            { "apiGroups": ["autoscaling"], "apiVersions": ["v2"], "operations": ["CREATE"], "resources": ["horizontalpodautoscalers"] },
            { "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments/scale"] },
        ] },
        "validations": [
            { "expression": "request.kind.kind != 'HorizontalPodAutoscaler' || object.apiVersion != 'autoscaling/v2' || object.spec.metrics[0].resource.target.averageUtilization < 60", "message": "too busy" },
            { "expression": "request.kind.kind != 'Scale' || object.spec.replicas < 5", "message": "too many" },
        ],
    } });
    server.post(&format!("{GROUP}/validatingadmissionpolicies"), &policy).await.expect(201);
    let binding = json!({ "metadata": { "name": "p" }, "spec": { "policyName": "p", "validationActions": ["Deny"] } });
    server.post(&format!("{GROUP}/validatingadmissionpolicybindings"), &binding).await.expect(201);
    let scaler = json!({ "metadata": { "name": "a" }, "spec": {
        "scaleTargetRef": { "kind": "Deployment", "name": "d", "apiVersion": "apps/v1" }, "maxReplicas": 3, "targetCPUUtilizationPercentage": 70 } });
    let reply = server
        .post("/apis/autoscaling/v1/namespaces/n/horizontalpodautoscalers", &scaler)
        .await
        .expect(422);
    assert!(reply.message().ends_with("denied request: too busy"), "{}", reply.message());
    let deployment = json!({ "metadata": { "name": "d" }, "spec": { "replicas": 9, "selector": { "matchLabels": { "a": "b" } },
        "template": { "metadata": { "labels": { "a": "b" } }, "spec": { "containers": [{ "name": "c", "image": "i" }] } } } });
    server.post("/apis/apps/v1/namespaces/n/deployments", &deployment).await.expect(201);
    let path = "/apis/apps/v1/namespaces/n/deployments/d/scale";
    let reply =
        server.patch(path, "merge", &json!({ "spec": { "replicas": 6 } })).await.expect(422);
    assert!(reply.message().ends_with("denied request: too many"), "{}", reply.message());
    server.patch(path, "merge", &json!({ "spec": { "replicas": 4 } })).await.expect(200);
}

#[tokio::test]
async fn who_binds_parameters_must_be_able_to_read_them() {
    let server = server().await;
    let spec = json!({
        "paramKind": { "apiVersion": "v1", "kind": "Secret" },
        "matchConstraints": about_config_maps(&["CREATE", "UPDATE"]),
        "validations": [{ "expression": "true" }],
    });
    let policy = json!({ "metadata": { "name": "p" }, "spec": spec });
    server.post(&format!("{GROUP}/validatingadmissionpolicies"), &policy).await.expect(201);
    let binding = json!({ "metadata": { "name": "b" }, "spec": { "policyName": "p", "validationActions": ["Deny"],
        "paramRef": { "name": "denied.x", "namespace": "n", "parameterNotFoundAction": "Deny" } } });
    let reply = server
        .post(&format!("{GROUP}/validatingadmissionpolicybindings"), &binding)
        .await
        .expect(422);
    assert_eq!(
        reply.message(),
        "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io \"b\" is invalid: spec.paramRef: Forbidden: user tester does not \
         have \"get\" permission on the object referenced by paramRef"
    );
}
