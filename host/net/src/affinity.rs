//! Session affinity: which endpoint a client was given, for as long as the service says.
//!
//! Pure and bounded; when it is full the client that has been quiet longest is forgotten, which costs it a new choice.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::service::ServiceKey;

/// Remembered clients of a node.
const CLIENTS_MAX: usize = 65_536;
/// How many are forgotten at once when the table is full, so that a full table is not searched for every new client.
const FORGOTTEN_AT_ONCE: usize = CLIENTS_MAX / 16;

/// Who was given what.
#[derive(Debug, Default)]
pub(crate) struct Affinity {
    clients: HashMap<(ServiceKey, String, IpAddr), Choice>,
}

#[derive(Clone, Copy, Debug)]
struct Choice {
    endpoint: SocketAddr,
    used: Instant,
}

impl Affinity {
    /// The endpoint this client was given, if that was recent.
    pub(crate) fn recall(
        &mut self,
        service: &ServiceKey,
        port: &str,
        client: IpAddr,
        timeout: Duration,
        now: Instant,
    ) -> Option<SocketAddr> {
        let choice = self.clients.get_mut(&(service.clone(), port.to_owned(), client))?;
        if now.duration_since(choice.used) >= timeout {
            return None;
        }
        choice.used = now;
        Some(choice.endpoint)
    }

    pub(crate) fn remember(
        &mut self,
        service: &ServiceKey,
        port: &str,
        client: IpAddr,
        endpoint: SocketAddr,
        now: Instant,
    ) {
        if self.clients.len() >= CLIENTS_MAX {
            let mut ages: Vec<Instant> = self.clients.values().map(|choice| choice.used).collect();
            let (_, oldest_kept, _) = ages.select_nth_unstable(FORGOTTEN_AT_ONCE);
            let oldest_kept = *oldest_kept;
            self.clients.retain(|_, choice| choice.used > oldest_kept);
        }
        let choice = Choice { endpoint, used: now };
        self.clients.insert((service.clone(), port.to_owned(), client), choice);
    }
}

#[cfg(test)]
#[test]
fn a_full_table_forgets_the_quietest_clients() {
    let mut affinity = Affinity::default();
    let service = ServiceKey::new("default", "web");
    let endpoint = SocketAddr::from(([10, 0, 0, 1], 80));
    let start = Instant::now();
    let client = |n: usize| IpAddr::from(u32::try_from(n).unwrap_or(0).to_be_bytes());
    let at = |n: usize| start + Duration::from_micros(n as u64);
    for n in 0..=CLIENTS_MAX {
        affinity.remember(&service, "", client(n), endpoint, at(n));
    }
    assert!(affinity.clients.len() <= CLIENTS_MAX);
    let mut recall =
        |n| affinity.recall(&service, "", client(n), Duration::from_secs(1), at(CLIENTS_MAX));
    assert_eq!(recall(0), None);
    assert_eq!(recall(CLIENTS_MAX), Some(endpoint));
}
