//! A node's taints keep away Pods that do not tolerate them.
//!
//! <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>.

use k8s_openapi::api::core::v1::{Taint, Toleration};

use super::{Reasons, unless};
use crate::{decide::Look, node::Node};

pub(super) fn filter(look: &Look<'_>, node: &Node) -> Reasons {
    let hard = node
        .taints
        .iter()
        .filter(|taint| taint.effect == "NoSchedule" || taint.effect == "NoExecute");
    let mut hard = hard;
    let fit = hard.all(|taint| tolerates(&look.pod.tolerations, taint));
    unless(fit, "node(s) had untolerated taint(s)")
}

/// Whether any of the tolerations covers a taint. An empty key with `Exists` covers all, an empty effect any.
pub(crate) fn tolerates(tolerations: &[Toleration], taint: &Taint) -> bool {
    tolerations.iter().any(|toleration| {
        let same = |wanted: Option<&String>, value: &str| {
            wanted.is_none_or(|it| it.is_empty() || it == value)
        };
        let own = |value: Option<&String>| value.map_or(String::new(), Clone::clone);
        let (wanted, found) = (own(toleration.value.as_ref()), own(taint.value.as_ref()));
        same(toleration.effect.as_ref(), &taint.effect)
            && same(toleration.key.as_ref(), &taint.key)
            && match toleration.operator.as_deref().unwrap_or_default() {
                "Exists" => true,
                "" | "Equal" => wanted == found,
                "Gt" => compared(&found, &wanted, |taint, bound| taint > bound),
                "Lt" => compared(&found, &wanted, |taint, bound| taint < bound),
                _ => false,
            }
    })
}

fn compared(taint: &str, bound: &str, holds: fn(i64, i64) -> bool) -> bool {
    taint.parse().ok().zip(bound.parse().ok()).is_some_and(|(taint, bound)| holds(taint, bound))
}
