//! `CertificateSigningRequest`: somebody asks for a certificate; others approve or deny that, and sign it.
//!
//! Who asks and what for is fixed when the object is made. `/approval` writes the conditions, `/status` the certificate. The API server
//! fills in who asks.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/>.

mod validate;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition, CertificateSigningRequestSpec,
};
use meta::Tree;
use meta::field::FieldError;

use self::validate::Through;
use crate::columns::{self, Column, NONE};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, NameRule, Subresource, Verb};

/// The columns describe themselves in the words of the first beta version of the kind.
const SIGNER_NAME: &str = "Requested signer for the request. It is a qualified name in the form: \
    `scope-hostname.io/name`. If empty, it will be defaulted:\n \
    1. If it's a kubelet client certificate, it is assigned\n    \
    \"kubernetes.io/kube-apiserver-client-kubelet\".\n \
    2. If it's a kubelet serving certificate, it is assigned\n    \
    \"kubernetes.io/kubelet-serving\".\n \
    3. Otherwise, it is assigned \"kubernetes.io/legacy-unknown\".\n\
    Distribution of trust for signers happens out of band. You can select on this field using \
    `spec.signerName`.";

const APPROVAL: Subresource =
    Subresource { name: "approval", body: None, verbs: Verb::GET_PATCH_UPDATE };

impl Kind for CertificateSigningRequest {
    const INFO: KindInfo = KindInfo {
        singular: "certificatesigningrequest",
        short_names: &["csr"],
        type_name: "io.k8s.api.certificates.v1.CertificateSigningRequest",
        name_rule: NameRule::PathSegment,
        status: true,
        subresources: &[APPROVAL],
        unowned: &[
            ("", &["spec", "status"]),
            ("approval", &["spec", "status.certificate"]),
            ("status", &["spec", "status.conditions"]),
        ],
        selectable: &["spec.signerName"],
        columns: &[
            columns::NAME,
            columns::AGE,
            Column::text("SignerName", SIGNER_NAME),
            Column::text("Requestor", "Base64-encoded PKCS#10 CSR data"),
            Column::of::<CertificateSigningRequestSpec>("RequestedDuration", "expirationSeconds"),
            Column::text(
                "Condition",
                "Conditions applied to the request, such as approval or denial.",
            ),
        ],
        without_table: &["approval"],
        ..KindInfo::cluster::<Self>()
    };

    /// What was asked for stays, or an approval would be worth nothing.
    fn on_update(&mut self, old: &Self) {
        self.spec.clone_from(&old.spec);
    }

    /// Decisions stay as they are: `/status` is for who signs.
    fn on_status_update(&mut self, old: &Self) {
        let status = self.status.as_mut();
        let conditions = status.and_then(|status| status.conditions.as_mut());
        keep_decisions(conditions.map(Vec::as_mut_slice).unwrap_or_default(), old);
    }

    /// `/approval` writes the conditions only.
    fn on_subresource_update(&mut self, _subresource: &str, old: &Self) {
        self.spec.clone_from(&old.spec);
        let certificate = old.status.as_ref().and_then(|status| status.certificate.clone());
        self.status.get_or_insert_default().certificate = certificate;
    }

    fn validate(&self) -> Vec<FieldError> {
        validate::create(self)
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        validate::update(self, old, Through::Main)
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        validate::update(self, old, Through::Status)
    }

    fn validate_subresource(&self, _subresource: &str, old: &Self) -> Vec<FieldError> {
        validate::update(self, old, Through::Approval)
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("spec.signerName", self.spec.signer_name.clone())]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = &self.spec;
        let signer = if spec.signer_name.is_empty() { NONE } else { &spec.signer_name };
        let duration = spec
            .expiration_seconds
            .map_or_else(|| NONE.to_owned(), |secs| columns::human_duration(i64::from(secs)));
        vec![
            columns::name(&self.metadata),
            columns::age(&self.metadata, now),
            Tree::from(signer),
            Tree::from(spec.username.or_empty()),
            Tree::from(duration),
            Tree::from(state(self)),
        ]
    }
}

const APPROVED: &str = "Approved";
const DENIED: &str = "Denied";
const FAILED: &str = "Failed";

fn conditions(request: &CertificateSigningRequest) -> &[CertificateSigningRequestCondition] {
    request.status.as_ref().map(|status| status.conditions.or_empty()).unwrap_or_default()
}

/// Puts decisions back, where none was added or taken away: validation refuses those changes.
fn keep_decisions(new: &mut [CertificateSigningRequestCondition], old: &CertificateSigningRequest) {
    for name in [APPROVED, DENIED] {
        let old: Vec<_> = conditions(old).iter().filter(|old| old.type_ == name).collect();
        let new: Vec<_> = new.iter_mut().filter(|new| new.type_ == name).collect();
        if new.len() == old.len() {
            for (new, old) in new.into_iter().zip(old) {
                new.clone_from(old);
            }
        }
    }
}

/// What has become of a request, in words.
fn state(request: &CertificateSigningRequest) -> String {
    let status = request.status.clone().unwrap_or_default();
    let has = |name: &str| conditions(request).iter().any(|condition| condition.type_ == name);
    let mut words = vec![if has(DENIED) {
        DENIED
    } else if has(APPROVED) {
        APPROVED
    } else {
        "Pending"
    }];
    if has(FAILED) {
        words.push(FAILED);
    }
    if status.certificate.is_some_and(|certificate| !certificate.0.is_empty()) {
        words.push("Issued");
    }
    words.join(",")
}
