//! A Node: what the machine is and has.

use serde_json::Value;

use super::page::{Page, conditions};
use crate::session::text;

pub(super) fn describe(page: &mut Page, node: &Value) {
    let taints = node.pointer("/spec/taints").and_then(Value::as_array).into_iter().flatten();
    let taints: Vec<String> = taints
        .map(|taint| {
            let value = text(taint, "/value");
            let equals = if value.is_empty() { "" } else { "=" };
            format!("{}{equals}{value}:{}", text(taint, "/key"), text(taint, "/effect"))
        })
        .collect();
    page.field("Taints", &taints.join("\n"));
    page.field(
        "Unschedulable",
        &(node.pointer("/spec/unschedulable") == Some(&Value::Bool(true))).to_string(),
    );
    conditions(page, node);
    let addresses =
        node.pointer("/status/addresses").and_then(Value::as_array).into_iter().flatten();
    page.section("Addresses", |page| {
        for address in addresses {
            page.field(text(address, "/type"), text(address, "/address"));
        }
    });
    page.map("Capacity", node.pointer("/status/capacity"), ": ");
    page.map("Allocatable", node.pointer("/status/allocatable"), ": ");
    page.map("System Info", node.pointer("/status/nodeInfo"), ": ");
    page.field("PodCIDR", text(node, "/spec/podCIDR"));
}
