#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

#[test]
fn parts() {
    let check = |group: &'static str, namespace: &str, name: &str, text: &str| {
        let resource = GroupResource::new(group, "things");
        let key = Key::new(&resource, namespace, name);
        assert_eq!(key.as_str(), text);
        assert_eq!(
            (key.resource(), key.namespace(), key.name()),
            (&*resource.to_string(), namespace, name)
        );
        assert_eq!(Key::parse(text), Some(key));
    };
    check("", "ns", "a", "things/ns/a");
    check("apps", "ns", "a.b", "things.apps/ns/a.b");
    check("apps", "", "a", "things.apps//a");
    for wrong in ["", "a", "a/b", "a/b/c/d"] {
        assert_eq!(Key::parse(wrong), None, "{wrong}");
    }
    let resource = GroupResource::new("apps", "things");
    assert_eq!(Key::prefix(&resource, None), "things.apps/");
    assert_eq!(Key::prefix(&resource, Some("ns")), "things.apps/ns/");
    assert_eq!(Key::prefix(&resource, Some("")), "things.apps//");
}

proptest! {
    #[test]
    fn prefixes_select_what_they_name(namespace in "[a-c]{0,2}", name in "[a-c.]{1,3}", other in "[a-c]{0,2}") {
        let resource = GroupResource::new("", "things");
        let key = Key::new(&resource, &namespace, &name);
        prop_assert!(key.as_str().starts_with(&Key::prefix(&resource, None)));
        prop_assert_eq!(key.as_str().starts_with(&Key::prefix(&resource, Some(&other))), other == namespace);
        prop_assert_eq!(Key::parse(key.as_str()).unwrap(), key);
    }
}
