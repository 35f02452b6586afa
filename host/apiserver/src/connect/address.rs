//! Names as proxies take them (`name`, `name:port`, `https:name:port`), and the endpoint that such a name stands for. Pure.
//!
//! See <https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls>.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{ObjectReference, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scheme {
    #[default]
    Http,
    Https,
}

/// A name with what may stand around it. The port may be a number or a name, and is empty if there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub(super) scheme: Scheme,
    pub(super) name: &'a str,
    pub(super) port: &'a str,
}

impl<'a> Address<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (scheme, name, port) = match parts.as_slice() {
            [name] => ("", *name, ""),
            [name, port] => ("", *name, *port),
            [scheme, name, port] => (*scheme, *name, *port),
            _ => return None,
        };
        let scheme = match scheme {
            "" | "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        (!name.is_empty()).then_some(Self { scheme, name, port })
    }
}

/// One place where a Service is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Endpoint {
    /// Where the Pod runs, if it is one.
    pub(super) node: Option<String>,
    pub(super) target: Option<ObjectReference>,
    pub(super) address: IpAddr,
    pub(super) port: u16,
}

/// The ready endpoints of a Service's port; none if it has no such port. A number stands for the port of the Service that has it.
pub(super) fn endpoints(
    service: &Service,
    port: &str,
    slices: &[EndpointSlice],
) -> Option<Vec<Endpoint>> {
    let name = port_name(service, port)?;
    let mut endpoints = Vec::new();
    for slice in slices {
        let ports = slice.ports.iter().flatten();
        let fitting = ports.filter(|own| own.name.as_deref().unwrap_or_default() == name);
        for port in fitting.filter_map(|own| u16::try_from(own.port?).ok()) {
            for endpoint in slice.endpoints.iter().flatten() {
                let ready = endpoint
                    .conditions
                    .as_ref()
                    .and_then(|conditions| conditions.ready)
                    .unwrap_or(true);
                let address = endpoint.addresses.first().and_then(|address| address.parse().ok());
                if let Some(address) = address.filter(|_| ready) {
                    let (node, target) = (endpoint.node_name.clone(), endpoint.target_ref.clone());
                    endpoints.push(Endpoint { node, target, address, port });
                }
            }
        }
    }
    Some(endpoints)
}

fn port_name<'a>(service: &'a Service, port: &'a str) -> Option<&'a str> {
    let Ok(number) = port.parse::<i32>() else { return Some(port) };
    let mut ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    let own = ports.find(|own| own.port == number)?;
    Some(own.name.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_have_a_scheme_and_a_port() {
        let of = |text| Address::parse(text).map(|found| (found.scheme, found.name, found.port));
        assert_eq!(of("web"), Some((Scheme::Http, "web", "")));
        assert_eq!(of("web:80"), Some((Scheme::Http, "web", "80")));
        assert_eq!(of("https:web:443"), Some((Scheme::Https, "web", "443")));
        assert_eq!(of("https:web:"), Some((Scheme::Https, "web", "")));
        for wrong in ["", ":80", "ftp:web:21", "a:b:c:d"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    fn check(port: &str, expected: Option<&[&str]>) {
        let service = serde_json::from_value(serde_json::json!({
            "spec": { "ports": [{ "name": "w", "port": 80 }, { "name": "d", "port": 53 }] },
        }));
        let slice = serde_json::from_value(serde_json::json!({
            "addressType": "IPv4",
            "metadata": {},
            "ports": [{ "name": "w", "port": 8080 }],
            "endpoints": [
                { "addresses": ["100.64.0.1"], "nodeName": "n1", "conditions": { "ready": true } },
                { "addresses": ["100.64.0.2"], "nodeName": "n1", "conditions": { "ready": false } },
                { "addresses": ["100.64.0.3"], "nodeName": "n2" },
                { "addresses": ["100.64.0.4"] },
            ],
        }));
        let found = endpoints(&service.expect("a Service"), port, &[slice.expect("a slice")]);
        let found = found.map(|found| {
            found
                .iter()
                .map(|one| {
                    let node = one.node.as_deref().unwrap_or("-");
                    format!("{node} {}:{}", one.address, one.port)
                })
                .collect::<Vec<_>>()
        });
        assert_eq!(
            found,
            expected.map(|texts| texts.iter().map(ToString::to_string).collect()),
            "{port}"
        );
    }

    #[test]
    fn only_ready_endpoints_of_the_port_count() {
        let ready = ["n1 100.64.0.1:8080", "n2 100.64.0.3:8080", "- 100.64.0.4:8080"];
        check("w", Some(&ready));
        check("80", Some(&ready));
        check("d", Some(&[]));
        check("", Some(&[]));
        check("81", None);
    }
}
