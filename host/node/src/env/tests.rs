#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::*;

fn pod(text: &str) -> core::Pod {
    serde_json::from_str(text).unwrap()
}

fn facts(pod: &core::Pod) -> Facts<'_> {
    Facts {
        pod,
        pod_ip: Some([100, 64, 0, 2].into()),
        host_ip: Some([192, 0, 2, 1].into()),
        node_cpu_millis: 2000,
        node_memory_bytes: 4 << 30,
    }
}

fn check(env: &str, expected: &str) {
    let text = format!(
        r#"{{"metadata":{{"name":"web-0","namespace":"shop","uid":"u1","labels":{{"app":"web"}},"annotations":{{"a":"say \"hi\""}}}},
            "spec":{{"nodeName":"n1","containers":[{{"name":"c","resources":{{"limits":{{"memory":"64Mi"}},"requests":{{"cpu":"150m"}}}},{env}}}]}}}}"#
    );
    let pod = pod(&text);
    let container = &pod.spec.as_ref().unwrap().containers[0];
    let config: core::ConfigMap =
        serde_json::from_str(r#"{"metadata":{"name":"conf"},"data":{"A":"1","B":"2"}}"#).unwrap();
    let secret: core::Secret =
        serde_json::from_str(r#"{"metadata":{"name":"sec"},"data":{"P":"cHc="}}"#).unwrap();
    let materials = Materials {
        config_maps: BTreeMap::from([("conf".into(), Arc::new(config))]),
        secrets: BTreeMap::from([("sec".into(), Arc::new(secret))]),
        ..Materials::default()
    };
    let got = match environment(container, &facts(&pod), &materials, Vec::new()) {
        Ok(list) => {
            list.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        }
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(got, expected, "{env}");
}

#[test]
fn plain_values_refer_to_earlier_ones() {
    check(
        r#""env":[{"name":"X","value":"1"},{"name":"Y","value":"$(X)$(X) $$(X) $(Z) $"},{"name":"X","value":"3"}]"#,
        "X=3 Y=11 $(X) $(Z) $",
    );
}

#[test]
fn sources_fill_in_and_later_ones_win() {
    check(
        r#""envFrom":[{"configMapRef":{"name":"conf"}},{"prefix":"S_","secretRef":{"name":"sec"}}],"env":[{"name":"A","value":"own"}]"#,
        "A=own B=2 S_P=pw",
    );
    check(r#""envFrom":[{"configMapRef":{"name":"no"}}]"#, "error: configmap \"no\" not found");
    check(r#""envFrom":[{"secretRef":{"name":"no","optional":true}}]"#, "");
}

#[test]
fn keys_fields_and_resources_become_values() {
    let of = |source: &str| format!(r#""env":[{{"name":"V","valueFrom":{{{source}}}}}]"#);
    let cases = [
        (r#""configMapKeyRef":{"name":"conf","key":"A"}"#, "V=1"),
        (r#""secretKeyRef":{"name":"sec","key":"P"}"#, "V=pw"),
        (
            r#""secretKeyRef":{"name":"sec","key":"Q"}"#,
            "error: couldn't find key Q in Secret shop/sec",
        ),
        (r#""secretKeyRef":{"name":"no","key":"Q"}"#, "error: secret \"no\" not found"),
        (r#""secretKeyRef":{"name":"no","key":"Q","optional":true}"#, ""),
        (r#""fieldRef":{"fieldPath":"metadata.name"}"#, "V=web-0"),
        (r#""fieldRef":{"fieldPath":"metadata.labels['app']"}"#, "V=web"),
        (r#""fieldRef":{"fieldPath":"metadata.annotations"}"#, r#"V=a="say \"hi\"""#),
        (r#""fieldRef":{"fieldPath":"status.podIP"}"#, "V=100.64.0.2"),
        (r#""fieldRef":{"fieldPath":"spec.no"}"#, "error: unsupported fieldPath: spec.no"),
        (r#""resourceFieldRef":{"resource":"limits.memory"}"#, "V=67108864"),
        (r#""resourceFieldRef":{"resource":"limits.memory","divisor":"1Mi"}"#, "V=64"),
        (r#""resourceFieldRef":{"resource":"requests.cpu"}"#, "V=1"),
        (r#""resourceFieldRef":{"resource":"requests.cpu","divisor":"1m"}"#, "V=150"),
        (r#""resourceFieldRef":{"resource":"limits.cpu"}"#, "V=2"),
    ];
    for (source, expected) in cases {
        check(&of(source), expected);
    }
}

#[test]
fn services_announce_themselves() {
    let service: core::Service = serde_json::from_str(
        r#"{"metadata":{"name":"my-db"},"spec":{"clusterIP":"10.43.0.9","ports":[{"name":"sql","port":5432}]}}"#,
    )
    .unwrap();
    let headless: core::Service = serde_json::from_str(
        r#"{"metadata":{"name":"h"},"spec":{"clusterIP":"None","ports":[{"port":1}]}}"#,
    )
    .unwrap();
    let variables = of_services([&service, &headless].into_iter());
    let lines: Vec<String> = variables.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(
        lines,
        [
            "MY_DB_SERVICE_HOST=10.43.0.9",
            "MY_DB_SERVICE_PORT=5432",
            "MY_DB_SERVICE_PORT_SQL=5432",
            "MY_DB_PORT=tcp://10.43.0.9:5432",
            "MY_DB_PORT_5432_TCP=tcp://10.43.0.9:5432",
            "MY_DB_PORT_5432_TCP_PROTO=tcp",
            "MY_DB_PORT_5432_TCP_PORT=5432",
            "MY_DB_PORT_5432_TCP_ADDR=10.43.0.9",
        ]
    );
}
