//! The rules for names and other short texts, each answering with Kubernetes' messages: an empty
//! list means valid.
//!
//! The messages are public behaviour (they appear in `Invalid` errors), with the expression that a
//! text has to match; the checks themselves are written out, since these run for every object. See
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.

const LABEL_1123: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN_1123: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN_UNDERSCORE: &str =
    "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

pub const LABEL_MAX: usize = 63;
pub const SUBDOMAIN_MAX: usize = 253;

/// Beyond this `generateName` is cut, to leave room for five random characters in a label.
pub const GENERATE_NAME_MAX: usize = 58;

/// A label of a DNS name: most names that become part of one.
pub fn is_dns1123_label(text: &str) -> Vec<String> {
    let mut errors = too_long(text, LABEL_MAX);
    if !is_label(text) {
        errors.push(if is_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            regex_error(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
                LABEL_1123,
                &["my-name", "123-abc"],
            )
        });
    }
    errors
}

/// Labels joined by dots: the usual rule for object names.
pub fn is_dns1123_subdomain(text: &str) -> Vec<String> {
    let mut errors = too_long(text, SUBDOMAIN_MAX);
    if !is_subdomain(text) {
        errors.push(regex_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            SUBDOMAIN_1123,
            &["example.com"],
        ));
    }
    errors
}

/// A subdomain whose labels may contain underscores, as DNS search paths may.
pub fn is_dns1123_subdomain_with_underscore(text: &str) -> Vec<String> {
    let label = |label: &str| {
        let label = label.strip_prefix('_').unwrap_or(label);
        framed(label, is_lower, |c| is_lower(c) || matches!(c, b'-' | b'_'))
    };
    let mut errors = too_long(text, SUBDOMAIN_MAX);
    if !text.split('.').all(label) {
        errors.push(regex_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
            SUBDOMAIN_UNDERSCORE,
            &["example.com"],
        ));
    }
    errors
}

/// A label that begins with a letter, as names of Services do.
pub fn is_dns1035_label(text: &str) -> Vec<String> {
    let mut errors = too_long(text, LABEL_MAX);
    if !(is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase())) {
        errors.push(regex_error(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            LABEL_1035,
            &["my-name", "abc-123"],
        ));
    }
    errors
}

/// A subdomain whose first label is `*`.
pub fn is_wildcard_dns1123_subdomain(text: &str) -> Vec<String> {
    let mut errors = too_long(text, SUBDOMAIN_MAX);
    if !text.strip_prefix("*.").is_some_and(is_subdomain) {
        errors.push(regex_error(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            &format!("\\*\\.{SUBDOMAIN_1123}"),
            &["*.example.com"],
        ));
    }
    errors
}

/// The key of a label or annotation, or the name of a resource: `[prefix/]name`.
pub fn is_qualified_name(text: &str) -> Vec<String> {
    const RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    let rule = || regex_error(RULE, QUALIFIED, &["MyName", "my.name", "123-abc"]);
    let mut errors = Vec::new();
    let parts: Vec<_> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                errors.push(format!("prefix part {EMPTY}"));
            } else {
                // Inside a qualified name the limit is told in bytes.
                let prefix_errors = is_dns1123_subdomain(prefix).into_iter();
                errors.extend(
                    prefix_errors.map(|e| {
                        format!("prefix part {}", e.replace("253 characters", "253 bytes"))
                    }),
                );
            }
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                rule()
            )];
        }
    };
    if name.is_empty() {
        errors.push(format!("name part {EMPTY}"));
    } else if name.len() > LABEL_MAX {
        errors.push(format!("name part must be no more than {LABEL_MAX} bytes"));
    }
    if !is_qualified(name) {
        errors.push(format!("name part {}", rule()));
    }
    errors
}

/// The value of a label.
pub fn is_label_value(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > LABEL_MAX {
        errors.push(format!("must be no more than {LABEL_MAX} bytes"));
    }
    if !text.is_empty() && !is_qualified(text) {
        errors.push(regex_error(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            &format!("({QUALIFIED})?"),
            &["MyValue", "my_value", "12345"],
        ));
    }
    errors
}

/// A name that fits between two slashes of a path: what RBAC objects and others may be called.
pub fn is_path_segment_name(text: &str) -> Vec<String> {
    if matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    is_path_segment_prefix(text)
}

/// The beginning of such a name, as `generateName` gives it.
pub fn is_path_segment_prefix(text: &str) -> Vec<String> {
    let contained = ["/", "%"].into_iter().filter(|part| text.contains(part));
    contained.map(|part| format!("may not contain '{part}'")).collect()
}

/// The name of a port of a container or service.
pub fn is_port_name(text: &str) -> Vec<String> {
    let mut errors = too_long(text, 15);
    if text.is_empty() || !text.bytes().all(|c| is_lower(c) || c == b'-') {
        errors.push(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned(),
        );
    }
    if !text.bytes().any(|c| c.is_ascii_lowercase()) {
        errors.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        errors.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        errors.push("must not begin or end with a hyphen".to_owned());
    }
    errors
}

pub fn is_port_number(number: i64) -> Vec<String> {
    is_in_range(number, 1, 65535)
}

pub fn is_user_id(id: i64) -> Vec<String> {
    is_in_range(id, 0, i64::from(i32::MAX))
}

pub fn is_group_id(id: i64) -> Vec<String> {
    is_in_range(id, 0, i64::from(i32::MAX))
}

pub fn is_in_range(number: i64, min: i64, max: i64) -> Vec<String> {
    let valid = (min..=max).contains(&number);
    if valid { Vec::new() } else { vec![format!("must be between {min} and {max}, inclusive")] }
}

/// `25%`
pub fn is_percent(text: &str) -> Vec<String> {
    let digits = text.strip_suffix('%').unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()) {
        return Vec::new();
    }
    vec![regex_error(
        "a valid percent string must be a numeric string followed by an ending '%'",
        "[0-9]+%",
        &["1%", "93%"],
    )]
}

pub fn is_http_header_name(text: &str) -> Vec<String> {
    if !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') {
        return Vec::new();
    }
    vec![regex_error(
        "a valid HTTP header must consist of alphanumeric characters or '-'",
        "[-A-Za-z0-9]+",
        &["X-Header-Name"],
    )]
}

/// The strict rule, with a leading letter, for names of environment variables.
pub fn is_env_var_name(text: &str) -> Vec<String> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_');
    let starts_well = text.bytes().next().is_some_and(|c| !c.is_ascii_digit());
    let mut errors = Vec::new();
    if !(starts_well && text.bytes().all(allowed)) {
        errors.push(regex_error(
            "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
            "[-._a-zA-Z][-._a-zA-Z0-9]*",
            &["my.env-name", "MY_ENV.NAME", "MyEnvName1"],
        ));
    }
    errors.extend(leaves_folder(text));
    errors
}

/// The rule that Kubernetes has today for names of environment variables: anything printable but
/// `=`.
pub fn is_relaxed_env_var_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.is_empty() {
        errors.push(format!("environment variable name {EMPTY}"));
    }
    if !text.bytes().all(|c| matches!(c, b' '..=b'~') && c != b'=') {
        errors.push("a valid environment variable name must consist only of printable ASCII characters other than '='".to_owned());
    }
    errors
}

/// The key of a `ConfigMap` or Secret, which becomes a file name.
pub fn is_config_map_key(text: &str) -> Vec<String> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_');
    let mut errors = too_long(text, SUBDOMAIN_MAX);
    if text.is_empty() || !text.bytes().all(allowed) {
        errors.push(regex_error(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    errors.extend(leaves_folder(text));
    errors
}

pub fn is_c_identifier(text: &str) -> Vec<String> {
    let starts_well = text.bytes().next().is_some_and(|c| !c.is_ascii_digit());
    if starts_well && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') {
        return Vec::new();
    }
    vec![regex_error(
        "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
        "[A-Za-z_][A-Za-z0-9_]*",
        &["my_name", "MY_NAME", "MyName"],
    )]
}

/// A message that a text does not match an expression, with examples of what does.
pub fn regex_error(rule: &str, expression: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{rule} (regex used for validation is '{expression}')");
    }
    let examples: Vec<_> = examples.iter().map(|example| format!("'{example}', ")).collect();
    let examples = examples.join(" or ");
    format!("{rule} (e.g. {examples}regex used for validation is '{expression}')")
}

/// What [`field`](crate::field) errors say of a missing text.
pub const EMPTY: &str = "must be non-empty";

fn too_long(text: &str, max: usize) -> Vec<String> {
    let fits = text.len() <= max;
    if fits { Vec::new() } else { vec![format!("must be no more than {max} characters")] }
}

fn leaves_folder(text: &str) -> Option<String> {
    match text {
        "." => Some("must not be '.'".to_owned()),
        ".." => Some("must not be '..'".to_owned()),
        _ if text.starts_with("..") => Some("must not start with '..'".to_owned()),
        _ => None,
    }
}

const fn is_lower(c: u8) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_label(text: &str) -> bool {
    framed(text, is_lower, |c| is_lower(c) || c == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_qualified(text: &str) -> bool {
    framed(
        text,
        |c| c.is_ascii_alphanumeric(),
        |c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'),
    )
}

/// Non-empty, with stricter characters at both ends.
fn framed(text: &str, end: impl Fn(u8) -> bool, middle: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(&first), Some(&last)) => end(first) && end(last) && bytes.iter().all(|&c| middle(c)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
