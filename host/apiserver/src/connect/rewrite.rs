//! Makes an answer that came through a proxy fit its place under the proxy's path. Pure.

use http::Uri;

/// A `Location` of the server behind the proxy, as the client must follow it. Absolute locations are rewritten if they name that server;
/// others lead elsewhere and stay as they are.
pub(super) fn location(location: &str, server: &str, prefix: &str) -> String {
    let Ok(uri) = location.parse::<Uri>() else { return location.to_owned() };
    let same_server = uri.authority().is_none_or(|authority| authority.as_str() == server);
    let rest = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    if !same_server || !rest.starts_with('/') {
        return location.to_owned();
    }
    format!("{}{rest}", prefix.trim_end_matches('/'))
}

/// What of a raw path follows after its first `segments` segments, beginning with a slash, or empty.
pub(super) fn after_segments(path: &str, segments: usize) -> &str {
    let mut rest = path;
    for _ in 0..segments {
        let Some(behind) = rest.strip_prefix('/') else { return "" };
        rest = behind.find('/').and_then(|at| behind.get(at..)).unwrap_or_default();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_stay_under_the_proxy() {
        let prefix = "/api/v1/namespaces/n/pods/p/proxy";
        let check = |text: &str, expected: &str| {
            assert_eq!(location(text, "100.64.0.1:80", prefix), expected, "{text}");
        };
        check("/login?x=1", "/api/v1/namespaces/n/pods/p/proxy/login?x=1");
        check("http://100.64.0.1:80/a", "/api/v1/namespaces/n/pods/p/proxy/a");
        check("https://example.org/a", "https://example.org/a");
        check("login", "login");
        check("", "");
    }

    #[test]
    fn the_rest_of_a_path_keeps_its_escapes() {
        assert_eq!(after_segments("/api/v1/nodes/n/proxy/a%2Fb//c", 5), "/a%2Fb//c");
        assert_eq!(after_segments("/api/v1/nodes/n/proxy/", 5), "/");
        assert_eq!(after_segments("/api/v1/nodes/n/proxy", 5), "");
        assert_eq!(after_segments("", 5), "");
    }
}
