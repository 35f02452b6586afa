//! Which of two versions of an API clients prefer: `v2` over `v1`, `v1` over `v1beta1`, and names of another form last.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority>.

use std::cmp::Ordering;

/// Compares two versions; the one that clients prefer is the greater.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    maturity(a).cmp(&maturity(b)).then_with(|| b.cmp(a))
}

/// Stable versions before beta before alpha, each by number; other names last.
fn maturity(version: &str) -> (u8, u64, u64) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (major, rest) = rest.split_at(digits);
        let major: u64 = major.parse().ok()?;
        if rest.is_empty() {
            return Some((3, major, 0));
        }
        let (rank, minor) = match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
            (Some(minor), _) => (2, minor),
            (_, Some(minor)) => (1, minor),
            _ => return None,
        };
        Some((rank, major, minor.parse().ok()?))
    };
    parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_maturity_and_number() {
        let mut versions =
            ["v1beta1", "v10", "v2", "foo", "v1alpha2", "v1beta2", "bar", "v1alpha10"];
        versions.sort_by(|a, b| compare(b, a));
        let expected = ["v10", "v2", "v1beta2", "v1beta1", "v1alpha10", "v1alpha2", "bar", "foo"];
        assert_eq!(versions, expected);
    }
}
