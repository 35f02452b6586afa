//! Two Pods cannot have the same port of a host.

use super::{Reasons, unless};
use crate::{decide::Look, node::Node};

pub(super) fn filter(look: &Look<'_>, node: &Node) -> Reasons {
    let taken =
        look.pod.ports.iter().any(|wanted| node.ports.iter().any(|held| wanted.collides(held)));
    unless(!taken, "node(s) didn't have free ports for the requested pod ports")
}
