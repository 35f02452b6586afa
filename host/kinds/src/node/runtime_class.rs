//! `RuntimeClass`: which runtime runs a Pod, what that costs, and where it is found.
//!
//! See <https://kubernetes.io/docs/concepts/containers/runtime-class/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Toleration;
use k8s_openapi::api::node::v1::RuntimeClass;
use meta::field::{BadValue, FieldError};
use meta::{Tree, names};

use crate::check::{At, Errors, IMMUTABLE};
use crate::columns::{self, Column};
use crate::core::pod::validate::{overhead, scheduling};
use crate::core::pod::warnings::old_node_label;
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, internal, metadata};

impl Kind for RuntimeClass {
    const INFO: KindInfo = KindInfo {
        singular: "runtimeclass",
        type_name: "io.k8s.api.node.v1.RuntimeClass",
        create_on_update: true,
        unconditional_update: false,
        // Kubernetes looks for the documentation of the handler in the metadata, and finds none.
        columns: &[columns::NAME, Column::text("Handler", ""), columns::AGE],
        plain_finalizers: true,
        ..KindInfo::cluster::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_class(&mut errors, self);
        validate_handler(&mut errors, &self.handler);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_class(&mut errors, self);
        if self.handler != old.handler {
            errors.invalid(&HANDLER, BadValue::null(), IMMUTABLE);
        }
        validate_handler(&mut errors, &self.handler);
        errors.into_list()
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        let scheduling = self.scheduling.as_ref();
        let selector = scheduling.and_then(|scheduling| scheduling.node_selector.as_ref());
        let advice = selector.into_iter().flatten().filter_map(|(label, _)| old_node_label(label));
        advice.map(|advice| format!("scheduling.nodeSelector: {advice}")).collect()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(self.handler.as_str()),
            columns::age(&self.metadata, now),
        ]
    }
}

const HANDLER: At<'static> = At::root("handler");

fn validate_handler(errors: &mut Errors, handler: &str) {
    if handler.is_empty() {
        errors.required(&HANDLER, "");
    } else {
        errors.invalid_each(&HANDLER, handler, names::is_dns1123_label(handler));
    }
}

fn validate_class(errors: &mut Errors, class: &RuntimeClass) {
    if let Some(fixed) = class.overhead.as_ref().and_then(|overhead| overhead.pod_fixed.as_ref()) {
        overhead(errors, &At::root("overhead"), fixed);
    }
    let Some(scheduling) = &class.scheduling else { return };
    let at = At::root("scheduling");
    metadata::labels(errors, &at.field("nodeSelector"), scheduling.node_selector.as_ref());
    tolerations(errors, &at.field("tolerations"), scheduling.tolerations.or_empty());
}

fn tolerations(errors: &mut Errors, all: &At<'_>, tolerations: &[Toleration]) {
    scheduling::tolerations(errors, all, tolerations);
    let key =
        |toleration: &Toleration| Toleration { toleration_seconds: None, ..toleration.clone() };
    for (index, toleration) in tolerations.iter().enumerate() {
        if tolerations.iter().take(index).any(|other| key(other) == key(toleration)) {
            errors.duplicate(&all.index(index), internal::value("@Toleration", toleration));
        }
    }
}
