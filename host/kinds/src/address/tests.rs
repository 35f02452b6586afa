use super::*;

fn errors(rule: fn(&mut Errors, &At<'_>, &str), text: &str) -> Vec<String> {
    let mut errors = Errors::new();
    rule(&mut errors, &At::root("x"), text);
    errors.into_list().into_iter().map(|error| error.detail).collect()
}

#[test]
fn refused_forms() {
    type Rule = fn(&mut Errors, &At<'_>, &str);
    let cases: &[(Rule, &str, &[&str])] = &[
        (validate, "10.0.0.1", &[]),
        (validate, "FE80::1", &[]),
        (validate, "010.0.0.1", &["must not have leading 0s"]),
        (validate, "::ffff:1.2.3.4", &["must not be an IPv4-mapped IPv6 address"]),
        (validate, "web", &["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
        (validate_canonical, "FE80::1", &["must be in canonical form (\"fe80::1\")"]),
        (validate_range, "10.0.0.0/8", &[]),
        (validate_range, "10.0.0.1/8", &["must not have bits set beyond the prefix length"]),
        (validate_range, "10.0.0.0/08", &["must not have leading 0s in IP or prefix length"]),
        (validate_range, "10.0.0.0", &[CIDR_EXAMPLES]),
        (validate_endpoint, "10.0.0.1", &[]),
        (validate_endpoint, "0.0.0.0", &["may not be unspecified (0.0.0.0)"]),
        (
            validate_endpoint,
            "127.0.0.1",
            &["may not be in the loopback range (127.0.0.0/8, ::1/128)"],
        ),
        (
            validate_endpoint,
            "169.254.1.1",
            &["may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
        ),
    ];
    for (rule, text, expected) in cases {
        assert_eq!(errors(*rule, text), *expected, "{text}");
    }
}

#[test]
fn advice() {
    let check = |text: &str, expected: &[&str]| {
        let mut warnings = Vec::new();
        warn(&mut warnings, &At::root("x"), text);
        assert_eq!(warnings, expected);
    };
    check("10.0.0.1", &[]);
    check(
        "FE80::1",
        &["x: IPv6 address \"FE80::1\" should be in RFC 5952 canonical format (\"fe80::1\")"],
    );
    check("010.0.0.1", &["x: non-standard IP address \"010.0.0.1\" is invalid: use \"10.0.0.1\""]);
}
