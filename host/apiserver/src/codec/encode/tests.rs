use serde_json::json;

use super::*;

#[test]
fn puts_type_and_revision_first() {
    let tree = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "b" }, "binaryData": {},
        "metadata": { "name": "x", "resourceVersion": "5", "annotations": { "z": "1" } },
    });
    let body = stored(&tree);
    let head = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"resourceVersion\":\"";
    assert_eq!(body.revision_at() as usize, head.len());
    assert_eq!(body.len(), head.len() + "\",\"annotations\":{\"z\":\"1\"},\"name\":\"x\"},\"binaryData\":{},\"data\":{\"a\":\"b\"}}".len());
    let info = kinds::find("", "v1", "configmaps").expect("a kind").info();
    assert_eq!(type_prefix_len(info), "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",".len());
}

#[test]
fn ends_answers_with_a_line_feed() {
    let tree = json!({ "a": 1 });
    assert_eq!(value(&tree, Accepted::default()), "{\"a\":1}\n");
    assert_eq!(
        value(&tree, Accepted { pretty: true, ..Accepted::default() }),
        "{\n  \"a\": 1\n}\n"
    );
    assert_eq!(value(&tree, Accepted { format: Format::Yaml, ..Accepted::default() }), "a: 1\n");
}
