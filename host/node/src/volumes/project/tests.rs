#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::*;

fn check(volume: &str, expected: &str) {
    let pod: core::Pod = serde_json::from_str(
        r#"{"metadata":{"name":"web","labels":{"app":"x"}},"spec":{"containers":[{"name":"c"}]}}"#,
    )
    .unwrap();
    let volume: core::Volume =
        serde_json::from_str(&format!(r#"{{"name":"v",{volume}}}"#)).unwrap();
    let facts =
        Facts { pod: &pod, pod_ip: None, host_ip: None, node_cpu_millis: 0, node_memory_bytes: 0 };
    let config: core::ConfigMap =
        serde_json::from_str(r#"{"data":{"a":"1","b":"2"},"binaryData":{"c":"Mw=="}}"#).unwrap();
    let need = TokenNeed { audience: String::new(), lifetime_secs: 3600 };
    let materials = Materials {
        config_maps: BTreeMap::from([("conf".into(), Arc::new(config))]),
        tokens: BTreeMap::from([(need, "token".into())]),
        ..Materials::default()
    };
    let got = match project(&volume, &facts, &materials) {
        Ok(files) => files
            .iter()
            .map(|(path, c)| format!("{path}={}:{:o}", String::from_utf8_lossy(&c.bytes), c.mode))
            .collect::<Vec<_>>()
            .join(" "),
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(got, expected, "{volume:?}");
}

#[test]
fn sources_become_files() {
    check(r#""configMap":{"name":"conf"}"#, "a=1:644 b=2:644 c=3:644");
    check(
        r#""configMap":{"name":"conf","defaultMode":256,"items":[{"key":"a","path":"x/y","mode":292}]}"#,
        "x/y=1:444",
    );
    check(
        r#""configMap":{"name":"conf","items":[{"key":"z","path":"z"}]}"#,
        "error: configmap references non-existent config key: z",
    );
    check(r#""configMap":{"name":"no"}"#, "error: configmap \"no\" not found");
    check(r#""secret":{"secretName":"no","optional":true}"#, "");
    check(
        r#""downwardAPI":{"items":[{"path":"l","fieldRef":{"fieldPath":"metadata.labels"}}]}"#,
        "l=app=\"x\":644",
    );
    check(
        r#""projected":{"sources":[{"configMap":{"name":"conf","items":[{"key":"a","path":"ca"}]}},{"serviceAccountToken":{"path":"token"}}]}"#,
        "ca=1:644 token=token:644",
    );
}

#[test]
fn paths_cannot_leave_the_volume() {
    for path in ["../x", "/x", "a/../b", "..data"] {
        check(
            &format!(r#""configMap":{{"name":"conf","items":[{{"key":"a","path":"{path}"}}]}}"#),
            &format!("error: path \"{path}\" leads out of the volume"),
        );
    }
}

#[test]
fn other_types_are_named() {
    let volume: core::Volume =
        serde_json::from_str(r#"{"name":"v","nfs":{"server":"s","path":"/"}}"#).unwrap();
    assert_eq!(kind(&volume), Kind::Unsupported("nfs".into()));
}
