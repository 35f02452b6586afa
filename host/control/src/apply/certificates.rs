//! What is done about requests for certificates: the API server is asked whether one may be approved,
//! and the authority, whose key is elsewhere, signs.

use std::fmt::Debug;

use bytes::Bytes;
use controllers::{Approval, Failure, Sourced, Verb};
use http::Method;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;

use super::{Applier, Judged, Outcome, Result, item, shown};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// The cluster's authority.
pub trait Signer: Debug + Send + Sync {
    /// Makes a certificate, in PEM.
    fn sign(&self, order: &Order<'_>) -> std::result::Result<String, SignError>;

    /// Makes a token without an end, a JSON Web Token in compact form.
    fn issue_token(&self, holder: &Holder<'_>) -> std::result::Result<String, SignError>;
}

/// Whose token it is and where it is kept: it is good as long as both are there.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// Namespace of both.
    pub namespace: &'a str,
    /// Name of the `ServiceAccount`.
    pub account: &'a str,
    /// Its uid.
    pub uid: &'a str,
    /// Name of the Secret.
    pub secret: &'a str,
}

/// What shall be signed.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// A PKCS #10 request in PEM.
    pub request: &'a [u8],
    /// What the certificate is for, in Kubernetes' words.
    pub usages: &'a [String],
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when, unless the authority ends earlier.
    pub not_after: Timestamp,
}

/// Why the authority does not sign.
pub type SignError = Box<dyn std::error::Error + Send + Sync>;

impl Applier {
    /// Writes the first approval that is allowed.
    pub(super) async fn approve(&self, approvals: Vec<Approval>) -> Judged {
        let mut asked = Vec::new();
        for Approval { ask, mut object } in approvals {
            let what = ask.resource_attributes.as_ref().and_then(|what| what.subresource.clone());
            asked.extend(what);
            let review = SubjectAccessReview { spec: ask, ..SubjectAccessReview::default() };
            match self.ask(&review).await {
                Ok(true) => {
                    let path = item(&object, "/approval");
                    let made = self.write(Verb::Change, Method::PUT, path, &mut object).await;
                    return self.judge(made.map(|made| shown(object.which(), &made)));
                }
                Ok(false) => {}
                Err(error) => {
                    return self.judge(Err((Verb::Change, object.which().resource(), error)));
                }
            }
        }
        Err(failed(format!("nobody has allowed {}", asked.join(" or "))))
    }

    async fn ask(&self, review: &SubjectAccessReview) -> std::result::Result<bool, api::Error> {
        let body = serde_json::to_vec(review).map_err(|e| api::Error::Encode(Box::new(e)))?;
        let content = Some(("application/json", Bytes::from(body)));
        let answer: SubjectAccessReview =
            self.client.request(Method::POST, REVIEWS, content).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// Has a request signed, and writes the certificate.
    pub(super) async fn sign(
        &self,
        mut request: CertificateSigningRequest,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Judged {
        let Some(signer) = &self.signer else {
            return Err(failed("nobody here signs certificates".to_owned()));
        };
        let signed = {
            let (text, usages) = (&request.spec.request.0, request.spec.usages.as_deref());
            let usages = usages.unwrap_or_default();
            signer.sign(&Order { request: text, usages, not_before, not_after })
        };
        match signed {
            Ok(pem) => {
                let status = request.status.get_or_insert_default();
                status.certificate = Some(ByteString(pem.into_bytes()));
                let mut object = request.into_any();
                let path = item(&object, "/status");
                let made: Result<_> =
                    self.write(Verb::Change, Method::PUT, path, &mut object).await;
                self.judge(made.map(|made| shown(object.which(), &made)))
            }
            Err(error) => {
                tracing::warn!(error = &*error, "a certificate could not be signed");
                Err(failed(error.to_string()))
            }
        }
    }
}

fn failed(message: String) -> Outcome {
    let resource = CertificateSigningRequest::resource();
    Outcome::Failed(Failure { verb: Verb::Change, resource, message })
}
