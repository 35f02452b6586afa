//! The administrator's kubeconfig, as text, with certificate and key embedded so that the one file can
//! be carried elsewhere.
//!
//! Format: <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Identity;

/// The name of the cluster, the context and, with a suffix, the user.
const NAME: &str = "skiff";

pub(super) fn render(listening: SocketAddr, authority: &str, admin: &Identity) -> String {
    let server = reachable(listening);
    let authority = STANDARD.encode(authority);
    let certificate = STANDARD.encode(&admin.certificate);
    let key = STANDARD.encode(&admin.key);
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         current-context: {NAME}\n\
         clusters:\n\
         - name: {NAME}\n  \
           cluster:\n    \
             server: https://{server}\n    \
             certificate-authority-data: {authority}\n\
         contexts:\n\
         - name: {NAME}\n  \
           context:\n    \
             cluster: {NAME}\n    \
             user: {NAME}-admin\n\
         users:\n\
         - name: {NAME}-admin\n  \
           user:\n    \
             client-certificate-data: {certificate}\n    \
             client-key-data: {key}\n"
    )
}

/// A client on this machine cannot connect to "any address", but to its loopback.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let address = match listening.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listening.port())
}

#[cfg(test)]
mod tests;
