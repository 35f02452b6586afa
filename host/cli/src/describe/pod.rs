//! A Pod: where it runs, and each container with its state.

use serde_json::Value;

use super::page::{Page, conditions, plain};
use crate::session::{number, text};

pub(super) fn describe(page: &mut Page, pod: &Value) {
    page.field("Node", text(pod, "/spec/nodeName"));
    page.field("Service Account", text(pod, "/spec/serviceAccountName"));
    page.field("Status", text(pod, "/status/phase"));
    for (name, place) in [("Reason", "/status/reason"), ("Message", "/status/message")] {
        if !text(pod, place).is_empty() {
            page.field(name, text(pod, place));
        }
    }
    page.field("IP", text(pod, "/status/podIP"));
    containers(
        page,
        pod,
        "Init Containers",
        "/spec/initContainers",
        "/status/initContainerStatuses",
    );
    containers(page, pod, "Containers", "/spec/containers", "/status/containerStatuses");
    conditions(page, pod);
    volumes(page, pod);
    page.field("QoS Class", text(pod, "/status/qosClass"));
    page.map("Node-Selectors", pod.pointer("/spec/nodeSelector"), "=");
}

/// The containers of a Pod or of a template; templates have no statuses.
pub(super) fn containers(page: &mut Page, pod: &Value, title: &str, specs: &str, statuses: &str) {
    let Some(specs) = pod.pointer(specs).and_then(Value::as_array).filter(|all| !all.is_empty())
    else {
        return;
    };
    let statuses = pod.pointer(statuses).and_then(Value::as_array);
    page.section(title, |page| {
        for spec in specs {
            let name = text(spec, "/name");
            let status =
                statuses.into_iter().flatten().find(|status| text(status, "/name") == name);
            page.section(name, |page| container(page, spec, status));
        }
    });
}

fn container(page: &mut Page, spec: &Value, status: Option<&Value>) {
    page.field("Image", text(spec, "/image"));
    if let Some(status) = status {
        page.field("Image ID", text(status, "/imageID"));
    }
    let ports = spec.get("ports").and_then(Value::as_array).into_iter().flatten();
    let ports: Vec<String> = ports
        .map(|port| format!("{}/{}", number(port, "/containerPort"), text(port, "/protocol")))
        .collect();
    page.field("Ports", &ports.join(", "));
    for (name, place) in [("Command", "/command"), ("Args", "/args")] {
        if let Some(words) = spec.pointer(place).and_then(Value::as_array) {
            page.field(name, &words.iter().map(plain).collect::<Vec<_>>().join("\n"));
        }
    }
    if let Some(status) = status {
        state(page, "State", status.get("state"));
        state(page, "Last State", status.get("lastState"));
        page.field("Ready", if status["ready"] == true { "True" } else { "False" });
        page.field("Restart Count", &number(status, "/restartCount").to_string());
    }
    for (name, place) in [("Limits", "/resources/limits"), ("Requests", "/resources/requests")] {
        if spec.pointer(place).is_some() {
            page.map(name, spec.pointer(place), ": ");
        }
    }
    let env = spec.get("env").and_then(Value::as_array).into_iter().flatten();
    let env: Vec<String> = env.map(variable).collect();
    page.field("Environment", &env.join("\n"));
    let mounts = spec.get("volumeMounts").and_then(Value::as_array).into_iter().flatten();
    let mounts: Vec<String> = mounts
        .map(|mount| {
            let access = if mount["readOnly"] == true { "ro" } else { "rw" };
            format!("{} from {} ({access})", text(mount, "/mountPath"), text(mount, "/name"))
        })
        .collect();
    page.field("Mounts", &mounts.join("\n"));
}

fn variable(variable: &Value) -> String {
    let name = text(variable, "/name");
    let Some(source) = variable.get("valueFrom").and_then(Value::as_object) else {
        return format!("{name}: {}", text(variable, "/value"));
    };
    // A Secret's value is not read here, so that it cannot be shown.
    let source: Vec<String> =
        source.iter().map(|(kind, source)| format!("{kind} {source}")).collect();
    format!("{name}: <from {}>", source.join(""))
}

fn state(page: &mut Page, title: &str, state: Option<&Value>) {
    let Some((kind, details)) =
        state.and_then(Value::as_object).and_then(|states| states.iter().next())
    else {
        return;
    };
    let details = details.as_object().into_iter().flatten();
    let details = details.map(|(name, value)| format!("{name}: {}", plain(value)));
    let lines: Vec<String> = std::iter::once(kind.clone()).chain(details).collect();
    page.field(title, &lines.join("\n"));
}

fn volumes(page: &mut Page, pod: &Value) {
    let Some(volumes) =
        pod.pointer("/spec/volumes").and_then(Value::as_array).filter(|all| !all.is_empty())
    else {
        return;
    };
    page.section("Volumes", |page| {
        for volume in volumes {
            let source = volume.as_object().into_iter().flatten().find(|(name, _)| *name != "name");
            let kind = source.map_or("", |(kind, _)| kind.as_str());
            page.field(text(volume, "/name"), kind);
        }
    });
}
