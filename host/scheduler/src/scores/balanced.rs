//! Nodes on which CPU and memory are used to the same degree are better: neither is left over alone.

use super::BEST;
use crate::{decide::Look, node::Node};

/// Shares are counted in thousandths.
const WHOLE: i64 = 1000;

pub(super) fn score(look: &Look<'_>, nodes: &[&Node]) -> Vec<i64> {
    let asked = &look.pod.requests;
    let share = |used: i64, allocatable: i64| {
        if allocatable <= 0 { WHOLE } else { (used * WHOLE / allocatable).min(WHOLE) }
    };
    let of = |node: &&Node| {
        let (all, used) = (&node.allocatable, &node.requested);
        let cpu = share(used.milli_cpu + asked.milli_cpu, all.milli_cpu);
        let memory = share(
            used.memory_bytes.saturating_add(asked.memory_bytes) / 1024,
            all.memory_bytes / 1024,
        );
        // With two resources the standard deviation is half of their difference.
        (WHOLE - (cpu - memory).abs() / 2) * BEST / WHOLE
    };
    nodes.iter().map(of).collect()
}
