//! `Pod`: a group of containers that share a network, volumes and a fate.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/>.

use k8s_openapi::api::core::v1::{Pod, PodSpec, PodStatus};

use crate::columns::{self, Column};
use crate::{DeleteAnswer, Generation, Kind, KindInfo, Subresource, SubresourceBody, Verb};

impl Kind for Pod {
    const INFO: KindInfo = KindInfo {
        singular: "pod",
        short_names: &["po"],
        categories: &["all"],
        type_name: "io.k8s.api.core.v1.Pod",
        status: true,
        subresources: SUBRESOURCES,
        generation: Generation::Spec,
        graceful_deletion: true,
        delete_answer: DeleteAnswer::Object,
        selectable: &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        columns: COLUMNS,
        ..KindInfo::namespaced::<Self>()
    };

    fn fields(&self) -> Vec<(&'static str, String)> {
        let spec = self.spec.as_ref();
        let status = self.status.as_ref();
        let of_spec = |get: fn(&PodSpec) -> &Option<String>| {
            spec.and_then(|spec| get(spec).clone()).unwrap_or_default()
        };
        let of_status = |get: fn(&PodStatus) -> &Option<String>| {
            status.and_then(|status| get(status).clone()).unwrap_or_default()
        };
        let host_network = spec.and_then(|spec| spec.host_network).unwrap_or_default();
        let first_ip = status.and_then(|status| status.pod_ips.as_ref()?.first());
        vec![
            ("spec.nodeName", of_spec(|spec| &spec.node_name)),
            ("spec.restartPolicy", of_spec(|spec| &spec.restart_policy)),
            ("spec.schedulerName", of_spec(|spec| &spec.scheduler_name)),
            ("spec.serviceAccountName", of_spec(|spec| &spec.service_account_name)),
            ("spec.hostNetwork", host_network.to_string()),
            ("status.phase", of_status(|status| &status.phase)),
            ("status.podIP", first_ip.map(|address| address.ip.clone()).unwrap_or_default()),
            ("status.nominatedNodeName", of_status(|status| &status.nominated_node_name)),
        ]
    }

    fn grace_secs(&self, asked: Option<i64>) -> i64 {
        let asked = asked.or_else(|| self.spec.as_ref()?.termination_grace_period_seconds);
        let is_over = self
            .status
            .as_ref()
            .is_some_and(|status| matches!(status.phase.as_deref(), Some("Failed" | "Succeeded")));
        let is_bound = self
            .spec
            .as_ref()
            .is_some_and(|spec| spec.node_name.as_deref().unwrap_or_default() != "");
        match asked.unwrap_or_default() {
            // Nobody runs the Pod, so there is nobody to wait for.
            _ if is_over || !is_bound => 0,
            // Negative periods ask for the shortest one that is still graceful.
            ..0 => 1,
            secs => secs,
        }
    }
}

const COLUMNS: &[Column] = &[
    columns::NAME,
    Column::text("Ready", "The aggregate readiness state of this pod for accepting traffic."),
    Column::text("Status", "The aggregate status of the containers in this pod."),
    Column::text(
        "Restarts",
        "The number of times the containers in this pod have been restarted and when the last \
         container in this pod has restarted.",
    ),
    columns::AGE,
    Column::of::<PodStatus>("IP", "podIP").wide(),
    Column::of::<PodSpec>("Node", "nodeName").wide(),
    Column::of::<PodStatus>("Nominated Node", "nominatedNodeName").wide(),
    Column::of::<PodSpec>("Readiness Gates", "readinessGates").wide(),
];

const CONNECT: &[Verb] = &[Verb::Create, Verb::Get];

const SUBRESOURCES: &[Subresource] = &[
    connect("attach", "PodAttachOptions"),
    Subresource { name: "binding", body: Some(core("Binding")), verbs: Verb::CREATE },
    Subresource { name: "ephemeralcontainers", body: None, verbs: Verb::GET_PATCH_UPDATE },
    Subresource {
        name: "eviction",
        body: Some(SubresourceBody { group: "policy", version: "v1", kind: "Eviction" }),
        verbs: Verb::CREATE,
    },
    connect("exec", "PodExecOptions"),
    Subresource { name: "log", body: None, verbs: &[Verb::Get] },
    connect("portforward", "PodPortForwardOptions"),
    proxy_subresource("PodProxyOptions"),
    Subresource { name: "resize", body: None, verbs: Verb::GET_PATCH_UPDATE },
];

const fn core(kind: &'static str) -> SubresourceBody {
    SubresourceBody { group: "", version: "", kind }
}

const fn connect(name: &'static str, options: &'static str) -> Subresource {
    Subresource { name, body: Some(core(options)), verbs: CONNECT }
}

/// The subresource that passes HTTP requests on, whatever their method.
pub(crate) const fn proxy_subresource(options: &'static str) -> Subresource {
    Subresource {
        name: "proxy",
        body: Some(core(options)),
        verbs: &[Verb::Create, Verb::Delete, Verb::Get, Verb::Patch, Verb::Update],
    }
}
