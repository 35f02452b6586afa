use super::*;

#[test]
fn a_key_waits_for_its_latest_write_of_each_kind() {
    let mut pending = Pending::default();
    let (key, pod) = (Key::new("ns", "rs"), Key::new("ns", "pod"));
    let revision = |n| Need::Revision(Which::Pod, Revision(n));
    pending.expect(&key, vec![revision(7), revision(5)]);
    pending.expect(&key, vec![Need::Gone(Which::Pod, pod.clone(), "u".to_owned())]);
    let at = |n: u64| move |need: &Need| matches!(need, Need::Revision(_, r) if r.0 <= n);

    assert!(!pending.is_clear(&key, at(6)));
    assert!(pending.reached(Which::Pod, Revision(6)).is_empty());
    assert!(pending.reached(Which::Node, Revision(9)).is_empty());
    assert_eq!(pending.reached(Which::Pod, Revision(7)), std::slice::from_ref(&key));
    assert!(!pending.is_clear(&key, at(7)));
    assert_eq!(pending.changed(Which::Pod, &pod), std::slice::from_ref(&key));
    assert!(pending.is_clear(&key, |_| true));
    assert!(pending.is_clear(&key, |_| false));
}
