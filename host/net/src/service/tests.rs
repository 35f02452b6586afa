#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort};

use std::net::IpAddr;

use super::*;
use crate::balance::{Client, Dropped};

/// A service on 10.43.0.9:80 with node port 30080; `change` makes it special.
fn service(change: impl FnOnce(&mut ServiceSpec)) -> Service {
    let port = ServicePort {
        name: Some("http".into()),
        port: 80,
        node_port: Some(30080),
        ..ServicePort::default()
    };
    let mut spec = ServiceSpec {
        cluster_ip: Some("10.43.0.9".into()),
        cluster_ips: Some(vec!["10.43.0.9".into()]),
        ports: Some(vec![port]),
        ..ServiceSpec::default()
    };
    change(&mut spec);
    Service { spec: Some(spec), ..Service::default() }
}

/// Endpoints as `address state node`, e.g. `100.64.0.2 ready a`.
fn slice(endpoints: &[&str]) -> EndpointSlice {
    let endpoints = endpoints
        .iter()
        .map(|text| {
            let words: Vec<&str> = text.split(' ').collect();
            let (ready, serving, terminating) = match words[1] {
                "ready" => (true, true, false),
                "draining" => (false, true, true),
                _ => (false, false, false),
            };
            Endpoint {
                addresses: vec![words[0].into()],
                node_name: Some(words[2].into()),
                conditions: Some(EndpointConditions {
                    ready: Some(ready),
                    serving: Some(serving),
                    terminating: Some(terminating),
                }),
                ..Endpoint::default()
            }
        })
        .collect();
    let port =
        EndpointPort { name: Some("http".into()), port: Some(8080), ..EndpointPort::default() };
    EndpointSlice {
        endpoints: Some(endpoints),
        ports: Some(vec![port]),
        ..EndpointSlice::default()
    }
}

const VIP: &str = "10.43.0.9:80";

fn table(service: &Service, endpoints: &[&str]) -> Services {
    let services = Services::new("a", 0);
    let slices = [slice(endpoints)];
    services.set(&ServiceKey::new("default", "web"), service, &slices);
    services
}

fn picks(services: &Services, client: Client, count: usize) -> Vec<String> {
    let front = services.front(VIP.parse().unwrap(), Protocol::Tcp).unwrap();
    let now = Instant::now();
    (0..count)
        .map(|_| match services.pick(&front, client, &[], now) {
            Ok(target) => target.address.to_string(),
            Err(dropped) => format!("{dropped:?}"),
        })
        .collect()
}

fn inside() -> Client {
    Client::Inside("100.64.0.7".parse().unwrap())
}

#[test]
fn ready_endpoints_take_turns() {
    let services =
        table(&service(|_| ()), &["100.64.0.2 ready a", "100.64.0.3 ready b", "100.64.0.4 no a"]);
    assert_eq!(
        picks(&services, inside(), 3),
        ["100.64.0.2:8080", "100.64.0.3:8080", "100.64.0.2:8080"]
    );
}

#[test]
fn terminating_endpoints_serve_when_no_other_is_ready() {
    let services = table(&service(|_| ()), &["100.64.0.2 draining a", "100.64.0.3 no a"]);
    assert_eq!(picks(&services, inside(), 1), ["100.64.0.2:8080"]);
    let services = table(&service(|_| ()), &["100.64.0.2 draining a", "100.64.0.3 ready a"]);
    assert_eq!(picks(&services, inside(), 1), ["100.64.0.3:8080"]);
    assert_eq!(picks(&table(&service(|_| ()), &[]), inside(), 1), ["NoEndpoint"]);
}

#[test]
fn policies_keep_traffic_on_the_node() {
    let local = service(|spec| spec.internal_traffic_policy = Some("Local".into()));
    let both = ["100.64.0.2 ready a", "100.65.0.3 ready b"];
    assert_eq!(picks(&table(&local, &both), inside(), 2), ["100.64.0.2:8080"; 2]);
    assert_eq!(picks(&table(&local, &["100.65.0.3 ready b"]), inside(), 1), ["Policy"]);
    let local = service(|spec| spec.external_traffic_policy = Some("Local".into()));
    let outside = Client::Outside("192.0.2.1".parse().unwrap());
    assert_eq!(picks(&table(&local, &both), outside, 2), ["100.64.0.2:8080"; 2]);
    assert_eq!(picks(&table(&local, &both), inside(), 2), ["100.64.0.2:8080", "100.65.0.3:8080"]);
}

#[test]
fn a_client_comes_back_to_its_endpoint_until_it_has_been_quiet_too_long() {
    let sticky = service(|spec| spec.session_affinity = Some("ClientIP".into()));
    let services = table(&sticky, &["100.64.0.2 ready a", "100.64.0.3 ready a"]);
    let front = services.front(VIP.parse().unwrap(), Protocol::Tcp).unwrap();
    let start = Instant::now();
    let pick = |n: u8, tried: &[SocketAddr], secs| {
        let client = Client::Inside(IpAddr::from([100, 64, 1, n]));
        let now = start + Duration::from_secs(secs);
        services.pick(&front, client, tried, now).unwrap().address
    };
    let first = pick(1, &[], 0);
    assert_ne!(pick(2, &[], 0), first);
    assert_eq!(pick(1, &[], 10_000), first);
    assert_eq!(pick(1, &[], 20_000), first);
    let other = pick(1, &[first], 20_001);
    assert_ne!(other, first);
    assert_eq!(pick(1, &[], 20_002), other);
    assert!(picks(&services, inside(), 4).windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_refused_endpoint_is_not_picked_again_for_the_same_connection() {
    let services = table(&service(|_| ()), &["100.64.0.2 ready a", "100.64.0.3 ready a"]);
    let front = services.front(VIP.parse().unwrap(), Protocol::Tcp).unwrap();
    let tried: Vec<SocketAddr> = vec!["100.64.0.2:8080".parse().unwrap()];
    let now = Instant::now();
    for _ in 0..3 {
        let target = services.pick(&front, inside(), &tried, now).unwrap();
        assert_eq!(target.address.to_string(), "100.64.0.3:8080");
    }
    let all = [tried[0], "100.64.0.3:8080".parse().unwrap()];
    assert_eq!(services.pick(&front, inside(), &all, now), Err(Dropped::NoEndpoint));
}

#[test]
fn the_table_follows_changes_and_says_when_listeners_must_change() {
    let services = Services::new("a", 0);
    let key = ServiceKey::new("default", "web");
    assert!(services.set(&key, &service(|_| ()), &[slice(&[])]));
    assert!(!services.set(&key, &service(|_| ()), &[slice(&["100.64.0.2 ready a"])]));
    assert_eq!(services.node_ports(), [(Protocol::Tcp, 30080, key.clone())]);
    let moved = service(|spec| {
        spec.cluster_ips = Some(vec!["10.43.0.10".into()]);
        spec.cluster_ip = Some("10.43.0.10".into());
        spec.ports.as_mut().unwrap()[0].node_port = None;
    });
    assert!(services.set(&key, &moved, &[] as &[EndpointSlice]));
    assert!(services.front(VIP.parse().unwrap(), Protocol::Tcp).is_none());
    assert!(services.front("10.43.0.10:80".parse().unwrap(), Protocol::Tcp).is_some());
    let headless = service(|spec| spec.cluster_ip = Some("None".into()));
    services.set(&key, &headless, &[] as &[EndpointSlice]);
    assert!(services.front("10.43.0.10:80".parse().unwrap(), Protocol::Tcp).is_none());
    assert!(!services.remove(&key));
}
