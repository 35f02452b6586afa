//! Tokens with which a new node introduces itself: `id.secret`, kept in Secrets `bootstrap-token-<id>` of `kube-system`.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use meta::{GroupResource, Key};
use store::Snapshot;

use super::recent::digest;
use crate::seams::Identity;

const ID_LEN: usize = 6;
const SECRET_LEN: usize = 16;
const GROUP: &str = "system:bootstrappers";

/// The caller that a bootstrap token stands for, unless it is none, unknown, expired or not meant for this.
pub(super) fn authenticate(token: &str, snapshot: &Snapshot, now: Timestamp) -> Option<Identity> {
    let (id, secret) = split(token)?;
    let name = format!("bootstrap-token-{id}");
    let key = Key::new(&GroupResource::new("", "secrets"), "kube-system", &name);
    let stored: Secret = serde_json::from_slice(&snapshot.get(key.as_str())?.body).ok()?;
    let deleted = stored.metadata.deletion_timestamp.is_some();
    if deleted || stored.type_.as_deref() != Some("bootstrap.kubernetes.io/token") {
        return None;
    }
    let data = stored.data?;
    // Digests, so that the time of the comparison tells nothing about the secret.
    let is_right = digest(text(&data, "token-secret").as_bytes()) == digest(secret.as_bytes());
    let is_meant = text(&data, "usage-bootstrap-authentication") == "true";
    let expired = match text(&data, "expiration") {
        "" => false,
        time => time.parse::<Timestamp>().map_or(true, |expires| expires <= now),
    };
    if !is_right || !is_meant || expired || text(&data, "token-id") != id {
        return None;
    }
    Some(Identity {
        name: format!("system:bootstrap:{id}"),
        groups: groups(text(&data, "auth-extra-groups"))?,
        ..Identity::default()
    })
}

fn split(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (id.len() == ID_LEN && secret.len() == SECRET_LEN && plain(id) && plain(secret))
        .then_some((id, secret))
}

fn text<'a>(data: &'a BTreeMap<String, ByteString>, key: &str) -> &'a str {
    data.get(key).and_then(|bytes| std::str::from_utf8(&bytes.0).ok()).unwrap_or_default()
}

/// The groups, sorted; none at all if one of them is not a bootstrap group.
fn groups(extra: &str) -> Option<Vec<String>> {
    let mut groups = vec![GROUP.to_owned()];
    for group in extra.split(',').filter(|group| !group.is_empty()) {
        let name = group.strip_prefix("system:bootstrappers:")?;
        let wrong = |byte: u8| {
            !byte.is_ascii_lowercase() && !byte.is_ascii_digit() && !b":-".contains(&byte)
        };
        if name.is_empty() || name.bytes().any(wrong) {
            return None;
        }
        groups.push(group.to_owned());
    }
    groups.sort();
    groups.dedup();
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_a_fixed_shape() {
        assert_eq!(split("abcdef.0123456789abcdef"), Some(("abcdef", "0123456789abcdef")));
        for token in [
            "",
            "abcdef",
            "abcde.0123456789abcdef",
            "abcdef.0123456789abcde",
            "Abcdef.0123456789abcdef",
        ] {
            assert_eq!(split(token), None, "{token}");
        }
    }

    #[test]
    fn extra_groups_are_bootstrap_groups() {
        let groups = |text| groups(text).map(|groups| groups.join(" "));
        assert_eq!(groups("").as_deref(), Some("system:bootstrappers"));
        let two = "system:bootstrappers:b,system:bootstrappers:a";
        let sorted = "system:bootstrappers system:bootstrappers:a system:bootstrappers:b";
        assert_eq!(groups(two).as_deref(), Some(sorted));
        assert_eq!(groups("system:masters"), None);
    }
}
