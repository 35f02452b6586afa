//! How others check `ServiceAccount` tokens: the `OpenID` discovery document and the public keys.
//!
//! See <https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery>.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use meta::StatusError;
use serde_json::json;

use crate::body::Body;
use crate::chain::Call;
use crate::routes;
use crate::state::State;

const KEYS_PATH: &str = "/openid/v1/jwks";

pub(crate) async fn openid(state: &Arc<State>, call: Call) -> Result<Response<Body>, StatusError> {
    if call.info.method != Method::GET {
        return Err(routes::method_not_allowed());
    }
    let Some(tokens) = state.authenticator.tokens() else { return Ok(routes::not_found()) };
    let (document, media_type) = match call.info.path.as_str() {
        "/.well-known/openid-configuration" => {
            let issuer = tokens.issuer().trim_end_matches('/');
            let document = json!({
                "issuer": tokens.issuer(),
                "jwks_uri": format!("{issuer}{KEYS_PATH}"),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            });
            (document, "application/json")
        }
        KEYS_PATH => (tokens.signer().key_set(), "application/jwk-set+json"),
        _ => return Ok(routes::not_found()),
    };
    let mut response = Response::new(Body::from(document.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    Ok(response)
}
