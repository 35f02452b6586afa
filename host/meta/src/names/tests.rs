use proptest::prelude::*;

use super::*;

type Rule = fn(&str) -> Vec<String>;

fn check(rule: Rule, text: &str, expected: &[&str]) {
    assert_eq!(rule(text), expected, "{text:?}");
}

#[test]
fn valid() {
    let long_label = "a".repeat(63);
    let cases: &[(Rule, &[&str])] = &[
        (is_dns1123_label, &["a", "0", "a-b", &long_label]),
        (is_dns1123_subdomain, &["a", "a.b-c.0", "kube-root-ca.crt"]),
        (is_dns1123_subdomain_with_underscore, &["_a.b", "a_b.c", "__a".trim_start_matches('_')]),
        (is_dns1035_label, &["a", "a0", "a-0"]),
        (is_wildcard_dns1123_subdomain, &["*.example.com", "*.a"]),
        (is_qualified_name, &["a", "A.b_c-d", "example.com/Name", "0"]),
        (is_label_value, &["", "a", "A.b_c-d", &long_label]),
        (is_path_segment_name, &["system:node", "a b", "..."]),
        (is_port_name, &["http", "a-1", "0a"]),
        (is_percent, &["0%", "100%", "1000%"]),
        (is_http_header_name, &["X-Header", "a"]),
        (is_env_var_name, &["A", "_a", "a.b-c", ".a"]),
        (is_relaxed_env_var_name, &["A", "1 x", ".."]),
        (is_config_map_key, &["a", "A_b-c.d", ".a", "..a".trim_start_matches('.')]),
        (is_c_identifier, &["_a", "A1"]),
    ];
    for (rule, texts) in cases {
        for text in *texts {
            check(*rule, text, &[]);
        }
    }
}

#[test]
fn label_messages() {
    let rule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    for text in ["", "A", "-a", "a-", "a_b", "é", "a..b"] {
        check(is_dns1123_label, text, &[rule]);
    }
    check(is_dns1123_label, "a.b", &["must not contain dots"]);
    check(is_dns1123_label, &"a".repeat(64), &["must be no more than 63 characters"]);
}

#[test]
fn subdomain_messages() {
    let rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    for text in ["", "Web", "a..b", ".a", "a.", "a/b"] {
        check(is_dns1123_subdomain, text, &[rule]);
    }
    check(is_dns1123_subdomain, &"a".repeat(254), &["must be no more than 253 characters"]);
}

#[test]
fn other_messages() {
    check(
        is_dns1035_label,
        "0a",
        &[
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
        ],
    );
    let qualified = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    check(
        is_qualified_name,
        "",
        &["name part must be non-empty", &format!("name part {qualified}")],
    );
    check(is_qualified_name, "/a", &["prefix part must be non-empty"]);
    check(
        is_qualified_name,
        "a/b/c",
        &[&format!(
            "a valid label key {qualified} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        )],
    );
    check(is_qualified_name, &"a".repeat(64), &["name part must be no more than 63 bytes"]);
    check(is_label_value, &"a".repeat(64), &["must be no more than 63 bytes"]);
    check(is_path_segment_name, "..", &["may not be '..'"]);
    check(is_path_segment_name, "a/b%", &["may not contain '/'", "may not contain '%'"]);
    check(
        is_port_name,
        "-A--0123456789012",
        &[
            "must be no more than 15 characters",
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
            "must contain at least one letter (a-z)",
            "must not contain consecutive hyphens",
            "must not begin or end with a hyphen",
        ],
    );
    assert_eq!(is_port_number(0), ["must be between 1 and 65535, inclusive"]);
    assert_eq!(is_user_id(-1), ["must be between 0 and 2147483647, inclusive"]);
    check(
        is_percent,
        "%",
        &[
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
        ],
    );
    check(
        is_config_map_key,
        "..a$",
        &[
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
            "must not start with '..'",
        ],
    );
    check(is_env_var_name, "..", &["must not be '..'"]);
}

proptest! {
    #[test]
    fn rules_agree(text in "[aZ0._/-]{0,6}") {
        let label = is_dns1123_label(&text).is_empty();
        let subdomain = is_dns1123_subdomain(&text).is_empty();
        prop_assert_eq!(label, subdomain && !text.contains('.'));
        prop_assert!(!is_dns1035_label(&text).is_empty() || label);
        prop_assert_eq!(subdomain, !text.is_empty() && text.split('.').all(|part| is_dns1123_label(part).is_empty()));
        prop_assert_eq!(is_label_value(&text).is_empty(), text.is_empty() || (is_qualified_name(&text).is_empty() && !text.contains('/')));
        for rule in [is_port_name, is_percent, is_config_map_key, is_env_var_name, is_path_segment_name, is_c_identifier, is_http_header_name] {
            rule(&text);
        }
    }
}
