//! How names of objects are checked, one rule for each kind.
//!
//! See <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.

use meta::names;

use crate::address;

/// What a name of an object must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// A DNS subdomain (RFC 1123): what most kinds ask for.
    Subdomain,
    /// A DNS label (RFC 1123).
    Label,
    /// A DNS label that starts with a letter (RFC 1035).
    Label1035,
    /// Whatever fits between two slashes.
    PathSegment,
    /// An IP address in its canonical form.
    Address,
    /// Anything at all.
    Any,
}

impl NameRule {
    /// What is wrong with `name`.
    #[must_use]
    pub fn check(self, name: &str) -> Vec<String> {
        match self {
            Self::Subdomain => names::is_dns1123_subdomain(name),
            Self::Label => names::is_dns1123_label(name),
            Self::Label1035 => names::is_dns1035_label(name),
            Self::PathSegment => path_segment(name),
            Self::Address => address::check(name),
            Self::Any => Vec::new(),
        }
    }

    /// Whether a random end makes a good name of a good beginning.
    #[must_use]
    pub fn takes_suffix(self) -> bool {
        self != Self::Address
    }

    /// What is wrong with `prefix` as the beginning of a generated name.
    #[must_use]
    pub fn check_prefix(self, prefix: &str) -> Vec<String> {
        match self {
            Self::PathSegment => path_segment_content(prefix),
            Self::Address => self.check(prefix),
            // The generated part follows a dash at the end, which alone would be refused there.
            _ => self.check(&without_trailing_dash(prefix)),
        }
    }
}

/// When `metadata.generateName` is held to the rule for names. Otherwise it must only fit into a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixRule {
    Always,
    /// Not when the object is updated.
    OnCreate,
    /// What is wrong with it shows in the name that is made of it.
    Never,
}

fn without_trailing_dash(prefix: &str) -> String {
    match prefix.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            let mut kept = rest.to_owned();
            kept.pop();
            kept.push('a');
            kept
        }
        _ => prefix.to_owned(),
    }
}

/// What is wrong with `name` as one segment of a path.
#[must_use]
pub fn path_segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    path_segment_content(name)
}

pub(crate) fn path_segment_content(name: &str) -> Vec<String> {
    ["/", "%"]
        .into_iter()
        .filter(|illegal| name.contains(illegal))
        .map(|illegal| format!("may not contain '{illegal}'"))
        .collect()
}
