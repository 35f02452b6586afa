use super::default_pull_policy;

#[test]
fn policy_follows_the_tag() {
    let cases = [
        ("web", "Always"),
        ("web:latest", "Always"),
        ("web:1", "IfNotPresent"),
        ("localhost:5000/web", "Always"),
        ("localhost:5000/web:1", "IfNotPresent"),
        ("registry.example.com/a/web:v1.2", "IfNotPresent"),
        (
            "web@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "IfNotPresent",
        ),
        (
            "web:latest@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "Always",
        ),
        ("", "IfNotPresent"),
        ("Web", "IfNotPresent"),
        ("web:", "IfNotPresent"),
        ("../web", "IfNotPresent"),
        ("-a.example.com/web", "IfNotPresent"),
        ("example.com:/web", "IfNotPresent"),
        ("[fe80::1]:5000/web", "Always"),
    ];
    for (image, expected) in cases {
        assert_eq!(default_pull_policy(image), expected, "{image}");
    }
}
