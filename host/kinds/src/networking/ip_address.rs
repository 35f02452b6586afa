//! `IPAddress`: an address of the cluster's ranges that is taken, and by which object.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ip-address-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::networking::v1::{IPAddress, IPAddressSpec, ParentReference};
use meta::field::{BadValue, FieldError};
use meta::{Tree, names};

use crate::check::{At, Errors, IMMUTABLE};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, NameRule};

impl Kind for IPAddress {
    const INFO: KindInfo = KindInfo {
        singular: "ipaddress",
        short_names: &["ip"],
        type_name: "io.k8s.api.networking.v1.IPAddress",
        name_rule: NameRule::Address,
        columns: &[columns::NAME, Column::of::<IPAddressSpec>("ParentRef", "parentRef")],
        ..KindInfo::cluster::<Self>()
    };

    /// A parent that is missing and one without anything in it are different errors, but the same in typed form. An empty group, which
    /// encoding drops again, marks the second.
    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        if let Some(Tree::Object(parent)) = tree.pointer_mut("/spec/parentRef") {
            parent.entry("group").or_insert_with(|| Tree::from(""));
        }
    });

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_parent(&mut errors, &self.spec.parent_ref);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let parent = &self.spec.parent_ref;
        validate_parent(&mut errors, parent);
        if *parent != old.spec.parent_ref {
            errors.invalid(&SPEC.field("parentRef"), BadValue::null(), IMMUTABLE);
        }
        errors.into_list()
    }

    /// The age has no column, but Kubernetes sends it.
    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(shown(&self.spec.parent_ref)),
            columns::age(&self.metadata, now),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

fn shown(parent: &ParentReference) -> String {
    let kind = match parent.group.or_empty() {
        "" => parent.resource.to_lowercase(),
        group => format!("{}.{group}", parent.resource).to_lowercase(),
    };
    match parent.namespace.or_empty() {
        "" => format!("{kind}/{}", parent.name),
        namespace => format!("{kind}/{namespace}/{}", parent.name),
    }
}

fn validate_parent(errors: &mut Errors, parent: &ParentReference) {
    let at = SPEC.field("parentRef");
    if *parent == ParentReference::default() {
        errors.required(&at, "");
        return;
    }
    let group = parent.group.or_empty();
    if !group.is_empty() {
        errors.invalid_each(&at.field("group"), group, names::is_dns1123_subdomain(group));
    }
    super::required_segment(errors, &at.field("resource"), &parent.resource);
    super::required_segment(errors, &at.field("name"), &parent.name);
    let namespace = parent.namespace.or_empty();
    errors.invalid_each(&at.field("namespace"), namespace, names::is_path_segment_name(namespace));
}
