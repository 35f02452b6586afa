//! `Pod`: a group of containers that share a network, volumes and a fate.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/>.

mod create;
pub(crate) mod defaults;
pub(crate) mod disabled;
mod image;
pub mod needs;
pub mod qos;
mod resize;
mod row;
mod status;
mod update;
pub(crate) mod validate;
pub(crate) mod visit;
pub(crate) mod warnings;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodSpec, PodStatus};
use meta::Tree;
use meta::field::FieldError;

use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
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
            // It can be asked for, but is empty for every Pod.
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        columns: COLUMNS,
        without_table: &["binding", "ephemeralcontainers", "resize"],
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        defaults::set(self);
    }

    fn on_create(&mut self) {
        create::prepare(self);
    }

    fn on_update(&mut self, old: &Self) {
        update::prepare(self, old);
    }

    fn on_status_update(&mut self, old: &Self) {
        status::prepare(self, old);
    }

    fn on_subresource_update(&mut self, subresource: &str, old: &Self) {
        match subresource {
            "ephemeralcontainers" => update::keep_all_but_ephemeral_containers(self, old),
            "resize" => resize::prepare(self, old),
            _ => {}
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        create::validate(self)
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        update::validate(self, old)
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        status::validate(self, old)
    }

    fn validate_subresource(&self, subresource: &str, old: &Self) -> Vec<FieldError> {
        match subresource {
            "ephemeralcontainers" => update::validate_ephemeral_containers(self, old),
            "resize" => resize::validate(self, old),
            _ => Vec::new(),
        }
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        // Advice is for those who write a Pod; whoever changes one can change little of it.
        if old.is_some() { Vec::new() } else { warnings::pod(self) }
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        row::cells(self, now)
    }

    fn row_conditions(&self) -> Vec<Tree> {
        row::conditions(self)
    }

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
            ("status.podIPs", String::new()),
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

const SPEC: At<'static> = At::root("spec");

/// What holds for metadata and spec whenever a Pod is written.
fn validate_whole(errors: &mut Errors, pod: &Pod) {
    // Defaulting has made a spec where there was none.
    let Some(spec) = &pod.spec else { return };
    let metadata = At::root("metadata");
    let annotations = pod.metadata.annotations.or_empty();
    validate::annotations::validate(errors, &metadata.field("annotations"), annotations, spec);
    validate::spec(errors, &SPEC, spec, Some(&pod.metadata));
    if spec.service_account_name.is_unset() {
        no_tokens(errors, spec);
    }
    if let Some(secs) = spec.termination_grace_period_seconds {
        errors.not_negative(&SPEC.field("terminationGracePeriodSeconds"), secs);
    }
    for (field, containers) in [
        ("containers", spec.containers.as_slice()),
        ("initContainers", spec.init_containers.or_empty()),
    ] {
        let at = SPEC.field(field);
        for (index, container) in containers.iter().enumerate() {
            validate::image_is_trimmed(errors, &at.index(index), container.image.or_empty());
        }
    }
}

/// A Pod without an account gets no token of one.
fn no_tokens(errors: &mut Errors, spec: &PodSpec) {
    let volumes_at = SPEC.field("volumes");
    for (index, volume) in spec.volumes.or_empty().iter().enumerate() {
        let Some(projected) = &volume.projected else {
            continue;
        };
        let volume_at = volumes_at.index(index);
        let projected_at = volume_at.field("projected");
        let sources_at = projected_at.field("sources");
        for (index, source) in projected.sources.or_empty().iter().enumerate() {
            if source.service_account_token.is_some() {
                let at = sources_at.index(index);
                let detail = "must not be specified when serviceAccountName is not set";
                errors.forbidden(&at.field("serviceAccountToken"), detail);
            }
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
