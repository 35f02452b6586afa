//! Approving a request for a certificate, signing it, and publishing whom to trust each need the permission to do so for the signer.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization>.

use meta::field::{FieldError, Path};
use meta::{GroupKind, StatusError, Tree};

use super::only_cleans_up;
use crate::request::ResourceRequest;
use crate::seams::{Attempt, Identity, ResourceAttempt};
use crate::state::State;

const GROUP: &str = "certificates.k8s.io";
const SIGN: &str = "sign";

/// Refuses a decision, a certificate or a bundle by somebody who may not make it. Objects of other resources pass.
pub(crate) async fn check(
    state: &State,
    identity: &Identity,
    request: &ResourceRequest,
    new: &Tree,
    old: Option<&Tree>,
) -> Result<(), StatusError> {
    if request.group != GROUP {
        return Ok(());
    }
    let changes = |pointer| old.is_some_and(|old| new.pointer(pointer) != old.pointer(pointer));
    let verb = match (request.resource.as_str(), request.subresource.as_str()) {
        ("certificatesigningrequests", "approval") => "approve",
        ("certificatesigningrequests", "status")
            if changes("/status/certificate") || changes("/status/conditions") =>
        {
            SIGN
        }
        ("podcertificaterequests", "status") if changes("/status") => SIGN,
        ("clustertrustbundles", "") if !old.is_some_and(|old| only_cleans_up(old, new)) => "attest",
        _ => return Ok(()),
    };
    let signer = new.pointer("/spec/signerName").and_then(Tree::as_str).unwrap_or_default();
    let belongs_to_nobody = verb == "attest" && signer.is_empty();
    if belongs_to_nobody || may(state, identity, verb, signer).await {
        return Ok(());
    }
    let name = meta::metadata_text(new, "name");
    Err(refusal(identity, request, name, verb, signer))
}

/// What somebody is told who lacks the permission.
fn refusal(
    identity: &Identity,
    request: &ResourceRequest,
    name: &str,
    verb: &str,
    signer: &str,
) -> StatusError {
    let signer = meta::quote(signer);
    let text = match request.resource.as_str() {
        "podcertificaterequests" => {
            let (user, verb) = (meta::quote(&identity.name), meta::quote(verb));
            let text = format!("User {user} is not permitted to {verb} for signer {signer}");
            let error = FieldError::forbidden(&Path::new("spec.signerName"), text);
            let kind = GroupKind::new(GROUP, "PodCertificateRequest");
            return StatusError::invalid(&kind, name, &[error]);
        }
        "clustertrustbundles" => {
            format!("user not permitted to {verb} for signerName {signer}")
        }
        _ => format!("user not permitted to {verb} requests with signerName {signer}"),
    };
    StatusError::forbidden(&request.group_resource(), name, &text)
}

/// Whether somebody may do something as this signer, or as all signers of its domain.
async fn may(state: &State, identity: &Identity, verb: &str, signer: &str) -> bool {
    let domain = signer.split('/').next().unwrap_or_default();
    for name in [signer.to_owned(), format!("{domain}/*")] {
        let resource = ResourceAttempt {
            group: GROUP,
            version: "*",
            resource: "signers",
            name: &name,
            ..ResourceAttempt::default()
        };
        let attempt = Attempt { identity, verb, resource: Some(resource), path: "" };
        if state.authorizer.authorize(&attempt).await.is_allowed() {
            return true;
        }
    }
    false
}
