#![expect(clippy::unwrap_used, reason = "tests")]

use k8s_openapi::api::core::v1::{
    HostAlias, PodDNSConfig, PodSpec, Service, ServicePort, ServiceSpec,
};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};

use super::*;

fn services() -> Services {
    let services = Services::new("a", 0);
    let add = |name: &str, spec: ServiceSpec, slices: &[EndpointSlice]| {
        let service = Service { spec: Some(spec), ..Service::default() };
        services.set(&ServiceKey::new("shop", name), &service, slices);
    };
    let port = ServicePort { name: Some("http".into()), port: 80, ..ServicePort::default() };
    let web = ServiceSpec {
        cluster_ip: Some("10.43.0.9".into()),
        ports: Some(vec![port]),
        ..ServiceSpec::default()
    };
    add("web", web, &[]);
    let alias = ServiceSpec {
        type_: Some("ExternalName".into()),
        external_name: Some("web.shop.svc.cluster.local".into()),
        ..ServiceSpec::default()
    };
    add("alias", alias, &[]);
    let away = ServiceSpec {
        type_: Some("ExternalName".into()),
        external_name: Some("db.example.com".into()),
        ..ServiceSpec::default()
    };
    add("away", away, &[]);
    let endpoint = |ip: &str, host: Option<&str>| Endpoint {
        addresses: vec![ip.into()],
        hostname: host.map(str::to_owned),
        ..Endpoint::default()
    };
    let slice = EndpointSlice {
        endpoints: Some(vec![endpoint("100.64.0.2", Some("db-0")), endpoint("100.64.0.3", None)]),
        ports: Some(vec![EndpointPort {
            name: Some("sql".into()),
            port: Some(5432),
            ..EndpointPort::default()
        }]),
        ..EndpointSlice::default()
    };
    let db = ServiceSpec { cluster_ip: Some("None".into()), ..ServiceSpec::default() };
    add("db", db, &[slice]);
    services
}

fn show(resolved: Resolved) -> String {
    match resolved {
        Resolved::Addresses(list) => {
            list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        }
        Resolved::Outside(names) => format!("ask {}", names.join(" ")),
        Resolved::Unknown => "unknown".into(),
    }
}

#[test]
fn names_of_the_cluster_resolve_as_dns_would() {
    let services = services();
    let spec = PodSpec {
        host_aliases: Some(vec![HostAlias {
            ip: "192.0.2.7".into(),
            hostnames: Some(vec!["printer".into()]),
        }]),
        ..PodSpec::default()
    };
    let resolver = Resolver::new("shop", &spec, "me", "100.64.0.9".parse().unwrap());
    let cases = [
        ("web", "10.43.0.9"),
        ("WEB.shop", "10.43.0.9"),
        ("web.shop.svc.cluster.local", "10.43.0.9"),
        ("web.shop.svc.cluster.local.", "10.43.0.9"),
        ("alias", "10.43.0.9"),
        ("away", "ask db.example.com"),
        ("db", "100.64.0.3 100.64.0.2"),
        ("db-0.db", "100.64.0.2"),
        ("100-64-0-3.db", "100.64.0.3"),
        ("100-64-0-7.shop.pod.cluster.local", "100.64.0.7"),
        ("localhost", "127.0.0.1"),
        ("me", "100.64.0.9"),
        ("printer", "192.0.2.7"),
        ("192.0.2.1", "192.0.2.1"),
        ("example.com", "ask example.com"),
        ("none.shop.svc.cluster.local", "unknown"),
        ("none.shop.svc.cluster.local.", "unknown"),
        ("db-9.db", "ask db-9.db"),
    ];
    for (name, expected) in cases {
        assert_eq!(show(resolver.resolve(&services, name)), expected, "{name}");
    }
}

#[test]
fn dns_policies_choose_whom_to_ask() {
    let services = services();
    let resolver = |policy: &str, config: Option<PodDNSConfig>| {
        let spec =
            PodSpec { dns_policy: Some(policy.into()), dns_config: config, ..PodSpec::default() };
        Resolver::new("shop", &spec, "me", "100.64.0.9".parse().unwrap())
    };
    let default = resolver("Default", None);
    assert_eq!(
        show(default.resolve(&services, "web.shop.svc.cluster.local")),
        "ask web.shop.svc.cluster.local"
    );
    let config = PodDNSConfig {
        searches: Some(vec!["shop.svc.cluster.local".into(), "corp.example".into()]),
        ..PodDNSConfig::default()
    };
    let none = resolver("None", Some(config));
    assert_eq!(show(none.resolve(&services, "web")), "10.43.0.9");
    assert_eq!(show(none.resolve(&services, "wiki")), "ask wiki.corp.example wiki");
}

#[test]
fn named_ports_have_srv_records() {
    let services = services();
    let records = srv(&services, "_http._tcp.web.shop.svc.cluster.local");
    assert_eq!(records, [Srv { port: 80, target: "web.shop.svc.cluster.local".into() }]);
    let records = srv(&services, "_sql._tcp.db.shop.svc.cluster.local.");
    let targets: Vec<&str> = records.iter().map(|record| record.target.as_str()).collect();
    assert_eq!(targets, ["100-64-0-3.db.shop.svc.cluster.local", "db-0.db.shop.svc.cluster.local"]);
    assert!(srv(&services, "_http._udp.web.shop.svc.cluster.local").is_empty());
}
