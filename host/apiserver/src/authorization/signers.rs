//! Approving a request for a certificate, and signing it, each need the permission to do so for its signer.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization>.

use meta::{StatusError, Tree};

use crate::request::ResourceRequest;
use crate::seams::{Attempt, Identity, ResourceAttempt};
use crate::state::State;

const GROUP: &str = "certificates.k8s.io";

/// Refuses a decision or a certificate by somebody who may not make it. Objects of other resources pass.
pub(crate) async fn check(
    state: &State,
    identity: &Identity,
    request: &ResourceRequest,
    new: &Tree,
    old: &Tree,
) -> Result<(), StatusError> {
    if request.group != GROUP || request.resource != "certificatesigningrequests" {
        return Ok(());
    }
    let changes = |pointer| new.pointer(pointer) != old.pointer(pointer);
    let verb = match request.subresource.as_str() {
        "approval" => "approve",
        "status" if changes("/status/certificate") || changes("/status/conditions") => "sign",
        _ => return Ok(()),
    };
    let signer = old.pointer("/spec/signerName").and_then(Tree::as_str).unwrap_or_default();
    if may(state, identity, verb, signer).await {
        return Ok(());
    }
    let signer = meta::quote(signer);
    let text = format!("user not permitted to {verb} requests with signerName {signer}");
    Err(StatusError::forbidden(&request.group_resource(), &request.name, &text))
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
