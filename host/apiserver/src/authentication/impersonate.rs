//! Acting as somebody else: the `Impersonate-*` headers, each of which the caller must be allowed to set.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/>.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use meta::StatusError;

use super::service_account::{groups, split_user_name};
use super::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED};
use crate::chain;
use crate::seams::{Attempt, Identity, ResourceAttempt};
use crate::state::State;

/// What the names of all these headers begin with.
const PREFIX: &str = "impersonate-";
const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA_PREFIX: &str = "impersonate-extra-";

/// Who the request is from, after impersonation.
pub(crate) async fn impersonate(
    state: &State,
    headers: &HeaderMap,
    caller: Arc<Identity>,
) -> Result<Arc<Identity>, StatusError> {
    let Some(wish) = wish(headers)? else { return Ok(caller) };
    for asked in asked(&wish) {
        let attempt =
            Attempt { identity: &caller, verb: "impersonate", resource: Some(asked), path: "" };
        chain::permit(state, &attempt).await?;
    }
    Ok(Arc::new(identity(wish)))
}

/// Who a caller wants to be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    user: String,
    uid: String,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
}

fn wish(headers: &HeaderMap) -> Result<Option<Wish>, StatusError> {
    if !headers.keys().any(|name| name.as_str().starts_with(PREFIX)) {
        return Ok(None);
    }
    let texts = |name: &str| -> Vec<String> {
        let values = headers.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).map(ToOwned::to_owned).collect()
    };
    let first = |name: &str| texts(name).into_iter().next().unwrap_or_default();
    let mut wish =
        Wish { user: first(USER), uid: first(UID), groups: texts(GROUP), ..Wish::default() };
    for name in headers.keys() {
        if let Some(key) = name.as_str().strip_prefix(EXTRA_PREFIX) {
            wish.extra.insert(unescape(key), texts(name.as_str()));
        }
    }
    if !wish.user.is_empty() {
        return Ok(Some(wish));
    }
    let mut without_user: Vec<String> =
        wish.groups.iter().map(|group| format!("group {group:?}")).collect();
    without_user.extend(wish.extra.keys().map(|key| format!("extra {key:?}")));
    if !wish.uid.is_empty() {
        without_user.push(format!("uid {:?}", wish.uid));
    }
    if without_user.is_empty() {
        return Ok(None);
    }
    let what = without_user.join(", ");
    Err(StatusError::bad_request(format!("requested {what} without impersonating a user")))
}

/// Header names cannot hold every key; `%xx` stands for what they cannot hold. A broken escape counts as it is.
fn unescape(key: &str) -> String {
    fn decode(key: &str) -> Option<String> {
        let mut bytes = Vec::with_capacity(key.len());
        let mut rest = key.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'%' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                byte => byte,
            });
        }
        String::from_utf8(bytes).ok()
    }
    decode(key).unwrap_or_else(|| key.to_owned())
}

/// What the caller must be allowed to impersonate.
fn asked(wish: &Wish) -> Vec<ResourceAttempt<'_>> {
    const AUTHENTICATION: &str = "authentication.k8s.io";
    let core = |resource, namespace, name| ResourceAttempt {
        resource,
        namespace,
        name,
        ..ResourceAttempt::default()
    };
    let other = |resource, subresource, name| ResourceAttempt {
        group: AUTHENTICATION,
        version: "v1",
        resource,
        subresource,
        name,
        ..ResourceAttempt::default()
    };
    let mut asked = vec![match split_user_name(&wish.user) {
        Some((namespace, name)) => core("serviceaccounts", namespace, name),
        None => core("users", "", &wish.user),
    }];
    asked.extend(wish.groups.iter().map(|group| core("groups", "", group)));
    for (key, values) in &wish.extra {
        asked.extend(values.iter().map(|value| other("userextras", key, value)));
    }
    if !wish.uid.is_empty() {
        asked.push(other("uids", "", &wish.uid));
    }
    asked
}

fn identity(wish: Wish) -> Identity {
    let Wish { user: name, uid, groups: mut own, extra } = wish;
    // Groups that were asked for replace those that come with a ServiceAccount.
    if own.is_empty()
        && let Some((namespace, _)) = split_user_name(&name)
    {
        own = groups(namespace);
    }
    let says = |group: &str| own.iter().any(|own| own == group);
    if name == ANONYMOUS {
        if !says(UNAUTHENTICATED) {
            own.push(UNAUTHENTICATED.to_owned());
        }
    } else if !says(AUTHENTICATED) && !says(UNAUTHENTICATED) {
        own.push(AUTHENTICATED.to_owned());
    }
    Identity { name, uid, groups: own, extra }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a header"));
        }
        headers
    }

    fn check(lines: &[(&'static str, &'static str)], name: &str, groups: &str) {
        let wish = wish(&headers(lines)).expect("good headers").expect("a wish");
        let identity = identity(wish);
        assert_eq!(identity.name, name);
        assert_eq!(identity.groups.join(" "), groups, "{name}");
    }

    #[test]
    fn groups_follow_from_the_user_unless_they_are_given() {
        check(&[(USER, "ann")], "ann", "system:authenticated");
        check(&[(USER, "ann"), (GROUP, "a"), (GROUP, "b")], "ann", "a b system:authenticated");
        check(&[(USER, "ann"), (GROUP, UNAUTHENTICATED)], "ann", UNAUTHENTICATED);
        check(&[(USER, ANONYMOUS)], ANONYMOUS, UNAUTHENTICATED);
        let account = "system:serviceaccount:ns:sa";
        let own = "system:serviceaccounts system:serviceaccounts:ns system:authenticated";
        check(&[(USER, account)], account, own);
        check(&[(USER, account), (GROUP, "a")], account, "a system:authenticated");
    }

    #[test]
    fn every_part_of_a_wish_is_asked_for() {
        let lines = [
            (USER, "system:serviceaccount:ns:sa"),
            (GROUP, "g"),
            ("impersonate-extra-a%2fb", "1"),
            ("impersonate-extra-a%2fb", "2"),
            (UID, "u"),
        ];
        let wish = wish(&headers(&lines)).expect("good headers").expect("a wish");
        let asked: Vec<String> = asked(&wish)
            .iter()
            .map(|asked| {
                format!(
                    "{}/{}/{}/{}",
                    asked.resource, asked.subresource, asked.namespace, asked.name
                )
            })
            .collect();
        let expected = [
            "serviceaccounts//ns/sa",
            "groups///g",
            "userextras/a/b//1",
            "userextras/a/b//2",
            "uids///u",
        ];
        assert_eq!(asked, expected);
    }

    #[test]
    fn nothing_but_a_user_can_be_the_base() {
        assert_eq!(wish(&headers(&[])).expect("good headers"), None);
        let error = wish(&headers(&[(GROUP, "g")])).expect_err("no user");
        assert_eq!(
            (error.code(), error.message()),
            (400, "requested group \"g\" without impersonating a user")
        );
    }
}
