//! Finds the bearer token of a request: in `Authorization`, or for browsers' `WebSockets`, which cannot set headers, among the protocols.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};

/// What a protocol that is a token in disguise begins with.
pub(crate) const PROTOCOL_PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

pub(super) fn token(headers: &HeaderMap) -> Result<Option<String>, String> {
    let text = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match from_authorization(text) {
        Some(token) => Ok(Some(token.to_owned())),
        None => from_protocols(headers),
    }
}

fn from_authorization(text: &str) -> Option<&str> {
    let mut words = text.trim().splitn(3, ' ');
    let scheme = words.next()?;
    let token = words.next()?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn from_protocols(headers: &HeaderMap) -> Result<Option<String>, String> {
    let protocols = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let (tokens, others): (Vec<&str>, Vec<&str>) =
        protocols.partition(|protocol| protocol.starts_with(PROTOCOL_PREFIX));
    let encoded = match tokens.as_slice() {
        [] => return Ok(None),
        [only] => only.trim_start_matches(PROTOCOL_PREFIX),
        _ => return Err("multiple base64.bearer.authorization tokens specified".to_owned()),
    };
    let bytes = URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_| "invalid base64.bearer.authorization token encoding".to_owned())?;
    let token = String::from_utf8(bytes)
        .map_err(|_| "invalid base64.bearer.authorization token".to_owned())?;
    // The answer must name a protocol, and it cannot name the token.
    if others.is_empty() && !token.is_empty() {
        return Err("missing additional subprotocol".to_owned());
    }
    Ok((!token.is_empty()).then_some(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_from_the_header_in_any_spelling() {
        let cases = [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("  BEARER abc def", Some("abc")),
            ("Bearer  abc", None),
            ("Bearer", None),
            ("Basic abc", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(from_authorization(text), expected, "{text:?}");
        }
    }

    #[test]
    fn tokens_come_from_websocket_protocols() {
        let check = |value: &str, expected: Result<Option<&str>, &str>| {
            let mut headers = HeaderMap::new();
            headers.insert(SEC_WEBSOCKET_PROTOCOL, value.parse().expect("a header"));
            let found = token(&headers);
            let found = found.as_ref().map(Option::as_deref).map_err(String::as_str);
            assert_eq!(found, expected, "{value}");
        };
        let abc = format!("{PROTOCOL_PREFIX}YWJj");
        check(&format!("v5.channel.k8s.io, {abc}"), Ok(Some("abc")));
        check("v5.channel.k8s.io", Ok(None));
        check(&abc, Err("missing additional subprotocol"));
        check(
            &format!("{abc}, {abc}"),
            Err("multiple base64.bearer.authorization tokens specified"),
        );
        check(
            &format!("{PROTOCOL_PREFIX}?, a"),
            Err("invalid base64.bearer.authorization token encoding"),
        );
    }
}
