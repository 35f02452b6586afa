//! From a method and a path to a typed request: what is asked of which object.
//!
//! The same parts decide authorization, routing and the metrics' labels, so they are derived once and in one place. Nothing
//! here knows whether the resource exists; the table of kinds answers that later, after authorization.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#request-verb-resource>.

use std::borrow::Cow;
use std::fmt;

use http::Method;
use meta::GroupResource;

use crate::query::Query;

/// What is asked, in the words that RBAC rules use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    /// One object.
    Get,
    /// All objects of a range.
    List,
    /// The changes of a range.
    Watch,
    /// A new object, or an action by POST on a subresource.
    Create,
    /// The whole object replaced.
    Update,
    /// A part of the object changed.
    Patch,
    /// One object removed.
    Delete,
    /// All objects of a range removed.
    DeleteCollection,
    /// A method that no resource answers.
    Other,
}

impl Verb {
    /// As RBAC rules and metrics write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Patch => "patch",
            Verb::Delete => "delete",
            Verb::DeleteCollection => "deletecollection",
            Verb::Other => "",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A request to a resource, as its path names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourceRequest {
    /// What is asked.
    pub(crate) verb: Verb,
    /// API group, empty for the core group.
    pub(crate) group: String,
    /// Version in the path.
    pub(crate) version: String,
    /// Plural name of the resource.
    pub(crate) resource: String,
    /// What follows the object's name, or empty.
    pub(crate) subresource: String,
    /// Namespace of the path, or empty.
    pub(crate) namespace: String,
    /// Name of the path (or the one name that a field selector allows), or empty.
    pub(crate) name: String,
    /// Whether `name` stands in the path; a field selector may have supplied it.
    pub(crate) name_in_path: bool,
    /// The parts of the path after the subresource (what a proxy passes on).
    pub(crate) rest: Vec<String>,
    /// The older form of a watch, `/api/v1/watch/...`.
    pub(crate) watch_prefix: bool,
}

impl ResourceRequest {
    /// Group and resource of the path.
    pub(crate) fn group_resource(&self) -> GroupResource {
        GroupResource {
            group: Cow::Owned(self.group.clone()),
            resource: Cow::Owned(self.resource.clone()),
        }
    }
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// An API resource.
    Resource(ResourceRequest),
    /// Everything else: discovery, health, metrics, mounted services.
    Path,
}

/// A request's first line, understood.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    /// Method as sent.
    pub(crate) method: Method,
    /// Path with percent-encoding removed.
    pub(crate) path: String,
    /// Parameters of the URL.
    pub(crate) query: Query,
    /// What the path names.
    pub(crate) target: Target,
}

impl RequestInfo {
    /// Understands method and URL; the text of an error goes to the client.
    pub(crate) fn parse(method: &Method, uri: &http::Uri) -> Result<RequestInfo, String> {
        let path = decode_path(uri.path())
            .ok_or_else(|| format!("invalid URL escape in {:?}", uri.path()))?;
        let query = Query::parse(uri.query().unwrap_or_default());
        let target = target(method, uri.path(), &path, &query)?;
        Ok(RequestInfo { method: method.clone(), path, query, target })
    }

    /// The resource part, if the path names a resource.
    pub(crate) fn resource(&self) -> Option<&ResourceRequest> {
        match &self.target {
            Target::Resource(resource) => Some(resource),
            Target::Path => None,
        }
    }

    /// The verb of a resource request, or the method in lower case as RBAC's `nonResourceURLs` rules have it.
    pub(crate) fn verb(&self) -> Cow<'static, str> {
        match &self.target {
            Target::Resource(resource) => Cow::Borrowed(resource.verb.as_str()),
            Target::Path => Cow::Owned(self.method.as_str().to_ascii_lowercase()),
        }
    }
}

fn target(method: &Method, raw: &str, path: &str, query: &Query) -> Result<Target, String> {
    let trimmed = path.trim_matches('/');
    let mut parts: Vec<&str> =
        if trimmed.is_empty() { Vec::new() } else { trimmed.split('/').collect() };
    let group = match parts.first() {
        Some(&"api") if parts.len() >= 3 => {
            parts.remove(0);
            ""
        }
        Some(&"apis") if parts.len() >= 4 => {
            parts.remove(0);
            parts.remove(0)
        }
        _ => return Ok(Target::Path),
    };
    let version = parts.remove(0);
    let mut verb = match *method {
        Method::POST => Verb::Create,
        Method::GET | Method::HEAD => Verb::Get,
        Method::PUT => Verb::Update,
        Method::PATCH => Verb::Patch,
        Method::DELETE => Verb::Delete,
        _ => Verb::Other,
    };
    let watch_prefix = parts.first() == Some(&"watch");
    if watch_prefix {
        if parts.len() < 2 {
            return Err(format!("unable to determine kind and namespace from url, {raw}"));
        }
        parts.remove(0);
        verb = Verb::Watch;
    }
    let mut namespace = "";
    if parts.first() == Some(&"namespaces") && parts.len() > 1 {
        namespace = parts.get(1).copied().unwrap_or_default();
        let own = matches!(parts.get(2), None | Some(&("status" | "finalize")));
        if !own {
            parts.drain(..2);
        }
    }
    let part = |index: usize| parts.get(index).copied().unwrap_or_default().to_owned();
    let mut resource = ResourceRequest {
        verb,
        group: group.to_owned(),
        version: version.to_owned(),
        resource: part(0),
        subresource: part(2),
        namespace: namespace.to_owned(),
        name: part(1),
        name_in_path: parts.len() > 1,
        rest: parts.iter().skip(3).map(|&rest| rest.to_owned()).collect(),
        watch_prefix,
    };
    if resource.name.is_empty() {
        collection(&mut resource, query);
    }
    Ok(Target::Resource(resource))
}

/// Without a name, a GET is a list or a watch and a DELETE removes the collection. A field selector that allows one name only
/// counts as naming that object, so that `resourceNames` of RBAC rules apply to it.
fn collection(resource: &mut ResourceRequest, query: &Query) {
    match resource.verb {
        Verb::Get => {
            resource.verb = if query.flag("watch") { Verb::Watch } else { Verb::List };
        }
        Verb::Delete => resource.verb = Verb::DeleteCollection,
        _ => {}
    }
    if matches!(resource.verb, Verb::List | Verb::Watch)
        && let Some(name) = query.first("fieldSelector").and_then(only_name)
    {
        resource.name = name;
    }
}

fn only_name(selector: &str) -> Option<String> {
    let selector = meta::selector::field::Selector::parse(selector).ok()?;
    let name = selector.requires("metadata.name")?;
    let plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '%']);
    plain.then(|| name.to_owned())
}

fn decode_path(raw: &str) -> Option<String> {
    if !raw.contains('%') {
        return Some(raw.to_owned());
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = (rest.next()? as char).to_digit(16)?;
            let low = (rest.next()? as char).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
