#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;
use crate::authorization::bootstrap;
use crate::seams::ResourceAttempt;

fn objects() -> Objects {
    let metadata = |name: &str| json!({ "name": name, "namespace": "ns" });
    let binding = |name: &str, kind: &str, role: &str, subjects: serde_json::Value| {
        serde_json::from_value(json!({
            "metadata": metadata(name),
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role },
            "subjects": subjects,
        }))
        .unwrap()
    };
    let rules = json!([
        { "apiGroups": [""], "resources": ["pods/log", "configmaps"], "resourceNames": ["one"], "verbs": ["get"] },
        { "apiGroups": ["apps"], "resources": ["*"], "verbs": ["list"] },
        { "apiGroups": [""], "resources": ["*/status"], "verbs": ["patch"] },
    ]);
    Objects {
        roles: vec![
            serde_json::from_value(json!({ "metadata": metadata("r"), "rules": rules })).unwrap(),
        ],
        role_bindings: vec![
            binding("b", "Role", "r", json!([{ "kind": "Group", "name": "readers" }])),
            binding("c", "Role", "none", json!([{ "kind": "User", "name": "lost" }])),
            binding("d", "Role", "r", json!([{ "kind": "ServiceAccount", "name": "sa" }])),
        ],
        ..Objects::default()
    }
}

fn identity(name: &str, groups: &[&str]) -> Identity {
    let groups = groups.iter().map(ToString::to_string).collect();
    Identity { name: name.to_owned(), groups, ..Identity::default() }
}

/// `verb namespace group resource[/subresource] name`, with `-` for nothing; or `verb /path`.
fn decide(policy: &Policy, identity: &Identity, text: &str) -> Decision {
    let words: Vec<&str> =
        text.split(' ').map(|word| if word == "-" { "" } else { word }).collect();
    let resource = words.get(1).filter(|word| !word.starts_with('/')).map(|namespace| {
        let (resource, subresource) = words[3].split_once('/').unwrap_or((words[3], ""));
        ResourceAttempt {
            group: words[2],
            version: "v1",
            resource,
            subresource,
            namespace,
            name: words[4],
            ..ResourceAttempt::default()
        }
    });
    let path = words.get(1).copied().unwrap_or_default();
    policy.authorize(&Attempt { identity, verb: words[0], resource, path })
}

fn check(identity: &Identity, text: &str, expected: Result<&str, &str>) {
    let policy = Policy::compile(objects());
    let decision = match decide(&policy, identity, text) {
        Decision::Allow { reason } => Ok(reason),
        Decision::Deny { reason } | Decision::NoOpinion { reason } => Err(reason),
    };
    assert_eq!(decision.as_ref().map(String::as_str).map_err(String::as_str), expected, "{text}");
}

#[test]
fn rules_match_verb_group_resource_and_name() {
    let reader = identity("u", &["readers"]);
    let allowed = "RBAC: allowed by RoleBinding \"b/ns\" of Role \"r\" to Group \"readers\"";
    check(&reader, "get ns - configmaps one", Ok(allowed));
    check(&reader, "get ns - configmaps two", Err(""));
    check(&reader, "get ns - pods/log one", Ok(allowed));
    check(&reader, "get ns - pods one", Err(""));
    check(&reader, "list ns apps deployments/scale -", Ok(allowed));
    check(&reader, "list default apps deployments -", Err(""));
    check(&reader, "list - apps deployments -", Err(""));
    check(&reader, "patch ns - nodes/status n", Ok(allowed));
    check(&reader, "get /healthz", Err(""));
}

#[test]
fn subjects_are_users_groups_and_service_accounts() {
    let account = "RBAC: allowed by RoleBinding \"d/ns\" of Role \"r\" to ServiceAccount \"sa/ns\"";
    check(&identity("system:serviceaccount:ns:sa", &[]), "list ns apps x -", Ok(account));
    check(&identity("system:serviceaccount:default:sa", &[]), "list ns apps x -", Err(""));
    let lost = "RBAC: role.rbac.authorization.k8s.io \"none\" not found";
    check(&identity("lost", &[]), "list ns apps x -", Err(lost));
}

#[test]
fn rules_can_be_told() {
    let policy = Policy::compile(objects());
    assert_eq!(policy.rules_for(&identity("u", &["readers"]), "ns").rules.len(), 3);
    assert_eq!(policy.rules_for(&identity("u", &["readers"]), "default").rules.len(), 0);
    let lost = policy.rules_for(&identity("lost", &[]), "ns");
    assert_eq!(lost.errors, ["role.rbac.authorization.k8s.io \"none\" not found"]);
}

#[test]
fn the_roles_that_a_cluster_is_born_with_grant_what_they_should() {
    let policy = Policy::compile(bootstrap::objects());
    let may = |identity: &Identity, text: &str| decide(&policy, identity, text).is_allowed();
    let somebody = identity("u", &["system:authenticated"]);
    let nobody = identity("system:anonymous", &["system:unauthenticated"]);
    for path in ["/api", "/apis/apps/v1", "/openapi/v3", "/version", "/livez"] {
        assert!(may(&somebody, &format!("get {path}")), "{path}");
    }
    assert!(may(&nobody, "get /version") && may(&nobody, "get /healthz"));
    assert!(!may(&nobody, "get /api") && !may(&somebody, "get /metrics"));
    assert!(may(&somebody, "create - authorization.k8s.io selfsubjectaccessreviews -"));
    assert!(!may(&somebody, "list - - pods -"));
    let scheduler = identity("system:kube-scheduler", &[]);
    assert!(
        may(&scheduler, "create ns - pods/binding p") && !may(&scheduler, "delete ns - secrets s")
    );
    let controller = identity("system:serviceaccount:kube-system:deployment-controller", &[]);
    assert!(may(&controller, "create ns apps replicasets -"));
}

#[test]
fn collecting_roles_are_filled_and_every_line_of_the_facts_counts() {
    let objects = bootstrap::objects();
    let find = |name: &str| {
        let role =
            objects.cluster_roles.iter().find(|role| role.metadata.name.as_deref() == Some(name));
        role.and_then(|role| role.rules.as_ref()).map_or(0, Vec::len)
    };
    assert_eq!((find("view"), find("edit"), find("admin")), (12, 27, 29));
    assert_eq!(objects.cluster_roles.len(), 73);
    assert_eq!(objects.cluster_role_bindings.len(), 54);
    assert_eq!((objects.roles.len(), objects.role_bindings.len()), (7, 7));
}
