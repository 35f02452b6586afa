#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn names_parse_into_place_tag_and_digest() {
    let digest = Digest::of(b"x");
    let cases = [
        ("web", "web:latest"),
        ("web:v1", "web:v1"),
        ("team/web__a.b-c:v1", "team/web__a.b-c:v1"),
        ("localhost/web", "localhost/web:latest"),
        ("localhost:5000/web", "localhost:5000/web:latest"),
        ("[::1]:5000/web:x", "[::1]:5000/web:x"),
        ("ghcr.io/a/b/c:V_1.2-3", "ghcr.io/a/b/c:V_1.2-3"),
        ("oci:/srv/images:v1", "oci:/srv/images:v1"),
        ("oci:/srv/images", "oci:/srv/images:latest"),
    ];
    for (text, canonical) in cases {
        assert_eq!(text.parse::<Reference>().unwrap().to_string(), canonical, "{text}");
    }
    let pinned = format!("web@{digest}");
    let reference: Reference = pinned.parse().unwrap();
    assert_eq!((reference.tag.clone(), reference.digest), (None, Some(digest)));
    assert_eq!(reference.to_string(), pinned);
    assert!(!reference.is_latest() && "web".parse::<Reference>().unwrap().is_latest());
}

#[test]
fn a_host_needs_a_dot_a_port_or_the_name_localhost() {
    let registry = |text: &str| text.parse::<Reference>().unwrap().registry().map(str::to_owned);
    assert_eq!(registry("team/web"), None);
    assert_eq!(registry("team.io/web").as_deref(), Some("team.io"));
    assert_eq!(registry("team:80/web").as_deref(), Some("team:80"));
    assert_eq!(registry("localhost/web").as_deref(), Some("localhost"));
}

#[test]
fn anything_that_could_leave_its_folder_is_refused() {
    for bad in [
        "",
        ":",
        "Web",
        "web:",
        "web:.x",
        "../web",
        "a//b",
        "/etc/passwd",
        "a/../b",
        "_tags/x",
        "a/_tags",
        "-a",
        "a-",
        "a___b",
        "a..b",
        "web@sha256:12",
        "web@",
        "x:99999/web",
        "oci:/a/../b",
        "é",
        "web:é",
        "a b",
        "-.io/web",
        "a.io/",
    ] {
        assert!(bad.parse::<Reference>().is_err(), "{bad:?} was accepted");
    }
    let error = "Web".parse::<Reference>().unwrap_err().to_string();
    assert_eq!(error, r#"couldn't parse image reference "Web": repository name must be lowercase"#);
}
