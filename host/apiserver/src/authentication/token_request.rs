//! Issues `ServiceAccount` tokens: POST on `serviceaccounts/NAME/token`.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/>.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authentication::v1::{
    BoundObjectReference, TokenRequest, TokenRequestStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use meta::{FieldError, GroupKind, GroupResource, Path, StatusError, Tree};
use store::Snapshot;

use super::service_account::{Bound, Claims, Reference, user_name};
use super::stored;
use crate::state::State;

const GROUP: &str = "authentication.k8s.io";
pub(crate) const DEFAULT_SECS: i64 = 3600;
const MIN_SECS: i64 = 600;
const MAX_SECS: i64 = 1 << 32;
/// What agents ask for on behalf of Pods. Such a token lasts a year, for programs that read it once; it warns after what was asked.
const WARN_SECS: i64 = 3607;
const EXTENDED_SECS: i64 = 365 * 24 * 3600;

/// The answer to a request for a token of the `ServiceAccount` `name`.
pub(crate) fn token_request(
    state: &State,
    namespace: &str,
    name: &str,
    request: Tree,
) -> Result<Tree, StatusError> {
    let Some(tokens) = state.authenticator.tokens() else {
        return Err(StatusError::internal("this server issues no tokens"));
    };
    let mut request: TokenRequest = serde_json::from_value(request)
        .map_err(|error| StatusError::bad_request(error.to_string()))?;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let must_match = |field: &'static str, value: Option<String>, expected: &str| match value {
        Some(value) if value != expected => {
            let path = Path::of(["metadata", field]);
            let text = format!("must match the service account {field} if specified");
            Err(invalid(name, FieldError::invalid(&path, value, text)))
        }
        _ => Ok(()),
    };
    must_match("name", given(&request.metadata.name), name)?;
    must_match("namespace", given(&request.metadata.namespace), namespace)?;

    let snapshot = state.store.snapshot();
    let Some(account) = stored::core(&snapshot, "serviceaccounts", namespace, name) else {
        return Err(StatusError::not_found(&GroupResource::new("", "serviceaccounts"), name));
    };
    let uid = account.metadata.uid;
    if let Some(asked) = given(&request.metadata.uid).filter(|asked| *asked != uid) {
        let text = format!(
            "the UID in the token request ({asked}) does not match the UID of the service account ({uid})"
        );
        return Err(StatusError::conflict(&GroupResource::new(GROUP, "TokenRequest"), name, &text));
    }
    let mut spec = request.spec.take().unwrap_or_default();
    let mut audiences = spec.audiences.take().unwrap_or_default();
    if audiences.is_empty() {
        audiences = tokens.audiences().to_vec();
    }
    spec.audiences = Some(audiences.clone());
    let seconds = spec.expiration_seconds.unwrap_or(DEFAULT_SECS);
    spec.expiration_seconds = Some(seconds);
    validate_lifetime(seconds)?;

    let mut bound = Bound {
        namespace: namespace.to_owned(),
        serviceaccount: Reference { name: name.to_owned(), uid: uid.clone() },
        ..Bound::default()
    };
    if let Some(reference) = &spec.bound_object_ref {
        bind(&mut bound, reference, name, &snapshot)?;
    }
    let now = state.clock.now();
    let mut lifetime = seconds;
    let is_for_api = audiences.iter().all(|audience| tokens.audiences().contains(audience));
    if bound.pod.is_some() && seconds == WARN_SECS && is_for_api {
        bound.warnafter = Some(now.as_second() + seconds);
        lifetime = EXTENDED_SECS;
    }
    let claims = Claims {
        aud: audiences,
        exp: now.as_second().saturating_add(lifetime),
        iat: now.as_second(),
        iss: tokens.issuer().to_owned(),
        jti: uuid::Uuid::new_v4().to_string(),
        kubernetes: bound,
        nbf: now.as_second(),
        sub: user_name(namespace, name),
    };
    let token = tokens
        .sign(&claims)
        .map_err(|error| StatusError::internal(format!("failed to generate token: {error}")))?;
    request.metadata.name = Some(name.to_owned());
    request.metadata.namespace = Some(namespace.to_owned());
    request.metadata.uid = Some(uid);
    request.metadata.creation_timestamp = Some(Time(now));
    let expires = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    request.spec = Some(spec);
    request.status =
        Some(TokenRequestStatus { token: Some(token), expiration_timestamp: Some(Time(expires)) });
    serde_json::to_value(request).map_err(|error| StatusError::internal(error.to_string()))
}

fn invalid(name: &str, error: FieldError) -> StatusError {
    StatusError::invalid(&GroupKind::new(GROUP, "TokenRequest"), name, &[error])
}

fn validate_lifetime(seconds: i64) -> Result<(), StatusError> {
    let path = Path::of(["spec", "expirationSeconds"]);
    let text = match seconds {
        ..MIN_SECS => "may not specify a duration less than 10 minutes",
        MIN_SECS..=MAX_SECS => return Ok(()),
        _ => "may not specify a duration larger than 2^32 seconds",
    };
    Err(invalid("", FieldError::invalid(&path, seconds, text)))
}

/// Binds the token to an object: it counts as long as that object exists.
fn bind(
    bound: &mut Bound,
    reference: &BoundObjectReference,
    account: &str,
    snapshot: &Snapshot,
) -> Result<(), StatusError> {
    let kind = reference.kind.as_deref().unwrap_or_default();
    let version = reference.api_version.as_deref().unwrap_or_default();
    let name = reference.name.as_deref().unwrap_or_default();
    let (resource, namespace) = match (version, kind) {
        ("v1", "Pod") => ("pods", bound.namespace.as_str()),
        ("v1", "Secret") => ("secrets", bound.namespace.as_str()),
        ("v1", "Node") => ("nodes", ""),
        _ => {
            let (group, version) = version.split_once('/').unwrap_or(("", version));
            let text =
                format!("cannot bind token to object of type {group}/{version}, Kind={kind}");
            return Err(StatusError::bad_request(text));
        }
    };
    let Some(object) = stored::core(snapshot, resource, namespace, name) else {
        return Err(StatusError::not_found(&GroupResource::new("", resource), name));
    };
    if resource == "pods" && object.spec.service_account_name != account {
        return Err(StatusError::bad_request(format!(
            "cannot bind token for serviceaccount {} to pod running with different serviceaccount name.",
            meta::quote(account)
        )));
    }
    let uid = object.metadata.uid;
    if let Some(asked) = reference.uid.as_deref().filter(|asked| !asked.is_empty() && *asked != uid)
    {
        let text = format!(
            "the UID in the bound object reference ({asked}) does not match the UID in record. \
             The object might have been deleted and then recreated"
        );
        return Err(StatusError::conflict(&GroupResource::new("", kind.to_owned()), name, &text));
    }
    let own = Reference { name: name.to_owned(), uid };
    match resource {
        "pods" => {
            bound.pod = Some(own);
            let node = object.spec.node_name;
            if !node.is_empty() {
                let uid = stored::core(snapshot, "nodes", "", &node).map(|node| node.metadata.uid);
                bound.node = Some(Reference { name: node, uid: uid.unwrap_or_default() });
            }
        }
        "secrets" => bound.secret = Some(own),
        _ => bound.node = Some(own),
    }
    Ok(())
}
