//! `Ingress`: which requests from outside go to which Service, by host and path.
//!
//! See <https://kubernetes.io/docs/concepts/services-networking/ingress/>.

mod validate;

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::networking::v1::{Ingress, IngressLoadBalancerIngress, IngressRule};
use meta::Tree;
use meta::field::FieldError;

use crate::address;
use crate::check::{At, Errors};
use crate::columns::{self, Column, NONE};
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo};

impl Kind for Ingress {
    const INFO: KindInfo = KindInfo {
        singular: "ingress",
        short_names: &["ing"],
        type_name: "io.k8s.api.networking.v1.Ingress",
        status: true,
        generation: Generation::Spec,
        columns: &[
            columns::NAME,
            Column::text(
                "Class",
                "The name of the IngressClass resource that should be used for additional configuration",
            ),
            Column::text(
                "Hosts",
                "Hosts that incoming requests are matched against before the ingress rule",
            ),
            Column::text(
                "Address",
                "Address is a list containing ingress points for the load-balancer",
            ),
            Column::text("Ports", "Ports of TLS configurations that open"),
            columns::AGE,
        ],
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        self.spec.get_or_insert_default();
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate::spec(&mut errors, self);
        class_agrees(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate::spec(&mut errors, self);
        errors.into_list()
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate::status(&mut errors, self, old);
        errors.into_list()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let is_old_form = self.metadata.annotations.or_empty().contains_key(CLASS_ANNOTATION)
            && class(self).is_none();
        if old.is_none() && is_old_form {
            let annotation = meta::quote(CLASS_ANNOTATION);
            vec![format!(
                "annotation {annotation} is deprecated, please use 'spec.ingressClassName' instead"
            )]
        } else {
            Vec::new()
        }
    }

    fn status_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let status = At::root("status");
        let balancer = status.field("loadBalancer");
        let all = balancer.field("ingress");
        for (index, point) in points(self).iter().enumerate() {
            address::warn(&mut warnings, &all.index(index), point.ip.or_empty());
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = self.spec.as_ref();
        let rules = spec.map(|spec| spec.rules.or_empty()).unwrap_or_default();
        let has_tls = spec.is_some_and(|spec| !spec.tls.is_unset());
        vec![
            columns::name(&self.metadata),
            Tree::from(class(self).unwrap_or(NONE)),
            Tree::from(hosts(rules)),
            Tree::from(addresses(self)),
            Tree::from(if has_tls { "80, 443" } else { "80" }),
            columns::age(&self.metadata, now),
        ]
    }
}

/// Where the class was named before there was a field for it.
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

fn class(ingress: &Ingress) -> Option<&str> {
    ingress.spec.as_ref().and_then(|spec| spec.ingress_class_name.as_deref())
}

/// A new object does not name two classes.
fn class_agrees(errors: &mut Errors, ingress: &Ingress) {
    let annotation = ingress.metadata.annotations.or_empty().get(CLASS_ANNOTATION);
    if let (Some(annotation), Some(class)) = (annotation, class(ingress))
        && annotation != class
    {
        let annotations = At::root("annotations");
        let detail = "must match `ingressClassName` when both are specified";
        errors.invalid(&annotations.field(CLASS_ANNOTATION), annotation, detail);
    }
}

const HOSTS_SHOWN_MAX: usize = 3;

/// The first hosts. The number of those that are left out counts rules, not hosts, as clients expect it.
fn hosts(rules: &[IngressRule]) -> String {
    let mut shown = Vec::new();
    let mut has_more = false;
    for rule in rules {
        has_more |= shown.len() == HOSTS_SHOWN_MAX;
        let host = rule.host.or_empty();
        if !has_more && !host.is_empty() {
            shown.push(host);
        }
    }
    let list = shown.join(",");
    match shown.len() {
        0 => "*".to_owned(),
        _ if has_more => format!("{list} + {} more...", rules.len() - HOSTS_SHOWN_MAX),
        _ => list,
    }
}

/// Where the Ingress is reached.
fn points(ingress: &Ingress) -> &[IngressLoadBalancerIngress] {
    let balancer = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    balancer.map(|balancer| balancer.ingress.or_empty()).unwrap_or_default()
}

fn addresses(ingress: &Ingress) -> String {
    let shown: BTreeSet<&str> = points(ingress)
        .iter()
        .map(|point| match point.ip.or_empty() {
            "" => point.hostname.or_empty(),
            ip => ip,
        })
        .filter(|shown| !shown.is_empty())
        .collect();
    shown.into_iter().collect::<Vec<_>>().join(",")
}
