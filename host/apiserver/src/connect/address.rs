//! Names as proxies take them (`name`, `name:port`, `https:name:port`), and the endpoint that such a name stands for. Pure.
//!
//! See <https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls>.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) node: String,
    pub(super) address: IpAddr,
    pub(super) port: u16,
}

/// Why a Service cannot be reached, as clients are told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoEndpoint {
    Port(String),
    Endpoint,
}

/// The ready endpoints of a Service's port. A number stands for the port of the Service that has it.
pub(super) fn endpoints(
    service: &Service,
    port: &str,
    slices: &[EndpointSlice],
) -> Result<Vec<Endpoint>, NoEndpoint> {
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
                let node = endpoint.node_name.clone().filter(|_| ready);
                let address = endpoint.addresses.first().and_then(|address| address.parse().ok());
                if let (Some(node), Some(address)) = (node, address) {
                    endpoints.push(Endpoint { node, address, port });
                }
            }
        }
    }
    if endpoints.is_empty() { Err(NoEndpoint::Endpoint) } else { Ok(endpoints) }
}

fn port_name<'a>(service: &'a Service, port: &'a str) -> Result<&'a str, NoEndpoint> {
    let Ok(number) = port.parse::<i32>() else { return Ok(port) };
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    match ports.into_iter().find(|own| own.port == number) {
        Some(own) => Ok(own.name.as_deref().unwrap_or_default()),
        None => Err(NoEndpoint::Port(port.to_owned())),
    }
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

    fn check(port: &str, expected: Result<&[&str], NoEndpoint>) {
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
                .map(|one| format!("{} {}:{}", one.node, one.address, one.port))
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
        let both = ["n1 100.64.0.1:8080", "n2 100.64.0.3:8080"];
        check("w", Ok(&both));
        check("80", Ok(&both));
        check("d", Err(NoEndpoint::Endpoint));
        check("", Err(NoEndpoint::Endpoint));
        check("81", Err(NoEndpoint::Port("81".to_owned())));
    }
}
