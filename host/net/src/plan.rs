//! The address plan: which range a node's Pods come from.
//!
//! The cluster's range is cut into equal parts, one for each node. The first two addresses and the last one of a part are never given to
//! Pods: people read the first as the network, expect a gateway at the second, and the last as broadcast.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Addresses of a part that no Pod gets.
const RESERVED: u32 = 3;

/// The ranges of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub pods: Ipv4Net,
    /// Prefix length of one node's part.
    pub node_prefix: u8,
}

/// Shared address space, which no host on the internet and hardly any private network uses.
const PODS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10);

impl Default for Plan {
    fn default() -> Self {
        Self { pods: PODS, node_prefix: 18 }
    }
}

impl Plan {
    /// How many nodes the plan has room for.
    pub fn nodes(self) -> u32 {
        1_u32
            .checked_shl(u32::from(self.node_prefix.saturating_sub(self.pods.prefix_len())))
            .unwrap_or(u32::MAX)
    }

    /// The part of the node with this number.
    pub fn node_range(self, node: u32) -> Option<Ipv4Net> {
        let size = 1_u32.checked_shl(u32::from(32_u8.checked_sub(self.node_prefix)?))?;
        let first = u32::from(self.pods.network()).checked_add(node.checked_mul(size)?)?;
        let range = Ipv4Net::new(Ipv4Addr::from(first), self.node_prefix).ok()?;
        self.pods.contains(&range).then_some(range)
    }
}

/// How many Pods a range has addresses for.
pub fn pods_in(range: Ipv4Net) -> u32 {
    let hosts = 32 - u32::from(range.prefix_len());
    1_u32.checked_shl(hosts).unwrap_or(u32::MAX).saturating_sub(RESERVED)
}

/// The first address of a range that a Pod may get.
pub(crate) fn first_pod(range: Ipv4Net) -> u32 {
    u32::from(range.network()).saturating_add(2)
}

#[cfg(test)]
#[test]
fn the_default_plan_holds_256_nodes_of_16381_pods() {
    let plan = Plan::default();
    assert_eq!(plan.nodes(), 256);
    assert_eq!(plan.node_range(0).map(|range| range.to_string()).as_deref(), Some("100.64.0.0/18"));
    assert_eq!(
        plan.node_range(255).map(|range| range.to_string()).as_deref(),
        Some("100.127.192.0/18")
    );
    assert_eq!(plan.node_range(256), None);
    assert_eq!(plan.node_range(0).map(pods_in), Some(16_381));
}
