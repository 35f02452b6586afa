//! A cordoned node takes only Pods that tolerate being there.

use k8s_openapi::api::core::v1::Taint;

use super::{Reasons, taints, unless};
use crate::{decide::Look, node::Node};

const KEY: &str = "node.kubernetes.io/unschedulable";

pub(super) fn filter(look: &Look<'_>, node: &Node) -> Reasons {
    let as_taint =
        || Taint { key: KEY.to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() };
    let fit = !node.unschedulable || taints::tolerates(&look.pod.tolerations, &as_taint());
    unless(fit, "node(s) were unschedulable")
}
