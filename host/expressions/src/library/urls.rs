//! Addresses of the web.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::declare::{Declared, global, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    global("url", "string -> url", url),
    global("isURL", "string -> bool", is_url),
    member("getScheme", "url -> string", scheme),
    member("getHost", "url -> string", host),
    member("getHostname", "url -> string", hostname),
    member("getPort", "url -> string", port),
    member("getEscapedPath", "url -> string", path),
    member("getQuery", "url -> map<string, list<string>>", query),
];

/// What a path without a host is read against. It is never shown.
const NO_SCHEME: &str = "nowhere";

/// Reads an address as a request would name it: absolute, or a path.
fn parse(text: &str) -> Option<Url> {
    if text.starts_with('/') {
        return Url::parse(&format!("{NO_SCHEME}://{text}")).ok().filter(|_| is_clean(text));
    }
    let url = Url::parse(text).ok()?;
    (is_clean(text) && (!url.cannot_be_a_base() || text.contains(':'))).then_some(url)
}

fn is_clean(text: &str) -> bool {
    !text.chars().any(|char| char.is_control() || char == ' ')
}

fn url(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    let text = args.text(0)?;
    let parsed = parse(text).ok_or_else(|| {
        let quoted = meta::quote(text);
        Error::message(format!(
            "URL parse error during conversion from string: parse {quoted}: invalid URI for request"
        ))
    })?;
    Ok(Value::Url(Arc::new(parsed)))
}

fn is_url(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    Ok(parse(args.text(0)?).is_some().into())
}

fn of<'a>(args: &'a Args<'_>) -> Result<&'a Url, Error> {
    match args.get(0) {
        Value::Url(url) => Ok(url),
        _ => Err(no_overload()),
    }
}

fn scheme(args: &mut Args<'_>) -> Result<Value, Error> {
    let scheme = of(args)?.scheme();
    Ok(if scheme == NO_SCHEME { "".into() } else { scheme.into() })
}

fn host(args: &mut Args<'_>) -> Result<Value, Error> {
    let url = of(args)?;
    let host = url.host_str().unwrap_or_default();
    Ok(match url.port() {
        Some(port) => Value::from(format!("{host}:{port}")),
        None => host.into(),
    })
}

fn hostname(args: &mut Args<'_>) -> Result<Value, Error> {
    let host = of(args)?.host_str().unwrap_or_default();
    Ok(host.trim_start_matches('[').trim_end_matches(']').into())
}

fn port(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::from(of(args)?.port().map(|port| port.to_string()).unwrap_or_default()))
}

fn path(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(of(args)?.path().into())
}

fn query(args: &mut Args<'_>) -> Result<Value, Error> {
    let mut values: BTreeMap<Cow<'_, str>, Vec<Value>> = BTreeMap::new();
    for (key, value) in of(args)?.query_pairs() {
        values.entry(key).or_default().push(Value::text(value));
    }
    Ok(Value::map(values.into_iter().map(|(key, list)| (key, Value::list(list)))))
}
