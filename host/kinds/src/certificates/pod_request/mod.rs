//! `PodCertificateRequest`: a kubelet asks for a certificate for a Pod of its node.
//!
//! The request is fixed when it is made. The signer writes the status once: the certificates, or that there will be none.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#pod-certificate-requests>.

mod issued;
mod spec;
mod status;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::{PodCertificateRequest, PodCertificateRequestSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use meta::Tree;
use meta::field::FieldError;

use crate::check::{At, Errors, IMMUTABLE};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, conditions, internal, metadata};

/// For how long a certificate is wanted where the request does not say so.
const DEFAULT_SECS: i32 = 24 * 3600;

impl Kind for PodCertificateRequest {
    const INFO: KindInfo = KindInfo {
        singular: "podcertificaterequest",
        type_name: "io.k8s.api.certificates.v1.PodCertificateRequest",
        status: true,
        unowned: &[("status", &["metadata", "spec"])],
        selectable: &["spec.signerName", "spec.podName", "spec.nodeName"],
        columns: &[
            columns::NAME,
            of_spec("PodName", "podName"),
            of_spec("ServiceAccountName", "serviceAccountName"),
            of_spec("NodeName", "nodeName"),
            of_spec("SignerName", "signerName"),
            Column::text("State", "Is the request Pending, Issued, Denied, or Failed?"),
            of_spec("UnverifiedUserAnnotations", "unverifiedUserAnnotations"),
        ],
        unconditional_update: false,
        ..KindInfo::namespaced::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        conditions::mark_missing_times(tree.pointer_mut("/status/conditions"));
    });

    fn set_defaults(&mut self) {
        self.spec.max_expiration_seconds.get_or_insert(DEFAULT_SECS);
    }

    /// Whoever signs has no say in the metadata.
    fn on_status_update(&mut self, old: &Self) {
        metadata::keep_for_status(&mut self.metadata, &old.metadata);
    }

    fn validate(&self) -> Vec<FieldError> {
        spec::validate(&self.spec)
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        if self.spec != old.spec {
            let shown = internal::value("@PodCertificateRequestSpec", &self.spec);
            errors.invalid(&SPEC, shown, IMMUTABLE);
        }
        errors.into_list()
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        status::validate(self, old)
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let spec = &self.spec;
        vec![
            ("spec.signerName", spec.signer_name.clone()),
            ("spec.podName", spec.pod_name.clone()),
            ("spec.nodeName", spec.node_name.clone()),
        ]
    }

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        let spec = &self.spec;
        vec![
            columns::name(&self.metadata),
            Tree::from(spec.pod_name.as_str()),
            Tree::from(spec.service_account_name.as_str()),
            Tree::from(spec.node_name.as_str()),
            Tree::from(spec.signer_name.as_str()),
            Tree::from(state(self)),
            Tree::from(columns::labels(spec.unverified_user_annotations.or_empty())),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");
const STATUS: At<'static> = At::root("status");

const fn of_spec(name: &'static str, field: &'static str) -> Column {
    Column::of::<PodCertificateRequestSpec>(name, field)
}

const ISSUED: &str = "Issued";
const DENIED: &str = "Denied";
const FAILED: &str = "Failed";

/// What can become of a request.
const OUTCOMES: &[&str] = &[ISSUED, DENIED, FAILED];

fn conditions(request: &PodCertificateRequest) -> &[Condition] {
    request.status.as_ref().map(|status| status.conditions.or_empty()).unwrap_or_default()
}

/// What has become of a request, in a word.
fn state(request: &PodCertificateRequest) -> &str {
    let mut types = conditions(request).iter().rev().map(|condition| condition.type_.as_str());
    types.find(|name| OUTCOMES.contains(name)).unwrap_or("Pending")
}
