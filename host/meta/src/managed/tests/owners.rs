use serde_json::{Value, json};

use crate::managed::{heads, put, take, without_owners};

fn object() -> Value {
    let owners =
        json!([{ "manager": "a]}\"", "operation": "Apply", "fieldsV1": { "f:spec": {} } }]);
    json!({ "metadata": { "labels": { "managedFields": "x" }, "managedFields": owners, "name": "n" }, "spec": 1 })
}

#[test]
fn bytes_lose_the_owners_and_nothing_else() {
    let bytes = serde_json::to_vec(&object()).unwrap();
    let mut expected = object();
    expected["metadata"]["managedFields"] = Value::Null;
    let (rest, heads) = without_owners(&bytes);
    assert_eq!(serde_json::from_slice::<Value>(&rest).unwrap(), expected);
    assert_eq!(heads.unwrap()[0].manager.as_deref(), Some("a]}\""));
    for untouched in [&b"{}"[..], b"{\"metadata\":{}}", b"{\"managedFields\":[1]}", b"no json"] {
        assert_eq!(&*without_owners(untouched).0, untouched);
    }
}

#[test]
fn owners_come_out_and_go_back() {
    let mut tree = object();
    let owners = take(&mut tree).unwrap();
    assert_eq!(tree["metadata"].get("managedFields"), None);
    let heads = heads(&owners);
    assert_eq!(heads[0].operation.as_deref(), Some("Apply"));
    assert_eq!(heads[0].fields_v1, None);
    put(&mut tree, owners);
    assert_eq!(tree, object());
}
