//! A Pod that names its node runs there or nowhere.

use super::{Reasons, unless};
use crate::{decide::Look, node::Node};

pub(super) fn filter(look: &Look<'_>, node: &Node) -> Reasons {
    let named = &look.pod.node_name;
    unless(
        named.is_empty() || **named == *node.name,
        "node(s) didn't match the requested node name",
    )
}
