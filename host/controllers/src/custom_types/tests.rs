use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use serde_json::{Value, json};

use super::*;
use crate::Controller;
use crate::laws::told;
use crate::laws::world::World;

fn world() -> World {
    World::new(Timestamp::UNIX_EPOCH)
}

fn define(world: &mut World, name: &str, names: Value) {
    let (plural, group) = name.split_once('.').expect("a plural name and a group");
    let mut names = names;
    names["plural"] = json!(plural);
    world.put::<CustomResourceDefinition>(json!({
        "metadata": {"name": name},
        "spec": {"group": group, "scope": "Namespaced", "names": names,
            "versions": [{"name": "v1", "served": true, "storage": true}]},
    }));
}

fn act(world: &mut World, controller: &dyn Controller, name: &str) {
    for action in told::plan(controller, world, name).actions {
        world.apply(action).expect("it is allowed");
    }
}

fn find(world: &World, name: &str) -> Option<CustomResourceDefinition> {
    let all = world.all::<CustomResourceDefinition>();
    all.into_iter().find(|one| one.metadata.name.as_deref() == Some(name))
}

/// `NamesAccepted=True NoConflicts, Established=True InitialNamesAccepted`
fn said(world: &World, name: &str) -> String {
    let definition = find(world, name).expect("the definition is there");
    let conditions = definition.status.unwrap_or_default().conditions.unwrap_or_default();
    let words = conditions.iter().map(|condition| {
        format!("{}={} {}", condition.type_, condition.status, condition.reason.or_empty())
    });
    words.collect::<Vec<_>>().join(", ")
}

fn message(world: &World, name: &str) -> String {
    let definition = find(world, name).expect("the definition is there");
    condition(&definition, NAMES_ACCEPTED)
        .map(|one| one.message.or_empty().to_owned())
        .unwrap_or_default()
}

const SERVED: &str = "NamesAccepted=True NoConflicts, Established=True InitialNamesAccepted";

#[test]
fn a_definition_with_names_of_its_own_is_served() {
    let mut world = world();
    define(
        &mut world,
        "lamps.x.io",
        json!({"kind": "Lamp", "singular": "lamp", "shortNames": ["l"]}),
    );
    act(&mut world, &conditions::Conditions, "lamps.x.io");
    assert_eq!(said(&world, "lamps.x.io"), SERVED);
    let names =
        find(&world, "lamps.x.io").and_then(|one| one.status?.accepted_names).expect("names");
    assert_eq!(names, find(&world, "lamps.x.io").expect("it").spec.names);
    assert!(told::plan(&conditions::Conditions, &world, "lamps.x.io").actions.is_empty());
}

#[test]
fn names_are_given_once_in_a_group() {
    let check = |name: &str, names: Value, reason: &str, text: &str| {
        let mut world = world();
        let first = json!({"kind": "Lamp", "listKind": "Lamps", "singular": "lamp", "shortNames": ["l", "la"]});
        define(&mut world, "lamps.x.io", first);
        act(&mut world, &conditions::Conditions, "lamps.x.io");
        define(&mut world, name, names);
        act(&mut world, &conditions::Conditions, name);
        let expected = match reason {
            "" => SERVED.to_owned(),
            reason => format!("NamesAccepted=False {reason}, Established=False NotAccepted"),
        };
        assert_eq!(said(&world, name), expected);
        assert_eq!(message(&world, name), text, "{name}");
    };
    let fine = "no conflicts found";
    check("torches.x.io", json!({"kind": "Torch"}), "", fine);
    check("torches.x.io", json!({"kind": "Lamp"}), "KindConflict", "\"Lamp\" is already in use");
    check("torches.x.io", json!({"kind": "Lamps"}), "KindConflict", "\"Lamps\" is already in use");
    let list = json!({"kind": "Torch", "listKind": "Lamp"});
    check("torches.x.io", list, "ListKindConflict", "\"Lamp\" is already in use");
    let singular = json!({"kind": "Torch", "singular": "lamp"});
    check("torches.x.io", singular, "SingularConflict", "\"lamp\" is already in use");
    check("la.x.io", json!({"kind": "Torch"}), "PluralConflict", "\"la\" is already in use");
    let short = json!({"kind": "Torch", "shortNames": ["t", "l", "la", "l"]});
    let both = "[\"l\" is already in use, \"la\" is already in use]";
    check("torches.x.io", short, "ShortNamesConflict", both);
    check("lamps.other.io", json!({"kind": "Lamp"}), "", fine);
}

#[test]
fn the_oldest_of_those_who_ask_at_once_is_first() {
    let mut world = world();
    define(&mut world, "b.x.io", json!({"kind": "Lamp"}));
    define(&mut world, "a.x.io", json!({"kind": "Lamp"}));
    assert!(told::plan(&conditions::Conditions, &world, "b.x.io").actions.is_empty());
    act(&mut world, &conditions::Conditions, "a.x.io");
    act(&mut world, &conditions::Conditions, "b.x.io");
    assert_eq!(said(&world, "a.x.io"), SERVED);
    assert!(said(&world, "b.x.io").starts_with("NamesAccepted=False KindConflict"));
}

#[test]
fn groups_of_the_community_are_told_of() {
    let check = |group: &str, annotation: &str, expected: Option<(&str, bool)>| {
        let definition: CustomResourceDefinition = serde_json::from_value(json!({
            "metadata": {"name": "a", "annotations": {"api-approved.kubernetes.io": annotation}},
            "spec": {"group": group, "scope": "Cluster", "names": {"plural": "a", "kind": "A"}, "versions": []},
        }))
        .expect("a definition");
        let said = approval::said(&definition);
        assert_eq!(said.map(|said| (said.reason, said.is)), expected, "{group} {annotation}");
    };
    check("example.com", "", None);
    check("notk8s.io", "", None);
    check("x.k8s.io", "", Some(("MissingAnnotation", false)));
    check("k8s.io", "unapproved, a try", Some(("UnapprovedAnnotation", false)));
    check("x.kubernetes.io", "https://example.com/1", Some(("ApprovedAnnotation", true)));
    check("x.k8s.io", "yes", Some(("InvalidAnnotation", false)));
    check("x.k8s.io", "git+ssh://example.com/1", Some(("ApprovedAnnotation", true)));
    check("x.k8s.io", "9p://example.com/1", Some(("InvalidAnnotation", false)));
    check("x.k8s.io", "https://", Some(("InvalidAnnotation", false)));
}

fn ending(world: &mut World, is_established: bool) {
    let status = if is_established { "True" } else { "False" };
    world.put::<CustomResourceDefinition>(json!({
        "metadata": {"name": "lamps.x.io", "deletionTimestamp": "1970-01-01T00:00:00Z",
            "finalizers": ["customresourcecleanup.apiextensions.k8s.io"]},
        "spec": {"group": "x.io", "scope": "Namespaced", "names": {"plural": "lamps", "kind": "Lamp"},
            "versions": [{"name": "v1", "served": true, "storage": true}]},
        "status": {"conditions": [{"type": "Established", "status": status}]},
    }));
}

#[test]
fn a_definition_ends_after_its_objects() {
    let mut world = world();
    ending(&mut world, true);
    act(&mut world, &ending::Ending, "lamps.x.io");
    assert!(said(&world, "lamps.x.io").ends_with("Terminating=True InstanceDeletionInProgress"));
    let plan = told::plan(&ending::Ending, &world, "lamps.x.io");
    assert_eq!(told::told(&plan), "status if no lamps");
    act(&mut world, &ending::Ending, "lamps.x.io");
    assert!(find(&world, "lamps.x.io").is_none());
}

#[test]
fn what_was_never_served_ends_at_once() {
    let mut world = world();
    ending(&mut world, false);
    let plan = told::plan(&ending::Ending, &world, "lamps.x.io");
    assert_eq!(told::told(&plan), "status");
    act(&mut world, &ending::Ending, "lamps.x.io");
    assert!(find(&world, "lamps.x.io").is_none());
}

#[test]
fn groups_are_registered_as_long_as_somebody_defines_them() {
    let mut world = world();
    define(&mut world, "lamps.x.io", json!({"kind": "Lamp"}));
    act(&mut world, &groups::Registered, "lamps.x.io");
    let services = world.all::<APIService>();
    let tree = serde_json::to_value(services.first()).expect("it is JSON");
    assert_eq!(tree["metadata"]["name"], "v1.x.io");
    let spec = json!({"group": "x.io", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 100});
    assert_eq!(tree["spec"], spec);
    assert!(told::plan(&groups::Registered, &world, "lamps.x.io").actions.is_empty());
    assert!(told::plan(&groups::Unregistered, &world, "v1.x.io").actions.is_empty());

    let mut empty = World::new(Timestamp::UNIX_EPOCH);
    for how in ["true", "onstart"] {
        let mut tree = tree.clone();
        tree["metadata"]["labels"]["kube-aggregator.kubernetes.io/automanaged"] = json!(how);
        empty.put::<APIService>(tree);
        let plan = told::plan(&groups::Unregistered, &empty, "v1.x.io");
        assert_eq!(told::told(&plan), if how == "true" { "delete v1.x.io" } else { "" });
    }
}

#[test]
fn groups_of_the_server_itself_stay_as_they_are() {
    let mut world = world();
    define(&mut world, "lamps.apps", json!({"kind": "Lamp"}));
    assert!(told::plan(&groups::Registered, &world, "lamps.apps").actions.is_empty());
}
