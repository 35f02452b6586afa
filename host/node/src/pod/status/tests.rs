#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::pod::{Event, Image, Plan, step};

fn running(gates: &str) -> (core::Pod, Pod, Timestamp) {
    let text = format!(
        r#"{{"metadata":{{"name":"web","namespace":"default","uid":"u1","generation":3}},
            "spec":{{{gates}"containers":[{{"name":"a","image":"web:v1","readinessProbe":{{"tcpSocket":{{"port":80}}}}}}]}}}}"#
    );
    let object: core::Pod = serde_json::from_str(&text).unwrap();
    let now = Timestamp::from_second(1_000_000).unwrap();
    let mut pod = Pod::new(Plan::of(&object), now);
    step(&mut pod, Event::Tick, now);
    step(&mut pod, Event::Prepared { ip: [100, 64, 0, 2].into() }, now);
    let image = Image { id: "web@sha256:1".into(), note: String::new() };
    step(&mut pod, Event::Pulled { container: 0, image }, now);
    step(&mut pod, Event::Started { container: 0, instance: 1 }, now);
    (object, pod, now)
}

fn conditions(status: &core::PodStatus) -> Vec<String> {
    let conditions = status.conditions.iter().flatten();
    conditions
        .map(|condition| {
            let why = condition.reason.as_deref().unwrap_or_default();
            let message = condition.message.as_deref().unwrap_or_default();
            format!("{}={} {why} {message}", condition.type_, condition.status).trim().to_owned()
        })
        .collect()
}

#[test]
fn a_running_pod_says_all_that_is_known() {
    let (object, mut pod, now) = running("");
    let around = Surroundings { pod: &object, host_ip: Some([192, 0, 2, 1].into()), now };
    let shown = status(&pod, &around);
    assert_eq!(
        conditions(&shown),
        [
            "PodReadyToStartContainers=True",
            "Initialized=True",
            "ContainersReady=False ContainersNotReady containers with unready status: [a]",
            "Ready=False ContainersNotReady containers with unready status: [a]",
        ]
    );
    assert_eq!(shown.pod_ip.as_deref(), Some("100.64.0.2"));
    assert_eq!(shown.host_ip.as_deref(), Some("192.0.2.1"));
    assert_eq!((shown.phase.as_deref(), shown.observed_generation), (Some("Running"), Some(3)));
    let container = &shown.container_statuses.as_ref().unwrap()[0];
    assert_eq!(container.image_id, "web@sha256:1");
    assert!(container.container_id.as_ref().unwrap().starts_with("skiff://"));
    assert_eq!((container.ready, container.started), (false, Some(true)));

    let later = crate::pod::after_secs(now, 5);
    let kind = crate::pod::ProbeKind::Readiness;
    step(&mut pod, Event::Tick, now);
    step(&mut pod, Event::Probed { container: 0, instance: 1, kind, error: None }, later);
    let shown = status(&pod, &Surroundings { now: later, ..around });
    let ready = shown.conditions.unwrap().pop().unwrap();
    assert_eq!((ready.type_.as_str(), ready.status.as_str()), ("Ready", "True"));
    assert_eq!(ready.last_transition_time.unwrap().0, later);
}

#[test]
fn readiness_gates_hold_a_pod_back() {
    let (mut object, mut pod, now) = running(r#""readinessGates":[{"conditionType":"x.io/g"}],"#);
    let kind = crate::pod::ProbeKind::Readiness;
    step(&mut pod, Event::Tick, now);
    step(&mut pod, Event::Probed { container: 0, instance: 1, kind, error: None }, now);
    let last = |object: &core::Pod| {
        let around = Surroundings { pod: object, host_ip: None, now };
        conditions(&status(&pod, &around)).pop().unwrap()
    };
    assert_eq!(
        last(&object),
        "Ready=False ReadinessGatesNotReady corresponding condition of pod readiness gate \"x.io/g\" does not exist."
    );
    object.status =
        serde_json::from_str(r#"{"conditions":[{"type":"x.io/g","status":"True"}]}"#).unwrap();
    assert_eq!(last(&object), "Ready=True");
}
