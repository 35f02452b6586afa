//! Nodes that would rather not take the Pod are worse: `PreferNoSchedule` taints that it does not tolerate.

use super::stretched;
use crate::{decide::Look, filters::tolerates, node::Node};

pub(super) fn score(look: &Look<'_>, nodes: &[&Node]) -> Vec<i64> {
    let unwelcome = |node: &&Node| {
        let soft = node.taints.iter().filter(|taint| taint.effect == "PreferNoSchedule");
        let count = soft.filter(|taint| !tolerates(&look.pod.tolerations, taint)).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    stretched(&nodes.iter().map(unwelcome).collect::<Vec<_>>(), false)
}
