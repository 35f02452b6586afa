use super::*;

fn after(old: &[&str], default: Propagation, options: &DeleteOptions) -> Vec<String> {
    let mut info = *kinds::find("", "v1", "configmaps").expect("a kind").info();
    info.default_propagation = default;
    let own = old.iter().map(|name| (*name).to_owned()).collect();
    let metadata = ObjectMeta { finalizers: Some(own), ..ObjectMeta::default() };
    finalizers(&info, &metadata, options, false)
}

#[test]
fn lets_the_request_choose_what_happens_to_dependents() {
    let policy = |policy| DeleteOptions { policy: Some(policy), ..DeleteOptions::default() };
    let orphan = |orphan| DeleteOptions { orphan: Some(orphan), ..DeleteOptions::default() };
    let none = DeleteOptions::default();
    let background = Propagation::Background;
    for (old, default, options, expected) in [
        (&["x"][..], background, &none, &["x"][..]),
        (&["x"], background, &policy(Policy::Foreground), &["x", FOREGROUND]),
        (&["x"], background, &policy(Policy::Orphan), &["x", ORPHAN]),
        (&[ORPHAN], background, &policy(Policy::Background), &[]),
        (&[ORPHAN], background, &none, &[ORPHAN]),
        (&[FOREGROUND], background, &none, &[FOREGROUND]),
        (&[FOREGROUND], background, &orphan(true), &[ORPHAN]),
        (&[], Propagation::Orphan, &none, &[ORPHAN]),
        (&[], Propagation::Orphan, &orphan(false), &[]),
        (&[], Propagation::Unsupported, &policy(Policy::Foreground), &[]),
    ] {
        assert_eq!(after(old, default, options), expected, "{old:?} {options:?}");
    }
}
