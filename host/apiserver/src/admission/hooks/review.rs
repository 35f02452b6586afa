//! `AdmissionReview`: the question that a webhook is asked, and what its answer means.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response>.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use meta::{StatusError, Tree};
use serde::Deserialize;
use serde_json::json;

use super::asked::Asked;
use super::evaluate::request_tree;
use super::matching::Matched;
use super::objects::Objects;

/// Versions that are spoken here.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const GROUP: &str = "admission.k8s.io";

/// A question on its way.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) version: &'static str,
    pub(super) uid: String,
    pub(super) body: String,
}

impl Review {
    /// In the first of the versions a webhook takes that is known here.
    pub(super) fn new(
        versions: &[String],
        asked: &Asked<'_>,
        matched: &Matched,
        objects: &Objects,
    ) -> Result<Review, String> {
        let version = versions
            .iter()
            .find_map(|wanted| VERSIONS.into_iter().find(|known| known == wanted))
            .ok_or("webhook does not accept known AdmissionReview versions (v1, v1beta1)")?;
        let uid = uuid::Uuid::new_v4().to_string();
        let mut request = request_tree(asked, matched);
        request["uid"] = uid.as_str().into();
        request["object"] = objects.object.clone().unwrap_or_default();
        request["oldObject"] = objects.old.clone().unwrap_or_default();
        let review = json!({
            "kind": "AdmissionReview",
            "apiVersion": format!("{GROUP}/{version}"),
            "request": request,
        });
        Ok(Review { version, uid, body: review.to_string() })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answered {
    api_version: String,
    kind: String,
    response: Option<Response>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Response {
    uid: String,
    allowed: bool,
    status: Option<Status>,
    patch: Option<String>,
    patch_type: Option<String>,
    warnings: Option<Vec<String>>,
}

/// What a webhook says.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) allowed: bool,
    pub(super) status: Option<Status>,
    pub(super) warnings: Vec<String>,
    /// A JSON patch.
    pub(super) patch: Option<Vec<u8>>,
}

impl Review {
    /// Reads the answer; the error says how it breaks the protocol.
    pub(super) fn verdict(&self, body: &[u8], mutating: bool) -> Result<Verdict, String> {
        let tree: Tree = serde_json::from_slice(body)
            .map_err(|error| format!("received invalid webhook response: {error}"))?;
        let answered: Answered = serde_json::from_value(tree)
            .map_err(|error| format!("received invalid webhook response: {error}"))?;
        let response = answered.response.ok_or("webhook response was absent")?;
        if self.version == "v1" {
            self.check(&answered.api_version, &answered.kind, &response)?;
        }
        let patch = match response.patch.filter(|patch| mutating && !patch.is_empty()) {
            None => None,
            Some(patch) => Some(
                BASE64_STANDARD
                    .decode(patch)
                    .map_err(|error| format!("received invalid webhook response: {error}"))?,
            ),
        };
        Ok(Verdict {
            allowed: response.allowed,
            status: response.status,
            warnings: response.warnings.unwrap_or_default(),
            patch,
        })
    }

    fn check(&self, api_version: &str, kind: &str, response: &Response) -> Result<(), String> {
        let broken = |text: String| Err(format!("received invalid webhook response: {text}"));
        let wanted = format!("{GROUP}/v1");
        if api_version != wanted || kind != "AdmissionReview" {
            return broken(format!(
                "expected webhook response of {wanted}, Kind=AdmissionReview, got {api_version}, \
                 Kind={kind}"
            ));
        }
        if response.uid != self.uid {
            return broken(format!(
                "expected response.uid={}, got {}",
                meta::quote(&self.uid),
                meta::quote(&response.uid)
            ));
        }
        let has_patch = response.patch.as_ref().is_some_and(|patch| !patch.is_empty());
        match response.patch_type.as_deref().unwrap_or_default() {
            "" if has_patch => {
                broken("webhook returned response.patch but not response.patchType".to_owned())
            }
            "JSONPatch" if !has_patch => {
                broken("webhook returned response.patchType but not response.patch".to_owned())
            }
            "" | "JSONPatch" => Ok(()),
            other => broken(format!(
                "webhook returned invalid response.patchType of {}",
                meta::quote(other)
            )),
        }
    }
}

/// What the client hears when a webhook refuses its request.
pub(super) fn denial(webhook: &str, status: Option<Status>) -> StatusError {
    let mut status = status.unwrap_or_default();
    let denied = format!("admission webhook {} denied the request", meta::quote(webhook));
    if status.code.is_none_or(|code| code < 400) {
        status.code = Some(400);
    }
    status.status = Some("Failure".to_owned());
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    status.message = Some(match text(&status.message).or_else(|| text(&status.reason)) {
        Some(text) => format!("{denied}: {text}"),
        None => format!("{denied} without explanation"),
    });
    let mut error = StatusError::new(400, "", "");
    *error.0 = status;
    error
}

#[cfg(test)]
mod tests;
