#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Tree;
use crate::schema::{Schema, TypeRef};

const TABLE: &str = "\
T\tk8s.io/api/apps/v1\tDeployment\tDeployment\t
F\tapiVersion\ts\tz\t0\t
F\tkind\ts\tz\t0\t
F\tmetadata\t@1\ta\t1\t
F\tspec\t@2\ta\t2\t
F\tstatus\t@3\ta\t3\t
T\tk8s.io/apimachinery/pkg/apis/meta/v1\tObjectMeta\tObjectMeta\t
F\tname\ts\tz\t1\t
F\tlabels\t{s\tz\t2\t
F\tcreationTimestamp\tt\tz\t3\t
F\tdeletionTimestamp\t*t\tp\t4\t
T\tk8s.io/api/apps/v1\tDeploymentSpec\tDeploymentSpec\t
F\treplicas\t*i\tp\t1\t
F\tpaused\tb\tz\t2\t
F\tlimits\t{q\tz\t3\t
F\tport\tn\ta\t4\t
F\tcontainers\t[@4\ta\t5\t
F\traw\tx\tz\t6\t
F\tdata\t{y\tz\t7\t
F\trenewed\t*m\tp\t8\t
F\twait\tr\tz\t9\t
F\tratio\t*d\tp\t10\t
F\tcount\tl\tz\t11\t
F\tbound\t*@4\ta\t12\t
T\tk8s.io/api/apps/v1\tDeploymentStatus\tDeploymentStatus\t
F\tready\ti\tz\t1\t
T\tk8s.io/api/core/v1\tContainer\tContainer\t
F\tname\ts\ta\t1\t
F\targs\t[s\tz\t2\t
";

fn schema() -> (Schema, TypeRef) {
    let schema = Schema::from_facts(TABLE).unwrap();
    let ty = TypeRef::Struct(schema.find("Deployment").unwrap());
    (schema, ty)
}

fn decode(source: &str) -> Result<(Tree, Vec<String>), String> {
    let (schema, ty) = schema();
    let mut tree = parse_json(source.as_bytes()).map_err(|e| e.to_string())?.tree;
    let findings = canonicalize(&mut tree, &ty, &schema)
        .map_err(|e| e.with_source(source.as_bytes()).to_string())?;
    Ok((tree, findings.unknown))
}

#[test]
fn names_bytes_that_are_no_text() {
    for (source, expected) in [
        (&b"\x9e"[..], r"invalid character '\u009e' looking for beginning of value"),
        (b"[\"\xff\",\xfe", r"invalid character 'þ' looking for beginning of value"),
        ("[é".as_bytes(), "invalid character 'Ã' looking for beginning of value"),
    ] {
        let error = parse_json(source).map(|parsed| parsed.tree).expect_err("no JSON");
        assert_eq!(error.to_string(), expected);
    }
    assert!(parse_json(b"\"\xff\"").is_ok());
}

#[test]
fn json_texts() {
    let check = |source: &str, expected: &str| {
        let shown = parse_json(source.as_bytes())
            .map_or_else(|error| error.to_string(), |parsed| parsed.tree.to_string());
        assert_eq!(shown, expected, "{source}");
    };
    check(
        r#" {"a" : [1, -0, 2.50, 1e2, true, null, ""], "b":{}} "#,
        r#"{"a":[1,0,2.5,100.0,true,null,""],"b":{}}"#,
    );
    check(r#""\u00e9\n\ud83d\ude00\ud800\/""#, "\"é\\n😀\u{fffd}/\"");
    check("18446744073709551615", "18446744073709551615");
    check("[]", "[]");
    check("", "unexpected end of JSON input");
    check("{", "unexpected end of JSON input");
    check(r#"{"a"#, "unexpected end of JSON input");
    check("tru", "unexpected end of JSON input");
    check("x", "invalid character 'x' looking for beginning of value");
    check("trux", "invalid character 'x' in literal true (expecting 'e')");
    check("{a:1}", "invalid character 'a' looking for beginning of object key string");
    check(r#"{"a" 1}"#, "invalid character '1' after object key");
    check(r#"{"a":1 "b"}"#, "invalid character '\"' after object key:value pair");
    check(r#"{"a":1,}"#, "invalid character '}' looking for beginning of object key string");
    check("[1 2]", "invalid character '2' after array element");
    check("[1,]", "invalid character ']' looking for beginning of value");
    check("1 2", "invalid character '2' after top-level value");
    check("01", "invalid character '1' after top-level value");
    check("-x", "invalid character 'x' in numeric literal");
    check("1.x", "invalid character 'x' after decimal point in numeric literal");
    check("1ex", "invalid character 'x' in exponent of numeric literal");
    check("\"a\nb\"", "invalid character '\\n' in string literal");
    check(r#""\x""#, "invalid character 'x' in string escape code");
    check(r#""\u00g0""#, "invalid character 'g' in \\u hexadecimal character escape");
    check("'a'", "invalid character '\\'' looking for beginning of value");
    check("1e999", "json: cannot unmarshal number 1e999 into Go value of type float64");
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let error = parse_json(nested(DEPTH_MAX + 1).as_bytes()).unwrap_err();
    assert_eq!(error.message, "invalid character '[' exceeded max depth");
    parse_json(nested(DEPTH_MAX).as_bytes()).unwrap();
}

#[test]
fn duplicates_have_paths() {
    let parsed = parse_json(br#"{"a":1,"b":[{"c":{"d":1,"d":2,"d":3}}],"a":2}"#).unwrap();
    assert_eq!(parsed.duplicates, ["b[0].c.d", "a"]);
    assert_eq!(parsed.tree, json!({"a": 2, "b": [{"c": {"d": 3}}]}));
}

#[test]
fn canonical_form() {
    let check = |spec: &str, expected: Tree| {
        let (tree, unknown) = decode(&format!(r#"{{"spec":{spec}}}"#)).unwrap();
        let mut expected = json!({"metadata": {}, "spec": expected, "status": {}});
        let fields = expected["spec"].as_object_mut().unwrap();
        fields.entry("containers").or_insert(Tree::Null);
        fields.entry("port").or_insert(0.into());
        fields.insert("bound".to_owned(), Tree::Null);
        assert_eq!((tree, unknown), (expected, vec![]), "{spec:?}");
    };
    check("null", json!({}));
    check("{}", json!({}));
    check(r#"{"replicas":0,"paused":false}"#, json!({"replicas": 0}));
    check(r#"{"replicas":null,"paused":true}"#, json!({"paused": true}));
    check(
        r#"{"limits":{"cpu":"1000m","memory":"0.5Gi","x":2,"y":0.5}}"#,
        json!({"limits": {"cpu": "1", "memory": "512Mi", "x": "2", "y": "500m"}}),
    );
    check(r#"{"limits":{}}"#, json!({}));
    check(r#"{"port":"http"}"#, json!({"port": "http"}));
    check(r#"{"containers":[]}"#, json!({"containers": []}));
    check(
        r#"{"containers":[null,{"args":[null]}]}"#,
        json!({"containers": [{"name": ""}, {"name": "", "args": [""]}]}),
    );
    check(r#"{"raw":{"a":null,"b":[3.0,1.5]}}"#, json!({"raw": {"a": null, "b": [3, 1.5]}}));
    check(
        r#"{"data":{"a":"aGk=","b":"aG\nk=","c":"aGl=","d":null}}"#,
        json!({"data": {"a": "aGk=", "b": "aGk=", "c": "aGk=", "d": null}}),
    );
    check(
        r#"{"renewed":"2024-05-01T12:00:00.123456+02:00"}"#,
        json!({"renewed": "2024-05-01T10:00:00.123456Z"}),
    );
    check(r#"{"wait":"90s"}"#, json!({"wait": "1m30s"}));
    check(r#"{"ratio":2.0,"count":0}"#, json!({"ratio": 2}));
}

#[test]
fn times() {
    let check = |time: &str, expected: Tree| {
        let source = json!({"metadata": {"deletionTimestamp": time}}).to_string();
        let found = decode(&source).map(|(tree, _)| tree["metadata"]["deletionTimestamp"].clone());
        assert_eq!(found.unwrap_or_else(Tree::String), expected, "{time}");
    };
    let layout = "2006-01-02T15:04:05Z07:00";
    check("2024-02-29T23:59:59Z", json!("2024-02-29T23:59:59Z"));
    check("2024-05-01T12:00:00.999+02:00", json!("2024-05-01T10:00:00Z"));
    check("2024-05-01T1:00:00Z", json!("2024-05-01T01:00:00Z"));
    check("0001-01-01T00:00:00Z", Tree::Null);
    check("2023-02-29T00:00:00Z", json!("parsing time \"2023-02-29T00:00:00Z\": day out of range"));
    check(
        "2023-13-01T00:00:00Z",
        json!("parsing time \"2023-13-01T00:00:00Z\": month out of range"),
    );
    check(
        "x",
        json!(format!("parsing time \"x\" as \"{layout}\": cannot parse \"x\" as \"2006\"")),
    );
    check("", json!(format!("parsing time \"\" as \"{layout}\": cannot parse \"\" as \"2006\"")));
    check(
        "2024-05-01",
        json!(format!("parsing time \"2024-05-01\" as \"{layout}\": cannot parse \"\" as \"T\"")),
    );
    check(
        "2024-05-01T00:00:00",
        json!(format!(
            "parsing time \"2024-05-01T00:00:00\" as \"{layout}\": cannot parse \"\" as \"Z07:00\""
        )),
    );
    check(
        "2024-05-01T00:00:00Zx",
        json!("parsing time \"2024-05-01T00:00:00Zx\": extra text: \"x\""),
    );
}

#[test]
fn durations() {
    for (text, nanos) in [
        ("0s", 0),
        ("1.5s", 1_500_000_000),
        ("1h0m0s", 3_600_000_000_000),
        ("-1m30s", -90_000_000_000),
        ("1ms", 1_000_000),
        ("1.001µs", 1_001),
        ("7ns", 7),
    ] {
        assert_eq!(parse_duration(text), Ok(nanos), "{text}");
        assert_eq!(format_duration(nanos), text);
    }
    let check =
        |text: &str, expected: &str| assert_eq!(parse_duration(text).unwrap_err(), expected);
    check("", r#"time: invalid duration """#);
    check("1", r#"time: missing unit in duration "1""#);
    check("1x", r#"time: unknown unit "x" in duration "1x""#);
    check("9999999999h", r#"time: invalid duration "9999999999h""#);
}

#[test]
fn wrong_types() {
    let check = |source: &str, expected: &str| {
        assert_eq!(decode(source).unwrap_err(), expected, "{source}");
    };
    let into = |value: &str, place: &str, ty: &str| {
        format!("json: cannot unmarshal {value} into Go struct field {place} of type {ty}")
    };
    check(r#"{"spec":{"replicas":"3"}}"#, &into("string", "DeploymentSpec.spec.replicas", "int32"));
    check(
        r#"{"spec":{"replicas":80.0}}"#,
        &into("number 80.0", "DeploymentSpec.spec.replicas", "int32"),
    );
    check(
        r#"{"spec":{"replicas":1e2}}"#,
        &into("number 1e2", "DeploymentSpec.spec.replicas", "int32"),
    );
    check(
        r#"{"spec":{"replicas":3000000000}}"#,
        &into("number 3000000000", "DeploymentSpec.spec.replicas", "int32"),
    );
    check(r#"{"spec":{"paused":1}}"#, &into("number", "DeploymentSpec.spec.paused", "bool"));
    check(r#"{"spec":{"port":true}}"#, &into("bool", "DeploymentSpec.spec.port", "int32"));
    check(r#"{"spec":[]}"#, &into("array", "Deployment.spec", "v1.DeploymentSpec"));
    check(
        r#"{"spec":{"containers":{}}}"#,
        &into("object", "DeploymentSpec.spec.containers", "[]v1.Container"),
    );
    check(
        r#"{"spec":{"containers":[{"name":1}]}}"#,
        &into("number", "Container.spec.containers.name", "string"),
    );
    check(
        r#"{"spec":{"containers":[{"args":[1]}]}}"#,
        &into("number", "Container.spec.containers.args", "string"),
    );
    check(
        r#"{"metadata":{"labels":{"a":1}}}"#,
        &into("number", "ObjectMeta.metadata.labels", "string"),
    );
    check(
        r#"{"metadata":{"labels":[]}}"#,
        &into("array", "ObjectMeta.metadata.labels", "map[string]string"),
    );
    check(
        r#"{"metadata":{"creationTimestamp":5}}"#,
        &into("number", "ObjectMeta.metadata.creationTimestamp", "string"),
    );
    check("[]", "json: cannot unmarshal array into Go value of type v1.Deployment");
    check(r#"{"spec":{"limits":{"cpu":"1x"}}}"#, &crate::quantity::ParseError::Format.to_string());
    check(r#"{"spec":{"limits":{"cpu":{}}}}"#, &crate::quantity::ParseError::Format.to_string());
    check(r#"{"spec":{"data":{"a":"?"}}}"#, "illegal base64 data at input byte 0");
    check(r#"{"spec":{"data":{"a":"YWJjYQ"}}}"#, "illegal base64 data at input byte 4");
    check(r#"{"spec":{"data":{"a":"YQ="}}}"#, "illegal base64 data at input byte 3");
    check(r#"{"spec":{"data":{"a":"YQ==x"}}}"#, "illegal base64 data at input byte 4");
    check(r#"{"spec":{"data":{"a":"YWI=x"}}}"#, "illegal base64 data at input byte 4");
}

#[test]
fn what_is_put_together_wraps_around() {
    let (schema, ty) = schema();
    let wide = json!({
        "spec": {"replicas": 9_223_372_036_854_775_807_i64, "count": 9_223_372_036_854_775_807_i64},
        "status": {"ready": 2_147_483_648_i64},
    });
    let mut tree = wide.clone();
    assert!(wrap(&mut tree, &ty, &schema));
    let count = wide["spec"]["count"].clone();
    let narrow = json!({
        "spec": {"replicas": -1, "count": count},
        "status": {"ready": -2_147_483_648_i64},
    });
    assert_eq!(tree, narrow);
    assert!(!wrap(&mut tree, &ty, &schema), "once is enough");
}

#[test]
fn numbers_are_shown_as_written_at_their_place() {
    let check = |source: &str, expected: &str| {
        assert!(decode(source).unwrap_err().contains(expected), "{source}");
    };
    check(r#"{"spec":{"raw":[1e1,{"replicas":1e1}],"count":2e2}}"#, "number 2e2");
    check(
        r#"{"metadata":{"labels":{}},"spec":{"containers":[{"name":"a"}],"replicas":3e3}}"#,
        "number 3e3",
    );
}

#[test]
fn unknown_fields() {
    let source = r#"{"spec":{"zz":{"deep":1},"containers":[{"name":"a"},{"imagee":1}],"aa":1},"metadata":{"labels":{"a":"b"},"x":1},"b":1}"#;
    let (_, unknown) = decode(source).unwrap();
    assert_eq!(unknown, ["b", "metadata.x", "spec.aa", "spec.containers[1].imagee", "spec.zz"]);
    let (schema, ty) = schema();
    let source = r#"{"spec":{"zz":{"d":1,"d":1},"raw":{"d":1,"d":1},"containers":[{"name":"a"},{"imagee":1,"name":"","name":""}],"zz":1,"aa":1},"metadata":{"labels":{"a":"b","a":"b"}},"metadata":{"x":1}}"#;
    let errors = strict_errors(source.as_bytes(), Some(&ty), &schema).unwrap();
    assert_eq!(
        errors,
        [
            r#"unknown field "spec.zz""#,
            r#"unknown field "spec.containers[1].imagee""#,
            r#"duplicate field "spec.containers[1].name""#,
            r#"unknown field "spec.aa""#,
            r#"duplicate field "metadata.labels.a""#,
            r#"duplicate field "metadata""#,
            r#"unknown field "metadata.x""#,
        ]
    );
    let errors = strict_errors(br#"{"a":[{"b":1,"b":2}]}"#, None, &schema).unwrap();
    assert_eq!(errors, [r#"duplicate field "a[0].b""#]);
}

#[test]
fn emits_what_go_prints() {
    let (schema, ty) = schema();
    let mut tree = json!({"metadata": {"name": "", "labels": {}}, "spec": {"replicas": 1, "containers": [{"name": "a", "args": []}]}});
    let mut hollow = json!({"spec": {"containers": []}});
    emit(&mut hollow, &ty, &schema);
    assert_eq!(hollow["spec"]["containers"], Tree::Null);
    emit(&mut tree, &ty, &schema);
    let expected = json!({"metadata": {}, "spec": {"replicas": 1, "port": 0, "bound": null, "containers": [{"name": "a"}]}, "status": {}});
    assert_eq!(tree, expected);
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        any::<f64>().prop_map(Tree::from),
        "[a-z0-9:TZ.+-]{0,25}".prop_map(Tree::from),
    ];
    let name = prop_oneof![
        "(metadata|spec|status|name|labels|replicas|containers|limits|data|port|raw|args|cpu)",
        ".{0,3}",
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|map| Tree::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn prints_times_as_the_pattern_does(seconds in -62_135_596_800_i64..253_402_207_200) {
        let time = jiff::Timestamp::from_second(seconds).unwrap();
        let pattern = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        prop_assert_eq!(format_time(time), pattern);
    }

    #[test]
    fn any_bytes_are_answered(source in "[ \\[\\]{}\",:a0-9.eE+\\\\u-]{0,40}") {
        match (parse_json(source.as_bytes()), serde_json::from_str::<Tree>(&source)) {
            (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
            // Lone surrogates are replaced here and refused there; numbers out of range are refused
            // in both.
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("surrogate"), "{} {}", source, error),
            (Err(error), Ok(_)) => prop_assert!(false, "{} {}", source, error),
        }
    }

    #[test]
    fn printed_trees_are_read_back(tree in any_tree()) {
        prop_assert_eq!(parse_json(tree.to_string().as_bytes()).unwrap().tree, tree);
    }

    #[test]
    fn canonical_form_is_stable(tree in any_tree()) {
        let (schema, ty) = schema();
        let source = tree.to_string();
        let mut once = tree;
        if let Err(error) = canonicalize(&mut once, &ty, &schema) {
            let _ = error.with_source(source.as_bytes()).to_string();
            return Ok(());
        }
        strict_errors(source.as_bytes(), Some(&ty), &schema).unwrap();
        let mut twice = once.clone();
        prop_assert_eq!(canonicalize(&mut twice, &ty, &schema), Ok(Findings::default()));
        prop_assert_eq!(&twice, &once);
        emit(&mut twice, &ty, &schema);
        if twice["spec"]["containers"].is_null() {
            once["spec"]["containers"] = Tree::Null;
        }
        prop_assert_eq!(twice, once);
    }
}
