//! A Service: its addresses, and the Pods behind each port.

use serde_json::Value;

use super::page::{Page, plain};
use crate::{
    session::{Session, number, text},
    watching::escape,
};

/// The slices of a Service.
pub(super) async fn endpoints(session: &Session, service: &Value) -> anyhow::Result<Vec<Value>> {
    let namespace = text(service, "/metadata/namespace");
    let selector =
        escape(&format!("kubernetes.io/service-name={}", text(service, "/metadata/name")));
    let path = format!(
        "/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?labelSelector={selector}"
    );
    let mut list = session.read(&path).await?;
    Ok(serde_json::from_value(list["items"].take()).unwrap_or_default())
}

pub(super) fn describe(page: &mut Page, service: &Value, slices: &[Value]) {
    page.map("Selector", service.pointer("/spec/selector"), "=");
    page.field("Type", text(service, "/spec/type"));
    let addresses =
        service.pointer("/spec/clusterIPs").and_then(Value::as_array).into_iter().flatten();
    page.field("IPs", &addresses.map(plain).collect::<Vec<_>>().join(", "));
    if !text(service, "/spec/externalName").is_empty() {
        page.field("External Name", text(service, "/spec/externalName"));
    }
    for port in service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten() {
        let name = text(port, "/name");
        let title = if name.is_empty() { "<unset>" } else { name };
        page.section(&format!("Port {title}"), |page| {
            page.field("Port", &format!("{}/{}", number(port, "/port"), text(port, "/protocol")));
            page.field("Target Port", &port.get("targetPort").map(plain).unwrap_or_default());
            if number(port, "/nodePort") > 0 {
                page.field("Node Port", &number(port, "/nodePort").to_string());
            }
            page.field("Endpoints", &behind(slices, name).join("\n"));
        });
    }
    page.field("Session Affinity", text(service, "/spec/sessionAffinity"));
}

/// The ready addresses behind a named port.
fn behind(slices: &[Value], port_name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for slice in slices {
        let ports = slice.get("ports").and_then(Value::as_array).into_iter().flatten();
        for port in ports.filter(|port| text(port, "/name") == port_name) {
            let endpoints = slice.get("endpoints").and_then(Value::as_array).into_iter().flatten();
            for endpoint in
                endpoints.filter(|it| it.pointer("/conditions/ready") != Some(&Value::Bool(false)))
            {
                let address = text(endpoint, "/addresses/0");
                found.push(format!("{address}:{}", number(port, "/port")));
            }
        }
    }
    found
}
