//! `Service`: one stable address for a set of Pods.
//!
//! Addresses and ports of nodes are given out by the API server between defaulting and validation; here are only the rules.
//!
//! See <https://kubernetes.io/docs/concepts/services-networking/service/>.

mod row;
mod update;
mod validate;
mod warnings;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ClientIPConfig, Service, ServiceSpec, ServiceStatus, SessionAffinityConfig,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::Tree;
use meta::field::FieldError;

use crate::columns::{self, Column};
use crate::core::pod::proxy_subresource;
use crate::wire::{OrEmpty, default_text};
use crate::{DeleteAnswer, Kind, KindInfo, NameRule, PrefixRule, conditions};

impl Kind for Service {
    const INFO: KindInfo = KindInfo {
        singular: "service",
        short_names: &["svc"],
        categories: &["all"],
        type_name: "io.k8s.api.core.v1.Service",
        name_rule: NameRule::Label,
        status: true,
        subresources: &[proxy_subresource("ServiceProxyOptions")],
        create_on_update: true,
        delete_answer: DeleteAnswer::Object,
        selectable: &["spec.clusterIP", "spec.type"],
        columns: &[
            columns::NAME,
            Column::of::<ServiceSpec>("Type", "type"),
            Column::of::<ServiceSpec>("Cluster-IP", "clusterIP"),
            Column::of::<ServiceSpec>("External-IP", "externalIPs"),
            Column::of::<ServiceSpec>("Port(s)", "ports"),
            columns::AGE,
            Column::of::<ServiceSpec>("Selector", "selector").wide(),
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        conditions::mark_missing_times(tree.pointer_mut("/status/conditions"));
    });

    fn set_defaults(&mut self) {
        let spec = self.spec.get_or_insert_default();
        set_affinity(spec);
        default_text(&mut spec.type_, "ClusterIP");
        for port in spec.ports.iter_mut().flatten() {
            default_text(&mut port.protocol, "TCP");
            let target = port.target_port.get_or_insert(IntOrString::Int(0));
            let is_unset = match target {
                IntOrString::Int(number) => *number == 0,
                IntOrString::String(name) => name.is_empty(),
            };
            if is_unset {
                *target = IntOrString::Int(port.port);
            }
        }
        if is_externally_accessible(spec) {
            default_text(&mut spec.external_traffic_policy, "Cluster");
        }
        if matches!(spec.type_.or_empty(), "ClusterIP" | "NodePort" | "LoadBalancer") {
            spec.internal_traffic_policy.get_or_insert_with(|| "Cluster".to_owned());
        }
        if is_load_balancer(spec) {
            spec.allocate_load_balancer_node_ports.get_or_insert(true);
            let status = self.status.as_mut().and_then(|status| status.load_balancer.as_mut());
            for ingress in status.and_then(|status| status.ingress.as_mut()).into_iter().flatten() {
                if !ingress.ip.is_unset() {
                    ingress.ip_mode.get_or_insert_with(|| "VIP".to_owned());
                }
            }
        }
    }

    fn on_create(&mut self) {
        self.status = Some(ServiceStatus::default());
        let Some(spec) = &mut self.spec else { return };
        if spec.cluster_ips.is_unset() && !spec.cluster_ip.is_unset() {
            spec.cluster_ips = spec.cluster_ip.clone().map(|ip| vec![ip]);
        }
        update::drop_what_names_have_not(spec);
    }

    fn on_update(&mut self, old: &Self) {
        self.status.clone_from(&old.status);
        update::prepare(self, old);
    }

    fn validate(&self) -> Vec<FieldError> {
        validate::service(self, None)
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        validate::update(self, old)
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        validate::status(self, old)
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        self.spec.as_ref().map(|spec| warnings::gather(self, spec)).unwrap_or_default()
    }

    fn status_warnings(&self) -> Vec<String> {
        warnings::status(self)
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let spec = self.spec.clone().unwrap_or_default();
        vec![
            ("spec.clusterIP", spec.cluster_ip.unwrap_or_default()),
            ("spec.type", spec.type_.unwrap_or_default()),
        ]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        row::cells(self, now)
    }
}

const AFFINITY_SECS: i32 = 3 * 60 * 60;

fn set_affinity(spec: &mut ServiceSpec) {
    default_text(&mut spec.session_affinity, "None");
    match spec.session_affinity.or_empty() {
        "None" => spec.session_affinity_config = None,
        "ClientIP" => {
            let config = spec.session_affinity_config.as_ref();
            let client = config.and_then(|config| config.client_ip.as_ref());
            if client.and_then(|client| client.timeout_seconds).is_none() {
                let client = ClientIPConfig { timeout_seconds: Some(AFFINITY_SECS) };
                let config = SessionAffinityConfig { client_ip: Some(client) };
                spec.session_affinity_config = Some(config);
            }
        }
        _ => {}
    }
}

pub(super) fn is_load_balancer(spec: &ServiceSpec) -> bool {
    spec.type_.or_empty() == "LoadBalancer"
}

/// A service without an address of its own, whose name stands for those of its Pods.
pub(super) fn is_headless(spec: &ServiceSpec) -> bool {
    matches!(spec.cluster_ips.or_empty(), [only] if only == "None")
}

pub(super) fn is_external_name(spec: &ServiceSpec) -> bool {
    spec.type_.or_empty() == "ExternalName"
}

/// Whether clients outside the cluster can reach the service.
pub(super) fn is_externally_accessible(spec: &ServiceSpec) -> bool {
    matches!(spec.type_.or_empty(), "LoadBalancer" | "NodePort")
        || spec.type_.or_empty() == "ClusterIP" && !spec.external_ips.is_unset()
}

/// Whether load balancers ask nodes if they have Pods of the service.
pub(super) fn needs_health_check(spec: &ServiceSpec) -> bool {
    is_load_balancer(spec) && spec.external_traffic_policy.or_empty() == "Local"
}

pub(super) fn needs_node_ports(spec: &ServiceSpec) -> bool {
    matches!(spec.type_.or_empty(), "LoadBalancer" | "NodePort")
}
