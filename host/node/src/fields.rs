//! The downward API: a Pod's own fields and its containers' resources as text. Pure.
//! <https://kubernetes.io/docs/concepts/workloads/pods/downward-api/>

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// What fields can be read from.
#[derive(Clone, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) pod: &'a core::Pod,
    pub(crate) pod_ip: Option<IpAddr>,
    pub(crate) host_ip: Option<IpAddr>,
    /// What the node offers: the limits of a container that has none.
    pub(crate) node_cpu_millis: i64,
    pub(crate) node_memory_bytes: i64,
}

/// A field that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported fieldPath: {0}")]
pub(crate) struct Unsupported(pub(crate) String);

impl Facts<'_> {
    /// The value of a `fieldRef`.
    pub(crate) fn field(&self, path: &str) -> Result<String, Unsupported> {
        let metadata = &self.pod.metadata;
        let spec = self.pod.spec.as_ref();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let ip = |ip: Option<IpAddr>| ip.map(|ip| ip.to_string()).unwrap_or_default();
        if let Some((map, key)) = subscript(path) {
            let labels = match map {
                "metadata.labels" => metadata.labels.as_ref(),
                "metadata.annotations" => metadata.annotations.as_ref(),
                _ => return Err(Unsupported(path.to_owned())),
            };
            return Ok(labels.and_then(|labels| labels.get(key)).cloned().unwrap_or_default());
        }
        Ok(match path {
            "metadata.name" => text(&metadata.name),
            "metadata.namespace" => text(&metadata.namespace),
            "metadata.uid" => text(&metadata.uid),
            "metadata.labels" => lines(metadata.labels.as_ref()),
            "metadata.annotations" => lines(metadata.annotations.as_ref()),
            "spec.nodeName" => spec.map(|spec| text(&spec.node_name)).unwrap_or_default(),
            "spec.serviceAccountName" => {
                spec.map(|spec| text(&spec.service_account_name)).unwrap_or_default()
            }
            "status.podIP" | "status.podIPs" => ip(self.pod_ip),
            "status.hostIP" | "status.hostIPs" => ip(self.host_ip),
            _ => return Err(Unsupported(path.to_owned())),
        })
    }

    /// The value of a `resourceFieldRef` for a container: a number of divisors, rounded up.
    pub(crate) fn resource(
        &self,
        selector: &core::ResourceFieldSelector,
        container: &core::Container,
    ) -> Result<String, Unsupported> {
        let name = selector.resource.as_str();
        let (list, resource) = name.split_once('.').ok_or_else(|| Unsupported(name.to_owned()))?;
        let resources = container.resources.as_ref();
        let limits = resources.and_then(|resources| resources.limits.as_ref());
        let requests = resources.and_then(|resources| resources.requests.as_ref());
        let known = match list {
            "limits" => limits.and_then(|limits| limits.get(resource)),
            "requests" => requests.and_then(|requests| requests.get(resource)),
            _ => return Err(Unsupported(name.to_owned())),
        };
        let millis = match (known.map(millis_of), list, resource) {
            (Some(millis), _, _) => millis,
            // Without a limit the container may use what the node has.
            (None, "limits", "cpu") => self.node_cpu_millis,
            (None, "limits", "memory") => self.node_memory_bytes.saturating_mul(1000),
            (None, _, _) => 0,
        };
        let divisor = selector.divisor.as_ref().map_or(0, millis_of);
        let divisor = if divisor == 0 { 1000 } else { divisor };
        Ok(millis.div_euclid(divisor).saturating_add(i64::from(millis % divisor != 0)).to_string())
    }
}

/// A quantity in thousandths; one that is none counts as zero, since the API server has checked it.
pub(crate) fn millis_of(quantity: &Quantity) -> i64 {
    meta::quantity::Quantity::parse(&quantity.0).map_or(0, |quantity| quantity.millis())
}

/// `metadata.labels['app']` as the map's path and the key.
fn subscript(path: &str) -> Option<(&str, &str)> {
    let (map, rest) = path.split_once('[')?;
    let key = rest.strip_suffix(']')?;
    Some((map, key.trim_matches(|c| c == '\'' || c == '"')))
}

/// A map as lines of `key="value"`, sorted.
fn lines(map: Option<&BTreeMap<String, String>>) -> String {
    let lines = map.into_iter().flatten();
    lines.map(|(key, value)| format!("{key}={}", quoted(value))).collect::<Vec<_>>().join("\n")
}

fn quoted(text: &str) -> String {
    // Close to what Go's %q prints for the texts that labels and annotations hold.
    let escaped = text.chars().fold(String::new(), |mut out, c| {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
        out
    });
    format!("\"{escaped}\"")
}
