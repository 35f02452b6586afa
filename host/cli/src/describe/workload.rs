//! A workload: how many Pods it wants and has, and their template.

use serde_json::Value;

use super::{
    fields,
    page::{Page, conditions},
    pod,
};
use crate::session::text;

pub(super) fn describe(page: &mut Page, workload: &Value) {
    let labels = workload
        .pointer("/spec/selector/matchLabels")
        .or_else(|| workload.pointer("/spec/selector"));
    page.map("Selector", labels, "=");
    let spec = workload.get("spec").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in spec.filter(|(name, _)| *name != "selector" && *name != "template") {
        fields::field(page, name, value);
    }
    let status = workload.get("status").and_then(Value::as_object).into_iter().flatten();
    page.section("Status", |page| {
        for (name, value) in status.filter(|(name, _)| *name != "conditions") {
            fields::field(page, name, value);
        }
    });
    conditions(page, workload);
    page.section("Pod Template", |page| {
        page.map("Labels", workload.pointer("/spec/template/metadata/labels"), "=");
        let account = text(workload, "/spec/template/spec/serviceAccountName");
        if !account.is_empty() {
            page.field("Service Account", account);
        }
        pod::containers(
            page,
            workload,
            "Init Containers",
            "/spec/template/spec/initContainers",
            "",
        );
        pod::containers(page, workload, "Containers", "/spec/template/spec/containers", "/none");
    });
}
