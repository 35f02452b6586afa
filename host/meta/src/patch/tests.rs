#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{json as json_patch, merge, strategic};
use crate::decode::parse_json;
use crate::schema::{Schema, TypeRef};

fn tree(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn json_operations() {
    let check = |document: &str, patch: &str, expected: &str| {
        let mut document = tree(document);
        let result = json_patch::apply(&mut document, patch.as_bytes());
        assert_eq!((result, document), (Ok(()), tree(expected)), "{patch}");
    };
    let object = r#"{"a":{"b":1},"l":[1,2,3]}"#;
    check(
        object,
        r#"[{"op":"add","path":"/a/c","value":2}]"#,
        r#"{"a":{"b":1,"c":2},"l":[1,2,3]}"#,
    );
    check(object, r#"[{"op":"add","path":"/l/1","value":9}]"#, r#"{"a":{"b":1},"l":[1,9,2,3]}"#);
    check(object, r#"[{"op":"add","path":"/l/-","value":9}]"#, r#"{"a":{"b":1},"l":[1,2,3,9]}"#);
    check(object, r#"[{"op":"add","path":"/l/-1","value":9}]"#, r#"{"a":{"b":1},"l":[1,2,3,9]}"#);
    check(object, r#"[{"op":"remove","path":"/l/-1"}]"#, r#"{"a":{"b":1},"l":[1,2]}"#);
    check(
        object,
        r#"[{"op":"replace","path":"/new","value":9}]"#,
        r#"{"a":{"b":1},"l":[1,2,3],"new":9}"#,
    );
    check(
        object,
        r#"[{"op":"copy","from":"/none","path":"/x"}]"#,
        r#"{"a":{"b":1},"l":[1,2,3],"x":null}"#,
    );
    check(object, r#"[{"op":"move","from":"/a/b","path":"/l/0"}]"#, r#"{"a":{},"l":[1,1,2,3]}"#);
    check(object, r#"[{"op":"remove","path":"ignored/a"}]"#, r#"{"l":[1,2,3]}"#);
    check(object, r#"[{"op":"test","path":"/none","value":null}]"#, object);
    check(object, r#"[{"op":"test","path":"/none"}]"#, object);
    check(object, r#"[{"op":"replace","path":"","value":{}}]"#, "{}");
    check(object, "null", object);
    check(object, "[]", object);
    check(
        r#"{"a/b":1,"c~d":2,"~1":3}"#,
        r#"[{"op":"remove","path":"/a~1b"},{"op":"remove","path":"/c~0d"},{"op":"remove","path":"/~01"}]"#,
        "{}",
    );
    check("{}", r#"[{"op":"add","path":"/a"}]"#, r#"{"a":null}"#);
}

#[test]
fn json_failures() {
    let check = |patch: &str, code: u16, expected: &str| {
        let mut document = json!({"a": {"b": 1}, "l": [1], "s": "x", "n": null});
        let error = json_patch::apply(&mut document, patch.as_bytes()).unwrap_err();
        assert_eq!(
            (error.status().code(), error.to_string().as_str()),
            (code, expected),
            "{patch}"
        );
    };
    check(r#"[{"op":"remove","path":"/none"}]"#, 422, "Unable to remove nonexistent key: none");
    check(r#"[{"op":"remove","path":"/l/1"}]"#, 422, "Unable to access invalid index: 1");
    check(r#"[{"op":"remove","path":"/l/-2"}]"#, 422, "Unable to access invalid index: -2");
    check(r#"[{"op":"add","path":"/l/2","value":1}]"#, 422, "Unable to access invalid index: 2");
    check(
        r#"[{"op":"add","path":"/l/x","value":1}]"#,
        422,
        "value was not a proper array index: 'x'",
    );
    check(r#"[{"op":"add","path":"/s/x","value":1}]"#, 422, r#"doc is missing path: "/s/x""#);
    check(r#"[{"op":"add","path":"/n/x","value":1}]"#, 422, r#"doc is missing path: "/n/x""#);
    check(r#"[{"op":"add","path":"a","value":1}]"#, 422, r#"doc is missing path: "a""#);
    check(r#"[{"op":"test","path":"/a/b","value":2}]"#, 422, "testing value /a/b failed");
    check(r#"[{"op":"jump","path":"/a"}]"#, 422, "Unexpected kind: jump");
    check(
        "{}",
        400,
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    );
    check(
        r#"[{"op":"add","path":3}]"#,
        400,
        "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string",
    );
    check("[", 400, "invalid JSON patch");
    let many = format!("[{}{{}}]", "{},".repeat(json_patch::OPERATIONS_MAX));
    check(&many, 413, "The allowed maximum operations in a JSON patch is 10000, got 10001");
    let errors =
        json_patch::Patch::strict_errors(br#"[{"op":"add","path":"/a","path":"/b","x":1}]"#);
    assert_eq!(
        errors,
        [r#"json patch duplicate field "[0].path""#, r#"json patch unknown field "[0].x""#]
    );
}

#[test]
fn copies_are_bounded() {
    let mut document = json!({"a": "x".repeat(1000)});
    let copy = r#"{"op":"copy","from":"/a","path":"/b"}"#;
    let patch = format!("[{}]", vec![copy; 5000].join(","));
    let error = json_patch::apply(&mut document, patch.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "copies more than 3145728 bytes");
}

#[test]
fn merge_patches() {
    let check = |document: &str, patch: &str, expected: &str| {
        let merged = merge::apply(tree(document), tree(patch)).map_err(|e| e.to_string());
        let expected = serde_json::from_str(expected).map_err(|_| expected.to_owned());
        assert_eq!(merged, expected, "{patch}");
    };
    check(r#"{"a":1,"b":{"c":2}}"#, r#"{"a":null,"b":{"d":3}}"#, r#"{"b":{"c":2,"d":3}}"#);
    check(r#"{"a":[1]}"#, r#"{"a":[2,null,{"x":null}]}"#, r#"{"a":[2,null,{}]}"#);
    check(r#"{"a":{"b":1}}"#, r#"{"a":[{"x":null}]}"#, r#"{"a":[{"x":null}]}"#);
    check("{}", r#"{"a":{"b":null,"c":{"d":null}}}"#, r#"{"a":{"c":{}}}"#);
    check(r#"{"a":null}"#, r#"{"a":{"b":1}}"#, r#"{"a":{"b":1}}"#);
    check(r#"{"a":1}"#, r#"{"a":{"b":{"c":null}}}"#, r#"{"a":{"b":{}}}"#);
    check("{}", "null", "Invalid JSON Patch");
    check(
        "{}",
        "[]",
        "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
}

const TABLE: &str = "\
T\tv1\tPod\tPod\t
F\tmetadata\t@1\ta\t1\t
F\tspec\t@2\ta\t2\t
T\tv1\tObjectMeta\tObjectMeta\t
F\tlabels\t{s\tz\t1\t
F\tfinalizers\t[s\tz\t2\tlistType=set;patchStrategy=merge
T\tv1\tPodSpec\tPodSpec\t
F\tcontainers\t[@3\ta\t1\tlistType=map;keys=name;patchStrategy=merge;mergeKey=name
F\ttolerations\t[@4\tz\t2\tlistType=atomic
F\tstrategy\t@5\tz\t3\tpatchStrategy=retainKeys
F\tvolumes\t[@6\tz\t4\tlistType=map;keys=name;patchStrategy=merge,retainKeys;mergeKey=name
F\tselector\t@1\tz\t5\tpatchStrategy=replace
T\tv1\tContainer\tContainer\t
F\tname\ts\ta\t1\t
F\timage\ts\tz\t2\t
F\targs\t[s\tz\t3\t
F\tports\t[@7\tz\t4\tpatchStrategy=merge;mergeKey=containerPort
T\tv1\tToleration\tToleration\t
F\tkey\ts\tz\t1\t
T\tv1\tStrategy\tStrategy\t
F\ttype\ts\tz\t1\t
F\trollingUpdate\t@1\tz\t1\t
T\tv1\tVolume\tVolume\t
F\tname\ts\ta\t1\t
F\temptyDir\t@1\tz\t2\t
F\thostPath\t@1\tz\t2\t
T\tv1\tPort\tPort\t
F\tcontainerPort\ti\ta\t1\t
F\tprotocol\ts\tz\t2\t
";

fn strategic(document: Value, patch: Value) -> Result<Value, strategic::Error> {
    let schema = Schema::from_facts(TABLE).unwrap();
    let ty = TypeRef::Struct(schema.find("Pod").unwrap());
    strategic::apply(document, patch, &ty, &schema)
}

fn names(list: &Value) -> String {
    let names: Vec<_> =
        list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    names.join(" ")
}

#[test]
fn strategic_merges() {
    let check = |document: Value, patch: Value, expected: Value| {
        assert_eq!(strategic(document, patch.clone()), Ok(expected), "{patch}");
    };
    let spec = |spec: Value| json!({"spec": spec});
    let containers = |list: Value| json!({"spec": {"containers": list}});
    check(
        containers(json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}])),
        containers(json!([{"name": "b", "image": "3"}])),
        containers(json!([{"name": "a", "image": "1"}, {"name": "b", "image": "3"}])),
    );
    check(
        containers(json!([{"name": "a"}])),
        containers(json!([{"name": "b"}])),
        containers(json!([{"name": "b"}, {"name": "a"}])),
    );
    check(
        containers(json!([{"name": "a"}, {"name": "b"}])),
        containers(json!([{"name": "a", "$patch": "delete"}])),
        containers(json!([{"name": "b"}])),
    );
    check(
        containers(json!([{"name": "a"}, {"name": "b"}])),
        containers(json!([{"name": "c"}, {"$patch": "replace"}])),
        containers(json!([{"name": "c"}])),
    );
    check(
        containers(json!([{"name": "a", "args": ["x"]}])),
        containers(json!([{"name": "a", "args": ["y"]}])),
        containers(json!([{"name": "a", "args": ["y"]}])),
    );
    check(
        containers(json!([{"name": "a", "ports": [{"containerPort": 80}]}])),
        containers(
            json!([{"name": "a", "ports": [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 81}]}]),
        ),
        containers(
            json!([{"name": "a", "ports": [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 81}]}]),
        ),
    );
    check(
        spec(json!({"tolerations": [{"key": "a"}]})),
        spec(json!({"tolerations": [{"key": "b"}]})),
        spec(json!({"tolerations": [{"key": "b"}]})),
    );
    check(
        spec(json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}})),
        spec(json!({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}})),
        spec(json!({"strategy": {"type": "Recreate"}})),
    );
    check(
        spec(json!({"volumes": [{"name": "v", "emptyDir": {}}]})),
        spec(
            json!({"volumes": [{"$retainKeys": ["name", "hostPath"], "name": "v", "hostPath": {}}]}),
        ),
        spec(json!({"volumes": [{"name": "v", "hostPath": {}}]})),
    );
    check(
        spec(json!({"selector": {"labels": {"a": "b"}}})),
        spec(json!({"selector": {"finalizers": []}})),
        spec(json!({"selector": {"finalizers": []}})),
    );
    let meta = |meta: Value| json!({"metadata": meta});
    check(
        meta(json!({"labels": {"a": "1", "b": "2"}})),
        meta(json!({"labels": {"a": null, "c": "3"}})),
        meta(json!({"labels": {"b": "2", "c": "3"}})),
    );
    check(
        meta(json!({"labels": {"a": "1"}})),
        meta(json!({"labels": {"$patch": "replace", "b": "2"}})),
        meta(json!({"labels": {"b": "2"}})),
    );
    check(
        meta(json!({"labels": {"a": "1"}})),
        meta(json!({"labels": {"$patch": "delete"}})),
        meta(json!({"labels": {}})),
    );
    check(
        meta(json!({"finalizers": ["a", "b"]})),
        meta(json!({"finalizers": ["c", "a"]})),
        meta(json!({"finalizers": ["c", "a", "b"]})),
    );
    check(
        meta(json!({"finalizers": ["a", "b"]})),
        meta(json!({"$deleteFromPrimitiveList/finalizers": ["a", "x"]})),
        meta(json!({"finalizers": ["b"]})),
    );
    check(
        json!({}),
        meta(json!({"labels": {"a": null, "b": "1"}})),
        meta(json!({"labels": {"b": "1"}})),
    );
    check(
        json!({}),
        containers(json!([{"name": "a"}, {"name": "b", "$patch": "delete"}])),
        containers(json!([{"name": "a"}])),
    );
}

#[test]
fn strategic_order() {
    let check = |have: &str, patch: &str, order: &str, expected: &str| {
        let list = |names: &str| -> Vec<Value> {
            names.split_whitespace().map(|name| json!({"name": name})).collect()
        };
        let document = json!({"spec": {"containers": list(have)}});
        let mut patch = json!({"spec": {"containers": list(patch)}});
        patch["spec"]["$setElementOrder/containers"] = list(order).into();
        let merged = strategic(document, patch).unwrap();
        assert_eq!(names(&merged["spec"]["containers"]), expected, "{have} by {order}");
    };
    check("a b c", "", "c b a", "c b a");
    check("a b c", "b", "c b", "a c b");
    check("a x b", "new", "b new a", "x b new a");
    check("x a y b", "b a", "b a", "x y b a");
}

#[test]
fn strategic_failures() {
    let check = |patch: Value, code: u16, expected: &str| {
        let document =
            json!({"metadata": {"finalizers": ["a"]}, "spec": {"containers": [{"name": "a"}]}});
        let error = strategic(document, patch.clone()).unwrap_err();
        assert_eq!(
            (error.status().code(), error.to_string().as_str()),
            (code, expected),
            "{patch}"
        );
    };
    let spec = |spec: Value| json!({"spec": spec});
    check(
        json!([]),
        400,
        "json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
    check(
        spec(json!({"containers": [{"image": "x"}]})),
        500,
        "map: map[image:x] does not contain declared merge key: name",
    );
    check(
        spec(
            json!({"containers": [{"name": "b"}], "$setElementOrder/containers": [{"name": "c"}]}),
        ),
        500,
        "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:c]]\n",
    );
    check(
        spec(json!({"containers": [{"name": "a", "$patch": "merge"}]})),
        500,
        "merging lists cannot yet be specified in the patch",
    );
    check(spec(json!({"$patch": "odd"})), 500, "unknown patch type: odd in map: map[$patch:odd]");
    check(spec(json!({"$retainKeys": "x"})), 400, "invalid patch format of retainKeys");
    check(
        spec(json!({"$retainKeys": [], "strategy": {}})),
        400,
        "invalid patch format of retainKeys",
    );
    check(
        json!({"metadata": {"$deleteFromPrimitiveList": []}}),
        400,
        "invalid patch format of primitive list",
    );
    check(
        spec(json!({"containers": ["x"]})),
        500,
        "list element types are not identical: [map[name:a]] [x]",
    );
    check(
        spec(json!({"$setElementOrder/containers": {}})),
        500,
        "expected a []interface {}, but received a map[string]interface {}",
    );
}

fn any_tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0..3i32).prop_map(Value::from),
        "(a|b|replace|delete|merge)".prop_map(Value::from),
    ];
    let name = "(a|b|name|spec|containers|metadata|labels|finalizers|ports|containerPort|\\$patch|\\$retainKeys|\\$setElementOrder/containers|\\$deleteFromPrimitiveList/finalizers)";
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_patch_is_answered(document in any_tree(), patch in any_tree()) {
        let _ = strategic(document.clone(), patch.clone());
        if let Ok(merged) = merge::apply(document, patch.clone()) {
            // A merge patch that was applied changes nothing when applied again.
            prop_assert_eq!(merge::apply(merged.clone(), patch).unwrap(), merged);
        }
    }

    #[test]
    fn any_operations_are_answered(
        document in any_tree(),
        operations in prop::collection::vec(("(add|remove|replace|move|copy|test|x)", "(/(a|b|0|1|-1|-|~0|~)){0,3}", "(/(a|b|0)){0,2}", any_tree()), 0..5),
    ) {
        let operations: Vec<_> = operations
            .into_iter()
            .map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
            .collect();
        let mut document = document;
        let _ = json_patch::apply(&mut document, Value::from(operations).to_string().as_bytes());
    }

    #[test]
    fn merging_in_order_keeps_every_item(have in prop::collection::btree_set("[a-f]", 0..6), add in prop::collection::btree_set("[a-f]", 0..6)) {
        let list = |names: &std::collections::BTreeSet<String>| -> Vec<Value> {
            names.iter().map(|name| json!({"name": name})).collect()
        };
        let document = json!({"spec": {"containers": list(&have)}});
        let merged = strategic(document, json!({"spec": {"containers": list(&add)}})).unwrap();
        let mut found: Vec<_> = merged["spec"]["containers"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect();
        found.sort();
        let all: Vec<_> = have.union(&add).cloned().collect();
        prop_assert_eq!(found, all);
    }
}

/// The walks do not recurse; what remains is what copying, comparing and printing a tree take.
#[test]
fn deep_patches_fit_the_stack() {
    let depth = crate::decode::DEPTH_MAX;
    let source = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let deep = parse_json(source.as_bytes()).unwrap().tree;
    assert_eq!(merge::apply(deep.clone(), deep.clone()).unwrap(), deep);
    assert_eq!(deep.to_string(), source);
}

#[test]
fn copies_do_not_nest_without_end() {
    let mut document = json!({ "a": { "b": {} } });
    let patch = json!([{ "op": "copy", "from": "/a", "path": "/a/b/c" }]).to_string();
    let mut applied = 0;
    let refused = loop {
        match json_patch::apply(&mut document, patch.as_bytes()) {
            Ok(()) => applied += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((refused.to_string().as_str(), applied), ("exceeded max depth", 58));
    assert!(crate::decode::depth(&document) <= crate::decode::DEPTH_MAX);
}
