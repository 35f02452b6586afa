use super::*;

struct Seen(ObjectMeta);

impl AsRef<ObjectMeta> for Seen {
    fn as_ref(&self) -> &ObjectMeta {
        &self.0
    }
}

/// `name owner! owner ~finalizer -` : owners (`!` blocks), finalizers, and `-` for being deleted.
fn put(graph: &mut Graph<Seen>, text: &str) -> Vec<String> {
    let mut words = text.split(' ');
    let name = words.next().unwrap_or("").to_owned();
    let mut metadata = ObjectMeta {
        name: Some(name.clone()),
        namespace: Some("ns".to_owned()),
        uid: Some(name),
        resource_version: Some("1".to_owned()),
        ..ObjectMeta::default()
    };
    for word in words {
        if word == "-" {
            let time = jiff::Timestamp::UNIX_EPOCH;
            metadata.deletion_timestamp =
                Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(time));
        } else if let Some(finalizer) = word.strip_prefix('~') {
            metadata.finalizers.get_or_insert_default().push(finalizer.to_owned());
        } else {
            metadata.owner_references.get_or_insert_default().push(OwnerReference {
                uid: word.trim_end_matches('!').to_owned(),
                block_owner_deletion: Some(word.ends_with('!')),
                ..OwnerReference::default()
            });
        }
    }
    graph.put(&Arc::default(), Seen(metadata))
}

fn graph(objects: &[&str]) -> Graph<Seen> {
    let mut graph = Graph::default();
    for text in objects {
        put(&mut graph, text);
    }
    graph
}

fn check(objects: &[&str], missing: &[&str], uid: &str, expected: &str) {
    let mut graph = graph(objects);
    for uid in missing {
        graph.note_missing(uid);
    }
    let text = match graph.decide(uid) {
        Verdict::Keep => "keep".to_owned(),
        Verdict::Ask(owners, _) => format!("ask {}", owners[0].uid),
        Verdict::Act(actions) => actions.iter().map(told).collect::<Vec<_>>().join(", "),
    };
    assert_eq!(text, expected, "{objects:?}");
}

fn told(action: &Action) -> String {
    match action {
        Action::Delete { target, propagation: Some(how), .. } => {
            format!("delete {} {how:?}", target.name)
        }
        Action::Patch { target, patch: Change::Merge(patch), .. } => {
            let metadata = &patch["metadata"];
            let owners = metadata.get("ownerReferences").map(|owners| {
                let owners = owners.as_array().expect("a list").iter();
                let uids = owners.map(|o| o["uid"].as_str().expect("a uid").to_owned());
                format!("owned by {}", uids.collect::<Vec<_>>().join("+"))
            });
            let kept = metadata.get("finalizers").map(|left| format!("finalizers {left}"));
            format!("{} {}", target.name, owners.or(kept).expect("one of them"))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_has_an_owner_stays_and_what_lost_all_goes() {
    check(&["rs", "pod rs!"], &[], "pod", "keep");
    check(&["pod"], &[], "pod", "keep");
    check(&["pod rs!"], &[], "pod", "ask rs");
    check(&["pod rs!"], &["rs"], "pod", "delete pod Background");
    check(&["pod rs! other", "other"], &["rs"], "pod", "pod owned by other");
    check(&["pod rs! ~orphan"], &["rs"], "pod", "delete pod Orphan");
    check(&["pod rs! -"], &["rs"], "pod", "keep");
}

#[test]
fn a_foreground_owner_waits_for_those_who_block_it() {
    check(&["rs - ~foregroundDeletion", "pod rs!"], &[], "rs", "keep");
    check(&["rs - ~foregroundDeletion", "pod rs!"], &[], "pod", "delete pod Background");
    check(&["rs - ~foregroundDeletion", "pod rs"], &[], "rs", "rs finalizers []");
    check(&["d - ~foregroundDeletion", "rs d!", "pod rs!"], &[], "rs", "delete rs Foreground");
    check(&["d - ~foregroundDeletion ~x"], &[], "d", "d finalizers [\"x\"]");
    check(&["d - ~foregroundDeletion", "rs d! e", "e"], &[], "rs", "rs owned by e");
}

#[test]
fn a_circle_is_broken() {
    let circle = ["a c! - ~foregroundDeletion", "b a!", "c b! - ~foregroundDeletion"];
    check(&circle, &[], "b", "b owned by a, delete b Foreground");
}

#[test]
fn orphans_forget_their_owner() {
    let objects = ["d - ~orphan", "rs d!", "cm d e", "e"];
    check(&objects, &[], "d", "cm owned by e, rs owned by , d finalizers []");
}

#[test]
fn the_end_of_an_owner_wakes_its_dependents() {
    let mut graph = graph(&["rs", "a rs!", "b rs!", "c"]);
    assert_eq!(graph.remove("rs"), ["a", "b"]);
    assert_eq!(graph.decide("a"), graph.decide("a"));
    assert!(matches!(graph.decide("a"), Verdict::Act(_)));
    // It is back: nothing is lost.
    put(&mut graph, "rs");
    assert_eq!(graph.decide("a"), Verdict::Keep);
    assert_eq!(put(&mut graph, "rs - ~foregroundDeletion"), ["rs", "a", "b"]);
    assert_eq!(graph.remove("a"), ["rs"]);
}
