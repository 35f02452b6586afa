//! Filters: may this Pod run on that node? The reason of a refusal is the text that users read.
//!
//! One file each; [`ALL`] is the order in which they are asked, and the first refusal ends the questioning of a node.

mod host_ports;
mod node_affinity;
mod node_name;
mod pod_affinity;
mod resources;
mod spread;
mod taints;
mod unschedulable;

use std::borrow::Cow;

use crate::{decide::Look, node::Node};

pub(crate) use taints::tolerates;

/// Why a node is not fit; most filters have one reason.
pub(crate) type Reasons = Vec<Cow<'static, str>>;

/// One question about a node. No reasons means that the node is fit.
pub(crate) type Filter = fn(&Look<'_>, &Node) -> Reasons;

/// All filters.
pub(crate) const ALL: &[Filter] = &[
    unschedulable::filter,
    node_name::filter,
    taints::filter,
    node_affinity::filter,
    host_ports::filter,
    resources::filter,
    spread::filter,
    pod_affinity::filter,
];

/// A filter with a single reason.
fn unless(fit: bool, reason: &'static str) -> Reasons {
    if fit { Reasons::new() } else { vec![Cow::Borrowed(reason)] }
}
