//! The options of a connection as an object, which is what policies and webhooks see of it.

use meta::Tree;
use serde_json::json;

use crate::query::Query;
use crate::request::ResourceRequest;

/// The options of a connection; none for what only reads.
pub(super) fn options(query: &Query, request: &ResourceRequest, kind: &str) -> Option<Tree> {
    let of = |kind: &str| json!({ "kind": kind, "apiVersion": "v1" });
    let mut options = match (kind, request.subresource.as_str()) {
        ("Pod", "exec") => of("PodExecOptions"),
        ("Pod", "attach") => of("PodAttachOptions"),
        ("Pod", "portforward") => of("PodPortForwardOptions"),
        (kind, "proxy") => of(&format!("{kind}ProxyOptions")),
        _ => return None,
    };
    match request.subresource.as_str() {
        "proxy" => {
            if !request.rest.is_empty() {
                options["path"] = format!("/{}", request.rest.join("/")).into();
            }
        }
        "portforward" => {
            let ports: Vec<i64> = query.all("ports").filter_map(|port| port.parse().ok()).collect();
            if !ports.is_empty() {
                options["ports"] = json!(ports);
            }
        }
        _ => streams(query, &mut options),
    }
    Some(options)
}

fn streams(query: &Query, options: &mut Tree) {
    for name in ["stdin", "stdout", "stderr", "tty"] {
        if query.maybe_flag(name) == Some(true) {
            options[name] = true.into();
        }
    }
    if let Some(container) = query.first("container").filter(|name| !name.is_empty()) {
        options["container"] = container.into();
    }
    let command: Vec<&str> = query.all("command").collect();
    if !command.is_empty() {
        options["command"] = json!(command);
    }
}
