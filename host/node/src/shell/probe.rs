//! Carrying out one probe. The texts of failures are those that people know from the kubelet.
//! <https://kubernetes.io/docs/concepts/workloads/pods/probes/>

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::{Request, header};

use crate::network::{self, Network, RequestError};
use crate::pod::{Action, Scheme};

const USER_AGENT: &str = "kube-probe/1.37";

/// Runs an action once. An error is the text of the failure.
pub(crate) async fn probe(
    network: &Network,
    action: &Action,
    ip: IpAddr,
    timeout: Duration,
) -> Result<(), String> {
    match action {
        Action::Http { scheme: Scheme::Http, host, port, path, headers } => {
            let ip = target(host.as_deref(), ip)?;
            let to = SocketAddr::new(ip, *port);
            get(network, to, path, headers, timeout).await
        }
        Action::Tcp { host, port } => {
            let to = SocketAddr::new(target(host.as_deref(), ip)?, *port);
            match tokio::time::timeout(timeout, network::connect(network, to)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("dial tcp {to}: i/o timeout")),
            }
        }
        Action::Http { scheme: Scheme::Https, .. }
        | Action::Grpc { .. }
        | Action::Exec
        | Action::Invalid(_) => {
            Err(unsupported(action).unwrap_or_else(|| "unknown probe".to_owned()))
        }
    }
}

/// Why an action cannot be carried out here at all.
pub(crate) fn unsupported(action: &Action) -> Option<String> {
    match action {
        Action::Http { scheme: Scheme::Https, .. } => {
            Some("httpGet over HTTPS is not supported by this node".to_owned())
        }
        Action::Grpc { port } => {
            Some(format!("gRPC actions (port {port}) are not supported by this node"))
        }
        Action::Exec => Some("exec actions are not supported by this node".to_owned()),
        Action::Invalid(why) => Some(why.to_string()),
        Action::Http { scheme: Scheme::Http, .. } | Action::Tcp { .. } => None,
    }
}

fn target(host: Option<&str>, ip: IpAddr) -> Result<IpAddr, String> {
    match host {
        // Inside a Pod, localhost is the Pod.
        None | Some("localhost" | "127.0.0.1") => Ok(ip),
        Some(host) => host.parse().map_err(|_| format!("host {host:?} is not an IP address")),
    }
}

async fn get(
    network: &Network,
    to: SocketAddr,
    path: &str,
    headers: &[(Box<str>, Box<str>)],
    timeout: Duration,
) -> Result<(), String> {
    let url = format!("http://{to}{path}");
    let mut request = Request::get(url.as_str());
    let has = |name: &str| headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    if !has("host") {
        request = request.header(header::HOST, to.to_string());
    }
    if !has("user-agent") {
        request = request.header(header::USER_AGENT, USER_AGENT);
    }
    if !has("accept") {
        request = request.header(header::ACCEPT, "*/*");
    }
    request = request.header(header::CONNECTION, "close");
    for (name, value) in headers {
        request = request.header(&**name, &**value);
    }
    let request = request.body(network::empty()).map_err(|error| error.to_string())?;
    let answer = tokio::time::timeout(timeout, network::request(network, to, request)).await;
    match answer {
        Ok(Ok(answer)) if (200..400).contains(&answer.status().as_u16()) => Ok(()),
        Ok(Ok(answer)) => {
            Err(format!("HTTP probe failed with statuscode: {}", answer.status().as_u16()))
        }
        Ok(Err(RequestError::Http(error))) => Err(format!("Get \"{url}\": {error}")),
        Ok(Err(error)) => Err(format!("Get \"{url}\": {error}")),
        Err(_) => Err(format!(
            "Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        )),
    }
}
