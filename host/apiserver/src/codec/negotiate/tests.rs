use http::header::HeaderValue;

use super::*;

fn headers(accept: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))])
}

fn agreed(accept: &'static str) -> Option<(Format, View)> {
    let accepted = super::accept(&headers(accept), &Query::default(), Offers::Resource).ok()?;
    Some((accepted.format, accepted.view))
}

#[test]
fn agrees_on_the_first_form_that_is_offered() {
    let table = View::Table(ViewVersion::V1);
    for (accept, expected) in [
        ("", Some((Format::Json, View::Object))),
        ("*/*", Some((Format::Json, View::Object))),
        ("application/*", None),
        ("application/*,*/*", Some((Format::Json, View::Object))),
        ("application/yaml", Some((Format::Yaml, View::Object))),
        ("text/html", None),
        ("application/vnd.kubernetes.protobuf", Some((Format::Protobuf, View::Object))),
        (
            "application/vnd.kubernetes.protobuf,application/json",
            Some((Format::Protobuf, View::Object)),
        ),
        (
            "application/json,application/vnd.kubernetes.protobuf",
            Some((Format::Json, View::Object)),
        ),
        (
            "application/json;q=0.5,application/vnd.kubernetes.protobuf",
            Some((Format::Protobuf, View::Object)),
        ),
        (
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            Some((Format::Protobuf, View::Metadata(ViewVersion::V1))),
        ),
        ("application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1", None),
        ("application/yaml;q=0.5,application/json", Some((Format::Json, View::Object))),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", Some((Format::Json, table))),
        (
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            Some((Format::Json, table)),
        ),
        (
            "application/json;as=Table;v=v9;g=meta.k8s.io,application/json",
            Some((Format::Json, View::Object)),
        ),
        ("application/json;as=Table;v=v9;g=meta.k8s.io", None),
        (
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            Some((Format::Json, View::MetadataList(ViewVersion::V1))),
        ),
        ("application/json;stream=watch", Some((Format::Json, View::Object))),
        ("application/json;stream=other", None),
    ] {
        assert_eq!(agreed(accept), expected, "{accept}");
    }
}

#[test]
fn indents_for_people() {
    let pretty = |query: &str, agent: &'static str| {
        let headers = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static(agent))]);
        super::accept(&headers, &Query::parse(query), Offers::Plain).expect("acceptable").pretty
    };
    assert!(pretty("", "curl/8"));
    assert!(!pretty("pretty=false", "curl/8"));
    assert!(pretty("pretty=true", "x"));
    assert!(!pretty("pretty=maybe", "Mozilla/5.0"));
    assert!(!pretty("", "kubectl/v1"));
}

#[test]
fn knows_the_format_of_bodies() {
    let of = |value: &'static str| {
        super::content_type(&HeaderMap::from_iter([(
            CONTENT_TYPE,
            HeaderValue::from_static(value),
        )]))
        .ok()
    };
    assert_eq!(of("application/json; charset=utf-8"), Some(Format::Json));
    assert_eq!(of("application/yaml"), Some(Format::Yaml));
    assert_eq!(of("text/plain"), None);
    assert_eq!(of("application/"), None);
    assert_eq!(super::content_type(&HeaderMap::new()).ok(), Some(Format::Json));
}
