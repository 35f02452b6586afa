use serde_json::json;

use super::*;

fn carried(part: &str, wanted: &Tree, old: &Tree) -> Tree {
    let info = kinds::find("", "v1", "pods").expect("a kind").info();
    Part::of_subresource(part).expect("a part").carry(info, wanted.clone(), old)
}

#[test]
fn writes_only_the_part_of_the_path() {
    let old = json!({ "metadata": { "name": "p" }, "spec": { "a": 1 }, "status": { "s": 1 } });
    let new = json!({ "metadata": { "name": "p", "labels": { "l": "1" } }, "spec": { "a": 2 }, "status": { "s": 2 } });
    assert_eq!(
        carried("", &new, &old),
        json!({ "metadata": { "name": "p", "labels": { "l": "1" } }, "spec": { "a": 2 }, "status": { "s": 1 } })
    );
    assert_eq!(
        carried("status", &new, &old),
        json!({ "metadata": { "name": "p", "labels": { "l": "1" } }, "spec": { "a": 1 }, "status": { "s": 2 } })
    );
}

#[test]
fn kinds_pick_what_counts_of_a_corner() {
    let old = json!({ "metadata": {}, "spec": { "finalizers": ["a"], "other": 1 } });
    let new = json!({ "metadata": { "labels": {} }, "spec": { "finalizers": [], "other": 2 } });
    assert_eq!(carried("finalize", &new, &old), new);
    assert_eq!(carried("resize", &new, &old), new);
    assert!(Part::of_subresource("nothing").is_none());
}
