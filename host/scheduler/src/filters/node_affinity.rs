//! A Pod's node selector and required node affinity.

use super::{Reasons, unless};
use crate::{affinity, decide::Look, node::Node};

pub(super) fn filter(look: &Look<'_>, node: &Node) -> Reasons {
    unless(affinity::wants(look.pod, node), "node(s) didn't match Pod's node affinity/selector")
}
