//! `/livez`, `/readyz` and the older `/healthz`: whether the server works, as a word or check by check.
//!
//! The answer names failed checks but not why they failed, since these paths are open to anonymous callers; the reasons are in the log.
//!
//! See <https://kubernetes.io/docs/reference/using-api/health-checks/>.

use std::fmt::Write as _;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use meta::StatusError;

use crate::body::Body;
use crate::chain::Call;
use crate::query::Query;
use crate::routes;
use crate::state::State;

/// One thing that must work.
struct Check {
    name: &'static str,
    run: fn(&State) -> Result<(), String>,
}

const PING: Check = Check { name: "ping", run: |_| Ok(()) };
/// Writing log lines never blocks here: the check is for clients that ask for it by name.
const LOG: Check = Check { name: "log", run: |_| Ok(()) };
/// Monitoring asks for the storage under this name, whatever the engine is.
const STORAGE: Check = Check { name: "etcd", run: storage };
const STORAGE_READY: Check = Check { name: "etcd-readiness", run: storage };
const SHUTDOWN: Check = Check { name: "shutdown", run: shutdown };

const LIVE: &[Check] = &[PING, LOG, STORAGE];
const READY: &[Check] = &[PING, LOG, STORAGE, STORAGE_READY, SHUTDOWN];

/// All paths of health checks.
pub(crate) fn paths() -> Vec<String> {
    let mut paths = Vec::new();
    for (root, checks) in [("/healthz", LIVE), ("/livez", LIVE), ("/readyz", READY)] {
        paths.push(root.to_owned());
        paths.extend(checks.iter().map(|check| format!("{root}/{}", check.name)));
    }
    paths
}

fn storage(state: &State) -> Result<(), String> {
    if state.store.metrics().read_only {
        Err("a write failed, the store is read-only".to_owned())
    } else {
        Ok(())
    }
}

fn shutdown(state: &State) -> Result<(), String> {
    if state.shutdown.is_cancelled() { Err("process is shutting down".to_owned()) } else { Ok(()) }
}

#[expect(clippy::unused_async, reason = "the table of routes wants futures")]
pub(crate) async fn handle(state: &Arc<State>, call: Call) -> Result<Response<Body>, StatusError> {
    let path = call.info.path.trim_matches('/');
    let (root, name) = path.split_once('/').unwrap_or((path, ""));
    let checks = if root == "readyz" { READY } else { LIVE };
    if name.is_empty() {
        return Ok(answer(&all(root, checks, &call.info.query, state)));
    }
    Ok(match checks.iter().find(|check| check.name == name) {
        Some(check) => answer(&one(check, state)),
        None => routes::not_found(),
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    healthy: bool,
    text: String,
}

fn all(root: &str, checks: &[Check], query: &Query, state: &State) -> Outcome {
    let results = checks.iter().map(|check| (check.name, (check.run)(state)));
    report(root, results, query)
}

fn report<'a>(
    root: &str,
    results: impl Iterator<Item = (&'a str, Result<(), String>)>,
    query: &Query,
) -> Outcome {
    let mut unknown: Vec<&str> = query.all("exclude").collect();
    unknown.sort_unstable();
    unknown.dedup();
    let mut text = String::new();
    let mut healthy = true;
    for (name, result) in results {
        if query.all("exclude").any(|excluded| excluded == name) {
            unknown.retain(|excluded| *excluded != name);
            let _ = writeln!(text, "[+]{name} excluded: ok");
            continue;
        }
        let _ = match result {
            Ok(()) => writeln!(text, "[+]{name} ok"),
            Err(reason) => {
                tracing::warn!(check = name, %reason, "health check failed");
                healthy = false;
                writeln!(text, "[-]{name} failed: reason withheld")
            }
        };
    }
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().map(|name| meta::quote(name)).collect();
        let names = names.join(",");
        let _ =
            writeln!(text, "warn: some health checks cannot be excluded: no matches for {names}");
    }
    // Whoever is told "unhealthy" wants to know what, asked or not.
    if !healthy {
        let _ = writeln!(text, "{root} check failed");
    } else if query.first("verbose").is_some() {
        let _ = writeln!(text, "{root} check passed");
    } else {
        "ok".clone_into(&mut text);
    }
    Outcome { healthy, text }
}

fn one(check: &Check, state: &State) -> Outcome {
    match (check.run)(state) {
        Ok(()) => Outcome { healthy: true, text: "ok".to_owned() },
        Err(reason) => {
            Outcome { healthy: false, text: format!("internal server error: {reason}\n") }
        }
    }
}

fn answer(outcome: &Outcome) -> Response<Body> {
    let mut response = Response::new(Body::from(outcome.text.clone()));
    if !outcome.healthy {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, etcd: Result<(), String>, expected: &str, healthy: bool) {
        let results = [("ping", Ok(())), ("etcd", etcd)];
        let outcome = report("livez", results.into_iter(), &Query::parse(query));
        assert_eq!(outcome.text, expected, "{query}");
        assert_eq!(outcome.healthy, healthy, "{query}");
    }

    #[test]
    fn each_check_is_told_when_asked_for_or_when_one_fails() {
        check("", Ok(()), "ok", true);
        check("verbose", Ok(()), "[+]ping ok\n[+]etcd ok\nlivez check passed\n", true);
        check(
            "verbose=1&exclude=etcd",
            Ok(()),
            "[+]ping ok\n[+]etcd excluded: ok\nlivez check passed\n",
            true,
        );
        check(
            "verbose&exclude=teapot&exclude=a",
            Ok(()),
            "[+]ping ok\n[+]etcd ok\nwarn: some health checks cannot be excluded: no matches for \"a\",\"teapot\"\n\
             livez check passed\n",
            true,
        );
        check("exclude=teapot", Ok(()), "ok", true);
        check(
            "",
            Err("disk".to_owned()),
            "[+]ping ok\n[-]etcd failed: reason withheld\nlivez check failed\n",
            false,
        );
        check("exclude=etcd", Err("disk".to_owned()), "ok", true);
    }
}
