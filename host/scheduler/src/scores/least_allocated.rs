//! Nodes with more left of CPU and memory are better.

use super::BEST;
use crate::{decide::Look, node::Node};

pub(super) fn score(look: &Look<'_>, nodes: &[&Node]) -> Vec<i64> {
    let asked = &look.pod.assumed;
    let left = |allocatable: i64, used: i64| {
        if allocatable <= 0 || used > allocatable {
            0
        } else {
            (allocatable - used) * BEST / allocatable
        }
    };
    let of = |node: &&Node| {
        let (all, used) = (&node.allocatable, &node.assumed);
        let cpu = left(all.milli_cpu, used.milli_cpu + asked.milli_cpu);
        let memory = left(all.memory_bytes, used.memory_bytes + asked.memory_bytes);
        i64::midpoint(cpu, memory)
    };
    nodes.iter().map(of).collect()
}
