//! Picking an endpoint of a front for one connection: policy, affinity, then turns.
//! <https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-policies>

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::front::{Endpoint, Front};
use crate::service::Services;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// A Pod or the node itself.
    Inside(IpAddr),
    /// Somebody beyond the node's listeners.
    Outside(IpAddr),
}

impl Client {
    fn ip(self) -> IpAddr {
        match self {
            Self::Inside(ip) | Self::Outside(ip) => ip,
        }
    }
}

/// Where the connection shall go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub address: SocketAddr,
    pub is_local: bool,
}

/// Why there is nowhere to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The service has no endpoint: refuse.
    NoEndpoint,
    /// It has some, and the policy keeps this client from them.
    Policy,
}

impl Services {
    /// Picks an endpoint. `tried` are endpoints that refused this connection already.
    pub fn pick(
        &self,
        front: &Front,
        client: Client,
        tried: &[SocketAddr],
        now: Instant,
    ) -> Result<Target, Dropped> {
        if front.endpoints.is_empty() {
            return Err(Dropped::NoEndpoint);
        }
        let is_local_only = match client {
            Client::Inside(_) => front.is_internal_local,
            Client::Outside(_) => front.is_external_local,
        };
        let usable: Vec<&Endpoint> = front
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.is_local || !is_local_only)
            .filter(|endpoint| !tried.contains(&endpoint.address))
            .collect();
        if usable.is_empty() {
            return Err(if tried.is_empty() { Dropped::Policy } else { Dropped::NoEndpoint });
        }
        let target =
            |endpoint: &Endpoint| Target { address: endpoint.address, is_local: endpoint.is_local };
        if let Some(timeout) = front.affinity {
            let mut affinity = self.affinity.lock();
            let known =
                affinity.recall(&front.service, &front.port_name, client.ip(), timeout, now);
            if let Some(endpoint) = usable.iter().find(|endpoint| Some(endpoint.address) == known) {
                return Ok(target(endpoint));
            }
            let chosen = turn(front, &usable);
            let address = chosen.address;
            affinity.remember(&front.service, &front.port_name, client.ip(), address, now);
            return Ok(target(chosen));
        }
        Ok(target(turn(front, &usable)))
    }
}

fn turn<'a>(front: &Front, usable: &[&'a Endpoint]) -> &'a Endpoint {
    let turn = front.next.fetch_add(1, Ordering::Relaxed);
    usable[turn % usable.len()]
}
