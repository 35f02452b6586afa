//! Nodes that have the images already are better, by the size of what need not be fetched.

use super::BEST;
use crate::{decide::Look, node::Node};

/// Less than this does not matter; more than the other does not matter more. In bytes, for each container.
const LEAST: i64 = 23 * 1024 * 1024;
const MOST: i64 = 1000 * 1024 * 1024;

pub(super) fn score(look: &Look<'_>, nodes: &[&Node]) -> Vec<i64> {
    let containers = i64::try_from(look.pod.images.len()).unwrap_or(1).max(1);
    let (least, most) = (LEAST, MOST * containers);
    let of = |node: &&Node| {
        let held: i64 = look.pod.images.iter().filter_map(|image| node.images.get(image)).sum();
        (held.clamp(least, most) - least) * BEST / (most - least)
    };
    nodes.iter().map(of).collect()
}
