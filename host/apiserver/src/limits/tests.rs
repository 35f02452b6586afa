use super::*;

#[test]
fn knows_durations() {
    for (text, expected) in [
        ("1s", true),
        ("-1.5s", true),
        ("1h30m", true),
        ("0", true),
        ("abc", false),
        ("1", false),
        ("1x", false),
        ("s", false),
        ("1.2.3s", false),
        ("-", false),
    ] {
        assert_eq!(is_duration(text), expected, "{text}");
    }
    let refused = check_timeout(&Query::parse("timeout=abc")).expect_err("no duration");
    assert_eq!(
        refused.message(),
        "invalid timeout specified in the request URL - time: invalid duration \"abc\""
    );
}
