use super::*;

#[test]
fn hashes_are_those_of_kubernetes() {
    let template = json!({
        "metadata": {"labels": {"app": "db"}},
        "spec": {
            "containers": [{"image": "app:1", "imagePullPolicy": "IfNotPresent", "name": "c",
                "resources": {}, "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File"}],
            "dnsPolicy": "ClusterFirst", "restartPolicy": "Always",
            "schedulerName": "default-scheduler", "securityContext": {},
            "terminationGracePeriodSeconds": 30,
        },
    });
    let template: PodTemplateSpec = serde_json::from_value(template).expect("a template");
    assert_eq!(hash(&data(&template), 0), "fbfc8b6b8");
}

#[test]
fn go_writes_html_safe_json() {
    let mut out = String::new();
    go_json(&json!({"b": "<&>", "a": [1, true, null, "\n\u{2028}"]}), &mut out);
    assert_eq!(out, r#"{"a":[1,true,null,"\n\u2028"],"b":"\u003c\u0026\u003e"}"#);
}
