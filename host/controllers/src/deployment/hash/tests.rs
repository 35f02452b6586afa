use serde_json::{Value, json};

use super::*;

/// The template as the server stores it: with its defaults.
fn template(image: &str, container: Value, spec: Value) -> PodTemplateSpec {
    let mut tree = json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "containers": [{
                "name": "c",
                "image": image,
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent",
            }],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "securityContext": {},
            "schedulerName": "default-scheduler",
        },
    });
    let merge = |into: &mut Value, more: Value| {
        let Value::Object(more) = more else { return };
        more.into_iter().for_each(|(key, value)| into[key] = value);
    };
    merge(&mut tree["spec"]["containers"][0], container);
    merge(&mut tree["spec"], spec);
    serde_json::from_value(tree).expect("a template")
}

fn check(image: &str, container: Value, spec: Value, expected: &str) {
    assert_eq!(template_hash(&template(image, container, spec), None), expected);
}

#[test]
fn hashes_are_those_of_kubernetes() {
    check("registry.example/app:1", json!({}), json!({}), "6c55b65c49");
    check("registry.example/app:2", json!({}), json!({}), "64b99868");
    check("registry.example/app:3", json!({}), json!({}), "f89b65d99");
    for (resource, amount, expected) in [
        ("cpu", "500m", "5f94db699b"),
        ("cpu", "1500m", "5dc44dc8b"),
        ("cpu", "2", "7f46c584bc"),
        ("memory", "1M", "754cbd69f"),
        ("memory", "1G", "5c944ccd4b"),
        ("memory", "1e3", "5f9bc94ffd"),
        ("memory", "8Gi", "56cff66d66"),
        ("memory", "1536Mi", "f449bf9ff"),
    ] {
        let resources = json!({"resources": {"requests": {resource: amount}}});
        check("app:1", resources, json!({}), expected);
    }
}

#[test]
fn a_template_with_many_fields_has_the_hash_of_kubernetes() {
    let rich: PodTemplateSpec =
        serde_json::from_str(include_str!("rich.json")).expect("a template");
    assert_eq!(template_hash(&rich, None), "846d89cfc8");
}

#[test]
fn a_collision_changes_the_hash() {
    let template = template("app:1", json!({}), json!({}));
    let of = |collisions| template_hash(&template, collisions);
    assert_ne!(of(None), of(Some(1)));
    assert_ne!(of(Some(1)), of(Some(2)));
}
