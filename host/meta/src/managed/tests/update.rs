use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{
    Context, Element, Entry, FieldSet, UPDATE_MANAGERS_MAX, decode_entries, encode_entries,
    from_scale, is_reset, keep_times, to_scale, track_update, upgrade_client_side_apply,
};
use super::{canonical, deployment, owners, with};

/// An update by a manager, as the object is stored after it.
fn write(live: Option<&Value>, new: Value, manager: &str, second: i64) -> Value {
    let mut new = canonical(new);
    with(manager, second, |context| track_update(context, live, &mut new, false));
    new
}

#[test]
fn creating_owns_what_is_set() {
    let object =
        write(None, deployment(json!({"replicas": 1, "containers": [{"name": "a"}]})), "m", 5);
    assert_eq!(
        owners(&object),
        ["m Update 5: .spec.containers[name=\"a\"] .spec.replicas .spec.containers[name=\"a\"].name"
            .replace(".spec.containers[name=\"a\"] .spec.replicas", ".spec.replicas .spec.containers[name=\"a\"]")]
    );
    let entry = &object["metadata"]["managedFields"][0];
    assert_eq!(
        *entry,
        json!({
            "manager": "m",
            "operation": "Update",
            "apiVersion": "apps/v1",
            "time": "1970-01-01T00:00:05Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}}}, "f:replicas": {}}},
        })
    );
}

#[test]
fn updating_takes_what_changes() {
    let one = write(None, deployment(json!({"replicas": 1, "args": ["a"]})), "one", 1);
    let two = write(Some(&one), deployment(json!({"replicas": 2, "args": ["a"]})), "two", 2);
    assert_eq!(owners(&two), ["one Update 1: .spec.args", "two Update 2: .spec.replicas"]);
    // Nothing changes: nobody owns more, and times stay.
    let same = write(Some(&two), deployment(json!({"replicas": 2, "args": ["a"]})), "three", 3);
    assert_eq!(same, two);
    // What is removed belongs to nobody.
    let less = write(Some(&two), deployment(json!({"replicas": 2})), "one", 4);
    assert_eq!(owners(&less), ["two Update 2: .spec.replicas"]);
    let more = write(Some(&less), deployment(json!({"replicas": 2, "args": ["b"]})), "two", 5);
    assert_eq!(owners(&more), ["two Update 5: .spec.args .spec.replicas"]);
}

#[test]
fn clients_may_edit_or_forget_owners() {
    let live = write(None, deployment(json!({"replicas": 1})), "one", 1);
    let mut kept = live.clone();
    kept["metadata"]["managedFields"][0]["manager"] = json!("other");
    assert_eq!(owners(&write(Some(&live), kept, "two", 2)), ["other Update 1: .spec.replicas"]);
    for forget in [json!([]), json!([{}])] {
        let mut new = live.clone();
        new["metadata"]["managedFields"] = forget;
        assert!(is_reset(&new));
        with("two", 2, |context| track_update(context, Some(&live), &mut new, false));
        assert_eq!(new["metadata"].get("managedFields"), None);
        // Once forgotten, updates are not tracked.
        assert_eq!(
            owners(&write(Some(&new), deployment(json!({"replicas": 3})), "two", 3)),
            [] as [&str; 0]
        );
    }
    let mut unreadable = live.clone();
    unreadable["metadata"]["managedFields"][0]["operation"] = json!("Odd");
    assert_eq!(owners(&write(Some(&live), unreadable, "two", 2)), ["one Update 1: .spec.replicas"]);
}

#[test]
fn subresources_have_their_own_entries() {
    let live = write(None, deployment(json!({"replicas": 1})), "one", 1);
    let mut new = live.clone();
    new["status"] = json!({"ready": 1});
    new["spec"]["replicas"] = json!(5);
    let reset = FieldSet::from_paths([&Element::path(["spec"])[..]]);
    with("one", 2, |context| {
        let context = Context { subresource: "status", reset: Some(&reset), ..*context };
        track_update(&context, Some(&live), &mut new, false);
    });
    assert_eq!(owners(&new), ["one Update 1: .spec.replicas", "one Update status2: .status.ready"]);
    assert_eq!(new["metadata"]["managedFields"][1]["subresource"], "status");
}

#[test]
fn old_updaters_are_merged() {
    let mut object = write(None, deployment(json!({"replicas": 1})), "z", 999);
    let count = i64::try_from(UPDATE_MANAGERS_MAX).unwrap() + 3;
    for second in 0..count {
        let mut new = object.clone();
        new["metadata"]["labels"][format!("l{second}")] = json!("x");
        object = write(Some(&object), new, &format!("m{second:02}"), second);
    }
    let owners = owners(&object);
    assert_eq!(owners.len(), UPDATE_MANAGERS_MAX);
    assert_eq!(owners[UPDATE_MANAGERS_MAX - 1], "z Update 999: .spec.replicas");
    assert_eq!(
        owners[0],
        "ancient-changes Update 4: .metadata.labels .metadata.labels.l0 .metadata.labels.l1 .metadata.labels.l2 .metadata.labels.l3 .metadata.labels.l4"
    );
    assert_eq!(owners[1], "m05 Update 5: .metadata.labels.l5");
}

#[test]
fn lists_that_cannot_be_tracked_keep_their_owners() {
    let live = write(None, deployment(json!({"replicas": 1})), "one", 1);
    let mut new = live.clone();
    new["metadata"]["finalizers"] = json!([{}]);
    with("two", 2, |context| track_update(context, Some(&live), &mut new, false));
    assert_eq!(owners(&new), owners(&live));
}

#[test]
fn times_alone_are_no_change() {
    let live = write(None, deployment(json!({"replicas": 1})), "one", 1);
    let mut again = live.clone();
    again["metadata"]["managedFields"][0]["time"] = json!("1970-01-01T00:00:09Z");
    let mut other = again.clone();
    keep_times(&live, &mut again);
    assert_eq!(again, live);
    other["spec"]["replicas"] = json!(2);
    let before = other.clone();
    keep_times(&live, &mut other);
    assert_eq!(other, before);
}

#[test]
fn scale_shows_the_owners_of_replicas() {
    let replicas = Element::path(["spec", "replicas"]);
    let live = write(None, deployment(json!({"replicas": 1, "args": ["a"]})), "one", 1);
    let parent = decode_entries(&live).unwrap();
    let mut scale = to_scale(&parent, &replicas);
    assert_eq!((scale.len(), scale[0].api_version.as_str()), (1, "autoscaling/v1"));
    // Unchanged: the owner stays.
    assert_eq!(from_scale(&parent, &scale, &replicas, "apps/v1"), parent);
    // Another manager takes the field through the scale.
    scale[0].manager = "two".to_owned();
    scale[0].subresource = "scale".to_owned();
    let mut object = live;
    encode_entries(from_scale(&parent, &scale, &replicas, "apps/v1"), &mut object);
    // The entry that is new there has no time yet, as in Kubernetes.
    assert_eq!(owners(&object), ["two Update scale-1: .spec.replicas", "one Update 1: .spec.args"]);
}

#[test]
fn client_side_apply_is_upgraded() {
    let live = write(None, deployment(json!({"replicas": 1})), "kubectl-client-side-apply", 1);
    let live = write(Some(&live), deployment(json!({"replicas": 1, "args": ["a"]})), "other", 2);
    let entries: Vec<Entry> = decode_entries(&live).unwrap();
    let upgraded =
        upgrade_client_side_apply(entries, &["kubectl-client-side-apply"], "kubectl", "");
    let mut object = live;
    encode_entries(upgraded, &mut object);
    assert_eq!(owners(&object), ["kubectl Apply 1: .spec.replicas", "other Update 2: .spec.args"]);
}

proptest! {
    /// Editing entries where they stand gives the same as reading them all.
    #[test]
    fn edited_entries_are_the_same(writes in prop::collection::vec((super::sets::any_object(), "[a-c]"), 1..8)) {
        let mut live: Option<Value> = None;
        for (second, (object, manager)) in (1..).zip(writes) {
            let new = canonical(object);
            let edited = write(live.as_ref(), new.clone(), &manager, second);
            if let Some(live) = &live {
                // Another order of the entries is a wish of the client, which is read.
                let mut wish = new;
                let mut entries = live["metadata"]["managedFields"].clone();
                if let Some(first) = entries.as_array_mut().and_then(|entries| entries.first_mut()) {
                    first["extra"] = json!(true);
                }
                wish["metadata"]["managedFields"] = entries;
                with(&manager, second, |context| track_update(context, Some(live), &mut wish, false));
                prop_assert_eq!(&wish["metadata"]["managedFields"], &edited["metadata"]["managedFields"]);
            }
            live = Some(edited);
        }
    }
}
