//! `/version`: which Kubernetes release this server behaves like. Clients decide by it what they may ask for.
//!
//! See <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/> and `kubectl version`.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use meta::StatusError;
use serde_json::json;

use crate::body::Body;
use crate::chain::Call;
use crate::routes;
use crate::state::State;

/// The Kubernetes release whose behaviour is served, and the oldest one that clients may rely on.
const MINOR: &str = "37";
const MINOR_COMPATIBLE: &str = "36";
/// Build metadata after `+` keeps the order of versions and tells the servers apart.
const GIT_VERSION: &str = "v1.37.1+skiff";

#[expect(clippy::unused_async, reason = "the table of routes wants futures")]
pub(crate) async fn handle(_: &Arc<State>, call: Call) -> Result<Response<Body>, StatusError> {
    if call.info.method != Method::GET {
        return Err(routes::method_not_allowed());
    }
    let text = serde_json::to_string_pretty(&version())
        .map_err(|error| StatusError::internal(format!("version: {error}")))?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn version() -> serde_json::Value {
    json!({
        "major": "1",
        "minor": MINOR,
        "emulationMajor": "1",
        "emulationMinor": MINOR,
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": MINOR_COMPATIBLE,
        "gitVersion": GIT_VERSION,
        "gitCommit": option_env!("SKIFF_GIT_COMMIT").unwrap_or_default(),
        "gitTreeState": "",
        "buildDate": option_env!("SKIFF_BUILD_DATE").unwrap_or("1970-01-01T00:00:00Z"),
        "goVersion": "",
        "compiler": "rustc",
        "platform": platform(),
    })
}

/// Operating system and architecture in the words of the container world.
pub(crate) fn platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    format!("{system}/{architecture}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_can_read_the_version() {
        let version = version();
        assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("37")));
        let git = version["gitVersion"].as_str().unwrap_or_default();
        assert!(git.starts_with("v1.37."), "{git}");
        assert!(platform().contains('/'));
    }
}
