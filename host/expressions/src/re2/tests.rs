use super::*;

/// Whether the expression is found in the text, or what is wrong with the expression.
fn outcome(pattern: &str, text: &str) -> String {
    match Pattern::compile(pattern) {
        Ok(pattern) => pattern.is_match(text).to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn expressions_mean_what_they_mean_to_kubernetes() {
    for (pattern, text, expected) in [
        (r"^\d+$", "12", true),
        // Digits of other scripts are none, nor are their letters words.
        (r"^\d+$", "١٢", false),
        (r"^\w$", "ä", false),
        (r"^\s$", "\u{b}", false),
        (r"^[[:space:]]$", "\u{b}", true),
        (r"^\W$", "ä", true),
        (r"^[\D]$", "a", true),
        (r"^[^\d]$", "1", false),
        (r"^.$", "ä", true),
        (r"^a{2,3}?$", "aa", true),
        // A brace that begins no count is one, and so is a bracket in brackets.
        (r"^{a}$", "{a}", true),
        (r"^a{,2}$", "a{,2}", true),
        (r"^[[]$", "[", true),
        (r"^[]]$", "]", true),
        (r"^[a&&b]+$", "&a", true),
        (r"^[a-]+$", "-", true),
        (r"^[--/]$", ".", true),
        (r"^[^^]$", "^", false),
        (r"^[[:alpha:]_]+$", "a_", true),
        (r"^[[:^alpha:]]$", "1", true),
        (r"^\Qa.b\E+$", "a.bb", true),
        (r"^\x41\x{1F600}\101$", "A😀A", true),
        (r"^\pL\p{Greek}\P{^Lu}$", "aαA", true),
        (r"^[a\p{S}\p{L}](?:-?[a\pL]{0,62})?$", "a", true),
        (r"^(?:[a-z]-?[a-z]?|(?:[a-z]\.)+[a-zA-Z\p{L}]{2,63})$", "a", true),
        (r"(?i)^ab$", "AB", true),
        (r"^(?P<first>a)(?<second>b)(?:c)$", "abc", true),
        (r"^(?s:.)$", "\n", true),
        (r"^.$", "\n", false),
        (r"^a|b$", "b", true),
        (r"\bab\b", "ä ab ä", true),
        (r"a\Bb", "ab", true),
        (r"^[\w.%+-]+@[a-z]+\z", "a.b+c@d", true),
        (r"^\/\-\#\_\<\>\@$", "/-#_<>@", true),
        (r"^$", "", true),
    ] {
        assert_eq!(outcome(pattern, text), expected.to_string(), "{pattern} in {text:?}");
    }
}

#[test]
fn what_is_wrong_is_told_as_kubernetes_does() {
    for (pattern, problem) in [
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("[a", "missing closing ]: `[a`"),
        ("a[", "missing closing ]: `[`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        ("a\\y", "invalid escape sequence: `\\y`"),
        ("\\Z", "invalid escape sequence: `\\Z`"),
        ("\\1", "invalid escape sequence: `\\1`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("(*)", "missing argument to repetition operator: `*`"),
        ("a|+", "missing argument to repetition operator: `+`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a+?+", "invalid nested repetition operator: `+?+`"),
        ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{3,2}", "invalid repeat count: `{3,2}`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("\\p{Nothing}", "invalid character class range: `\\p{Nothing}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?!a)", "invalid or unsupported Perl syntax: `(?!`"),
        ("(?<=a)", "invalid or unsupported Perl syntax: `(?<=`"),
        ("(?P<n", "invalid named capture: `(?P<n`"),
        ("(?P<n-a>a)", "invalid named capture: `(?P<n-a>`"),
    ] {
        assert_eq!(outcome(pattern, ""), format!("error parsing regexp: {problem}"));
    }
    let deep = "(".repeat(DEEP);
    assert!(outcome(&deep, "").contains("nests too deeply"));
    let large = "(((a{1000}){1000}){1000})";
    assert!(outcome(large, "").contains("too large"));
}

const DEEP: usize = 100_000;
