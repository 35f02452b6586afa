//! `IngressClass`: which controller serves the Ingresses that name it.
//!
//! See <https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-class>.

use jiff::Timestamp;
use k8s_openapi::api::networking::v1::{IngressClass, IngressClassParametersReference};
use meta::field::FieldError;
use meta::{Tree, names};

use crate::check::{At, Errors};
use crate::columns::{self, Column, NONE};
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo};

impl Kind for IngressClass {
    const INFO: KindInfo = KindInfo {
        singular: "ingressclass",
        type_name: "io.k8s.api.networking.v1.IngressClass",
        generation: Generation::Spec,
        columns: &[
            columns::NAME,
            Column::text("Controller", "Controller that is responsible for handling this class"),
            Column::text("Parameters", "A reference to a resource with additional parameters"),
            columns::AGE,
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        let spec = self.spec.get_or_insert_default();
        if let Some(parameters) = &mut spec.parameters {
            parameters.scope.get_or_insert_with(|| CLUSTER.to_owned());
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let (new, old) = (controller(self), controller(old));
        errors.immutable(&SPEC.field("controller"), &new, &old);
        validate_spec(&mut errors, self);
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let parameters = self.spec.as_ref().and_then(|spec| spec.parameters.as_ref());
        let name = self.metadata.name.or_empty();
        let annotation = self.metadata.annotations.or_empty().get(IS_DEFAULT);
        let is_default = annotation.is_some_and(|text| text == "true");
        vec![
            Tree::from(if is_default { format!("{name} (default)") } else { name.to_owned() }),
            Tree::from(controller(self)),
            Tree::from(parameters.map_or_else(|| NONE.to_owned(), shown)),
            columns::age(&self.metadata, now),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");
const IS_DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
const CLUSTER: &str = "Cluster";
const NAMESPACE: &str = "Namespace";
const CONTROLLER_BYTES_MAX: usize = 250;

fn controller(class: &IngressClass) -> &str {
    class.spec.as_ref().map(|spec| spec.controller.or_empty()).unwrap_or_default()
}

fn shown(parameters: &IngressClassParametersReference) -> String {
    let (kind, name) = (&parameters.kind, &parameters.name);
    match &parameters.api_group {
        Some(group) => format!("{kind}.{group}/{name}"),
        None => format!("{kind}/{name}"),
    }
}

fn validate_spec(errors: &mut Errors, class: &IngressClass) {
    let (controller, at) = (controller(class), SPEC.field("controller"));
    if controller.is_empty() {
        errors.required(&at, "");
    } else {
        if controller.len() > CONTROLLER_BYTES_MAX {
            errors.too_long(&at, CONTROLLER_BYTES_MAX);
        }
        validate_controller(errors, &at, controller);
    }
    if let Some(parameters) = class.spec.as_ref().and_then(|spec| spec.parameters.as_ref()) {
        validate_parameters(errors, &SPEC.field("parameters"), parameters);
    }
}

/// A controller is called `example.com/path`.
fn validate_controller(errors: &mut Errors, at: &At<'_>, name: &str) {
    let parts = name.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty());
    let Some((host, path)) = parts else {
        let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        errors.invalid(at, name, detail);
        return;
    };
    errors.invalid_each(at, host, names::is_dns1123_subdomain(host));
    let is_path_byte = |byte: u8| byte.is_ascii_alphanumeric() || PATH_MARKS.contains(&byte);
    if !path.bytes().all(is_path_byte) {
        errors.invalid(at, path, names::regex_error("Invalid path", PATH, &[]));
    }
}

const PATH: &str = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const PATH_MARKS: &[u8] = b"/-._~%!$&'()*+,;=:";

fn validate_parameters(
    errors: &mut Errors,
    at: &At<'_>,
    parameters: &IngressClassParametersReference,
) {
    if let Some(group) = &parameters.api_group {
        errors.invalid_each(&at.field("apiGroup"), group, names::is_dns1123_subdomain(group));
    }
    let named = [("kind", &parameters.kind), ("name", &parameters.name)];
    for (field, text) in named {
        errors.invalid_each(&at.field(field), text, names::is_path_segment_name(text));
    }
    let (scope_at, namespace_at) = (at.field("scope"), at.field("namespace"));
    match (parameters.scope.as_deref(), &parameters.namespace) {
        (None, _) => errors.required(&scope_at, ""),
        (Some(NAMESPACE), None) => {
            errors.required(&namespace_at, "`parameters.scope` is set to 'Namespace'");
        }
        (Some(NAMESPACE), Some(namespace)) => {
            errors.invalid_each(&namespace_at, namespace, names::is_dns1123_label(namespace));
        }
        (Some(CLUSTER), Some(_)) => {
            errors.forbidden(&namespace_at, "`parameters.scope` is set to 'Cluster'");
        }
        (Some(CLUSTER), None) => {}
        (Some(other), _) => errors.not_supported(&scope_at, other, &[CLUSTER, NAMESPACE]),
    }
    // What is missing is told after what is wrong.
    for (field, _) in named.into_iter().filter(|(_, text)| text.is_empty()) {
        errors.required(&at.field(field), "");
    }
}
