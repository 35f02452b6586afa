use super::*;

fn parse(method: &str, path: &str) -> RequestInfo {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    RequestInfo::parse(&method, &path.parse().expect("a URL")).expect("a request")
}

/// `verb group/version resource[/subresource] namespace/name`
fn shown(method: &str, path: &str) -> String {
    let info = parse(method, path);
    match info.target {
        Target::Path => format!("{} {}", info.verb(), info.path),
        Target::Resource(asked) => {
            let sub = if asked.subresource.is_empty() {
                String::new()
            } else {
                format!("/{}", asked.subresource)
            };
            let rest = if asked.rest.is_empty() {
                String::new()
            } else {
                format!(" {}", asked.rest.join("/"))
            };
            format!(
                "{} {}/{} {}{sub} {}/{}{rest}",
                asked.verb, asked.group, asked.version, asked.resource, asked.namespace, asked.name
            )
        }
    }
}

#[test]
fn understands_paths() {
    for (method, path, expected) in [
        ("GET", "/api/v1/pods", "list /v1 pods /"),
        ("GET", "/api/v1/pods?watch=1", "watch /v1 pods /"),
        ("GET", "/api/v1/pods?watch=false", "list /v1 pods /"),
        ("GET", "/api/v1/namespaces/a/pods/p", "get /v1 pods a/p"),
        ("HEAD", "/api/v1/namespaces/a/pods/p", "get /v1 pods a/p"),
        ("GET", "/api/v1/namespaces/a/pods/", "list /v1 pods a/"),
        ("GET", "/api/v1/namespaces", "list /v1 namespaces /"),
        ("GET", "/api/v1/namespaces/a", "get /v1 namespaces a/a"),
        ("PUT", "/api/v1/namespaces/a/finalize", "update /v1 namespaces/finalize a/a"),
        ("PATCH", "/api/v1/namespaces/a/status", "patch /v1 namespaces/status a/a"),
        ("POST", "/apis/apps/v1/namespaces/a/deployments", "create apps/v1 deployments a/"),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/a/deployments",
            "deletecollection apps/v1 deployments a/",
        ),
        ("DELETE", "/apis/apps/v1/namespaces/a/deployments/d", "delete apps/v1 deployments a/d"),
        ("GET", "/api/v1/nodes/n/proxy/x/y", "get /v1 nodes/proxy /n x/y"),
        ("GET", "/api/v1/watch/namespaces/a/pods/p", "watch /v1 pods a/p"),
        ("OPTIONS", "/api/v1/pods", " /v1 pods /"),
        ("GET", "/api/v1", "get /api/v1"),
        ("GET", "/apis/apps/v1", "get /apis/apps/v1"),
        ("POST", "/healthz", "post /healthz"),
        ("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dp", "list /v1 pods /p"),
        ("GET", "/api/v1/pods?fieldSelector=metadata.name!%3Dp", "list /v1 pods /"),
        ("GET", "/api/v1/namespaces/a/secrets/A%20b", "get /v1 secrets a/A b"),
    ] {
        assert_eq!(shown(method, path), expected, "{method} {path}");
    }
}

#[test]
fn refuses_a_watch_of_nothing() {
    let uri = "/api/v1/watch".parse().expect("a URL");
    assert!(RequestInfo::parse(&Method::GET, &uri).is_err());
}

#[test]
fn tells_a_selected_name_from_one_of_the_path() {
    let selected = parse("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dp");
    assert!(!selected.resource().expect("a resource").name_in_path);
    let named = parse("GET", "/api/v1/namespaces/a/pods/p");
    assert!(named.resource().expect("a resource").name_in_path);
}
