//! What a Pod requests must be free; what it does not request does not matter, however full the node is.

use std::borrow::Cow;

use super::Reasons;
use crate::{decide::Look, node::Node};

pub(super) fn filter(look: &Look<'_>, node: &Node) -> Reasons {
    let mut reasons = Reasons::new();
    let (asked, free, used) = (&look.pod.requests, &node.allocatable, &node.requested);
    if i64::try_from(node.pods.len()).unwrap_or(i64::MAX) >= node.max_pods {
        reasons.push(Cow::Borrowed("Too many pods"));
    }
    let mut need = |name: &'static str, asked: i64, allocatable: i64, used: i64| {
        if asked > 0 && asked > allocatable - used {
            reasons.push(Cow::Borrowed(name));
        }
    };
    need("Insufficient cpu", asked.milli_cpu, free.milli_cpu, used.milli_cpu);
    need("Insufficient memory", asked.memory_bytes, free.memory_bytes, used.memory_bytes);
    need(
        "Insufficient ephemeral-storage",
        asked.storage_bytes,
        free.storage_bytes,
        used.storage_bytes,
    );
    for (name, &asked) in &asked.others {
        let of = |amounts: &crate::Resources| amounts.others.get(name).copied().unwrap_or_default();
        if asked > 0 && asked > of(free) - of(used) {
            reasons.push(Cow::Owned(format!("Insufficient {name}")));
        }
    }
    reasons
}
