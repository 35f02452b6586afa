//! What every store must do, whatever keeps its records. Each case runs against each engine.

use std::sync::Arc;

use meta::{Attributes, Key, Revision};

use crate::tests::places::{Place, body, create, delete, key, put, text_of, update};
use crate::{
    CommitError, Event, EventKind, Op, Payload, Precondition, SnapshotError, Store, Transaction,
    WatchEnd,
};

macro_rules! suite {
    ($($case:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $case() { super::$case(super::Place::memory()).await; })*
        }
        mod disk {
            $(#[tokio::test] async fn $case() { super::$case(super::Place::disk()).await; })*
        }
        mod disk_with_all_history_on_disk {
            $(#[tokio::test] async fn $case() { super::$case(super::Place::disk().forgetful()).await; })*
        }
    };
}

suite! {
    numbers_every_change,
    refuses_what_does_not_hold,
    does_all_or_nothing,
    lets_operations_see_each_other,
    keeps_the_revision_of_what_is_unchanged,
    gives_the_last_body_of_what_is_deleted,
    lists_by_prefix,
    pages_from_one_snapshot,
    goes_back_to_every_revision,
    forgets_on_request,
    forgets_by_age,
    keeps_little_in_memory,
    forgets_what_takes_too_much_room,
    watches_in_order,
    watches_only_its_prefix,
    tells_how_far_it_has_seen,
    ends_a_watch_that_lags,
    spares_a_watch_that_missed_nothing,
    hands_the_typed_value_to_readers,
    encodes_once_for_all_readers,
    comes_back_as_it_was,
    resumes_watches_after_a_restart,
    stays_forgetful_after_a_restart,
    closes,
    measures_itself,
    takes_bodies_larger_than_its_queue,
}

async fn numbers_every_change(place: Place) {
    let store = place.open();
    assert_eq!(store.revision(), Revision(0));
    let one = create(&store, "pods/a/one", "1").await;
    let two = create(&store, "pods/a/two", "1").await;
    let changed = update(&store, "pods/a/one", one.revision, "2").await;
    assert_eq!([one.revision, two.revision, changed.revision], [1, 2, 3].map(Revision));
    assert_eq!((changed.created, changed.version), (Revision(1), 2));
    assert_eq!(changed.body, r#"{"text":"2","revision":"3"}"#);
    assert_eq!(changed.body_at(Revision(100)), r#"{"text":"2","revision":"100"}"#);
    assert_eq!(store.revision(), Revision(3));
    assert_eq!(store.snapshot().get("pods/a/one"), Some(&changed));
    assert_eq!(store.snapshot().get("pods/a/three"), None);
}

async fn refuses_what_does_not_hold(place: Place) {
    let store = place.open();
    let kept = create(&store, "pods/a/one", "1").await;
    let cases = [
        ("pods/a/one", Precondition::Absent, true),
        ("pods/a/one", Precondition::At(Revision(9)), true),
        ("pods/a/none", Precondition::Exists, false),
        ("pods/a/none", Precondition::At(Revision(1)), false),
    ];
    for (name, precondition, is_there) in cases {
        let ops = [
            put(name, precondition, "2"),
            Op::Delete { key: key(name), precondition, last: body("2") },
            Op::Check { key: key(name), precondition },
        ];
        for op in ops {
            let refusal = store.commit(op).await;
            let Err(CommitError::Failed { index: 0, current }) = refusal else {
                panic!("{name} {precondition:?}: {refusal:?}");
            };
            assert_eq!(current, is_there.then(|| Arc::clone(&kept)));
        }
    }
    assert_eq!(store.revision(), Revision(1));
}

async fn does_all_or_nothing(place: Place) {
    let store = place.open();
    create(&store, "pods/a/one", "1").await;
    let before: Vec<_> = store.snapshot().range("", None).cloned().collect();
    let ops = vec![
        put("pods/a/one", Precondition::Any, "2"),
        put("pods/a/two", Precondition::Absent, "2"),
        Op::Check { key: key("pods/a/three"), precondition: Precondition::Exists },
    ];
    let refusal = store.commit(Transaction { ops }).await;
    assert!(matches!(refusal, Err(CommitError::Failed { index: 2, current: None })), "{refusal:?}");
    assert_eq!(store.snapshot().range("", None).cloned().collect::<Vec<_>>(), before);
    assert_eq!(create(&store, "pods/a/two", "1").await.revision, Revision(2));
}

async fn lets_operations_see_each_other(place: Place) {
    let store = place.open();
    let ops = vec![
        put("pods/a/one", Precondition::Absent, "1"),
        put("pods/a/one", Precondition::At(Revision(1)), "2"),
        Op::Delete { key: key("pods/a/one"), precondition: Precondition::Exists, last: body("3") },
        Op::Check { key: key("pods/a/one"), precondition: Precondition::Absent },
        put("pods/a/one", Precondition::Absent, "4"),
    ];
    let committed = store.commit(Transaction { ops }).await.expect("preconditions hold");
    assert_eq!(committed.revision, Revision(4));
    let texts: Vec<_> =
        committed.entries.iter().map(|entry| entry.as_deref().map(text_of)).collect();
    let expected = [Some("1"), Some("2"), Some("3"), None, Some("4")];
    assert_eq!(texts, expected.map(|text| text.map(str::to_owned)));
    let last = store.snapshot().get("pods/a/one").cloned().expect("it was put last");
    assert_eq!((last.created, last.version), (Revision(4), 1));
}

async fn keeps_the_revision_of_what_is_unchanged(place: Place) {
    let store = place.open();
    let kept = create(&store, "pods/a/one", "1").await;
    create(&store, "pods/a/two", "1").await;
    let committed = store.commit(put("pods/a/one", Precondition::Any, "1")).await.expect("any");
    assert_eq!(committed.entries, [Some(kept)]);
    assert_eq!(store.revision(), Revision(2));
    let nothing = store.commit(Transaction::default()).await.expect("nothing can fail");
    assert_eq!((nothing.revision, nothing.entries.len()), (Revision(2), 0));
}

async fn gives_the_last_body_of_what_is_deleted(place: Place) {
    let store = place.open();
    let mut watch = store.watch(Revision(0), "").expect("nothing is compacted");
    let created = create(&store, "pods/a/one", "1").await;
    let last = delete(&store, "pods/a/one").await.expect("it was there");
    assert_eq!(last.body, r#"{"text":"deleted","revision":"2"}"#);
    assert_eq!((last.created, last.revision), (Revision(1), Revision(2)));
    assert!(store.snapshot().is_empty());
    assert_eq!(delete(&store, "pods/a/one").await, None);
    assert_eq!(store.revision(), Revision(2));
    watch.next().await.expect("the creation");
    let event = watch.next().await.expect("the deletion");
    assert_eq!(
        (event.kind, &event.entry, &event.previous),
        (EventKind::Delete, &last, &Some(created))
    );
}

async fn lists_by_prefix(place: Place) {
    let store = place.open();
    for name in
        ["pods/b/one", "pods/a/two", "podsets/a/one", "pods/a/one", "nodes//one", "pods/ab/x"]
    {
        create(&store, name, "1").await;
    }
    let snapshot = store.snapshot();
    let list = |prefix, after| -> Vec<String> {
        snapshot.range(prefix, after).map(|entry| entry.key.to_string()).collect()
    };
    assert_eq!(list("pods/", None), ["pods/a/one", "pods/a/two", "pods/ab/x", "pods/b/one"]);
    assert_eq!(list("pods/a/", None), ["pods/a/one", "pods/a/two"]);
    assert_eq!(list("pods/", Some("pods/a/one")), ["pods/a/two", "pods/ab/x", "pods/b/one"]);
    assert_eq!(list("pods/", Some("pods/a/zzz")), ["pods/ab/x", "pods/b/one"]);
    assert_eq!(list("pods/", Some("a")), list("pods/", None));
    assert_eq!(list("nodes//", None), ["nodes//one"]);
    assert_eq!(list("none/", None), Vec::<String>::new());
    assert_eq!(snapshot.count("pods/", Some("pods/a/two")), 2);
    assert_eq!((snapshot.len(), list("", None).len()), (6, 6));
}

async fn pages_from_one_snapshot(place: Place) {
    let store = place.open();
    for number in 0..100 {
        create(&store, &format!("pods/a/{number:03}"), "1").await;
    }
    let first = store.snapshot();
    let mut seen: Vec<String> = Vec::new();
    let mut token = None;
    loop {
        let page = store.snapshot_at(first.revision()).expect("it is within history");
        let names: Vec<_> = page
            .range("pods/", token.as_deref())
            .take(7)
            .map(|entry| entry.key.to_string())
            .collect();
        let Some(last) = names.last().cloned() else { break };
        // Between the pages objects come, change and go, before and behind where the list has got to.
        delete(&store, &last).await;
        create(&store, &format!("{last}-new"), "2").await;
        store.commit(put("pods/a/000", Precondition::Any, &last)).await.expect("any");
        seen.extend(names);
        token = Some(last);
    }
    let expected: Vec<_> = (0..100).map(|number| format!("pods/a/{number:03}")).collect();
    assert_eq!(seen, expected);
}

async fn goes_back_to_every_revision(place: Place) {
    let store = place.open();
    let mut states = vec![store.snapshot()];
    for round in 0..60 {
        let name = format!("pods/a/{}", round % 7);
        if round % 5 == 4 {
            delete(&store, &name).await;
        } else {
            store.commit(put(&name, Precondition::Any, &round.to_string())).await.expect("any");
        }
        states.push(store.snapshot());
    }
    for state in states.iter().chain(states.iter().rev()) {
        let again = store.snapshot_at(state.revision()).expect("it is within history");
        assert_eq!(again.revision(), state.revision());
        assert!(again.range("", None).eq(state.range("", None)), "at {}", state.revision());
    }
}

async fn forgets_on_request(place: Place) {
    let store = place.open();
    for number in 1..=10 {
        create(&store, &format!("pods/a/{number}"), "1").await;
    }
    store.compact(Revision(4)).await;
    assert_eq!(store.compacted(), Revision(4));
    let expired = SnapshotError::Expired { oldest: Revision(4) };
    let future = SnapshotError::Future { current: Revision(10) };
    assert_eq!(store.snapshot_at(Revision(3)).err(), Some(expired));
    assert_eq!(store.snapshot_at(Revision(11)).err(), Some(future));
    assert_eq!(store.snapshot_at(Revision(4)).map(|state| state.len()), Ok(4));
    assert_eq!(store.watch(Revision(3), "pods/").err(), Some(expired));
    assert_eq!(store.watch(Revision(11), "pods/").err(), Some(future));
    assert_eq!(replay(&store, Revision(4)).await, (5..=10).map(Revision).collect::<Vec<_>>());
    store.compact(Revision(100)).await;
    assert_eq!(store.compacted(), Revision(10));
    assert_eq!(store.snapshot_at(Revision(10)).map(|state| state.len()), Ok(10));
}

async fn forgets_by_age(place: Place) {
    let store = place.open();
    create(&store, "pods/a/one", "1").await;
    store.tick().await;
    place.clock.advance(200);
    create(&store, "pods/a/two", "1").await;
    store.tick().await;
    assert_eq!(store.compacted(), Revision(0));
    place.clock.advance(101);
    store.tick().await;
    assert_eq!(store.compacted(), Revision(1));
    place.clock.advance(200);
    store.tick().await;
    assert_eq!(store.compacted(), Revision(2));
    assert_eq!(store.snapshot().len(), 2);
}

async fn keeps_little_in_memory(mut place: Place) {
    place.config.history_bytes = 20_000;
    let store = place.open();
    let mut states = vec![store.snapshot()];
    let mut slow = store.watch(Revision(0), "pods/a/").expect("it is new");
    for number in 0..100 {
        let text = format!("{number}{}", "x".repeat(500));
        let name = ["pods/a/one", "pods/b/one", "nodes//one"][number % 3];
        store.commit(put(name, Precondition::Any, &text)).await.expect("any");
        states.push(store.snapshot());
    }
    store.tick().await;
    let metrics = store.metrics();
    assert_eq!((metrics.history_events, metrics.compacted), (100, 0));
    assert!(metrics.history_bytes <= 20_000 && metrics.history_disk_bytes > 20_000, "{metrics:?}");
    for state in states.iter().rev() {
        let again = store.snapshot_at(state.revision()).expect("it is on disk");
        assert!(again.range("", None).eq(state.range("", None)), "at {}", state.revision());
    }
    // A slow watch finds all of it, and so does a new one from the same revision.
    let mut new = store.watch(Revision(0), "pods/a/").expect("it is on disk");
    let mut previous = None;
    for number in (0..100).step_by(3) {
        for watch in [&mut slow, &mut new] {
            let event = watch.next().await.expect("it goes on");
            assert_eq!(event.revision, Revision(number + 1));
            assert_eq!(event.previous.as_ref().map(|entry| entry.revision), previous);
        }
        previous = Some(Revision(number + 1));
    }
    assert_eq!((slow.revision(), new.revision()), (Revision(100), Revision(100)));
}

async fn forgets_what_takes_too_much_room(mut place: Place) {
    place.config.history_bytes = 0;
    place.config.history_disk_bytes = 11_000;
    let store = place.open();
    for number in 0..200 {
        let text = format!("{number}{}", "x".repeat(500));
        store.commit(put("pods/a/one", Precondition::Any, &text)).await.expect("any");
    }
    store.tick().await;
    let metrics = store.metrics();
    assert!(metrics.history_disk_bytes <= 11_000, "{metrics:?}");
    assert!((15..25).contains(&metrics.history_events), "{metrics:?}");
    assert_eq!(
        store.snapshot_at(Revision(100)).err(),
        Some(SnapshotError::Expired { oldest: store.compacted() })
    );
    assert!(store.snapshot_at(Revision(195)).is_ok());
}

async fn watches_in_order(place: Place) {
    let store = place.open();
    create(&store, "pods/a/one", "1").await;
    let mut early = store.watch(Revision(0), "pods/").expect("nothing is compacted");
    let mut late = store.watch(store.revision(), "pods/").expect("nothing is compacted");
    assert!(late.try_next().expect("it goes on").is_none());
    let ops = vec![
        put("pods/a/two", Precondition::Absent, "1"),
        put("pods/a/one", Precondition::Exists, "2"),
    ];
    let waiting = tokio::spawn(async move { (late.next().await, late.next().await) });
    store.commit(Transaction { ops }).await.expect("preconditions hold");
    let (first, second) = waiting.await.expect("it does not panic");
    assert_eq!(
        [first, second].map(|event| event.expect("it goes on").revision),
        [2, 3].map(Revision)
    );
    for (revision, name, text, previous) in
        [(1, "one", "1", None), (2, "two", "1", None), (3, "one", "2", Some("1"))]
    {
        let event = early.next().await.expect("it goes on");
        assert_eq!((event.revision, event.kind), (Revision(revision), EventKind::Put));
        assert_eq!((event.entry.key.name(), &*text_of(&event.entry)), (name, text));
        assert_eq!(event.previous.as_deref().map(text_of).as_deref(), previous);
    }
    assert!(early.try_next().expect("it goes on").is_none());
}

async fn watches_only_its_prefix(place: Place) {
    let store = place.open();
    let prefixes = ["", "pods/", "pods/a/", "pods/a/one", "nodes//", "pods/c/", "po"];
    let mut watches = prefixes.map(|prefix| store.watch(Revision(0), prefix).expect("it is new"));
    for name in ["pods/a/one", "pods/b/one", "podsets/a/one", "nodes//one", "pods/a/one-more"] {
        create(&store, name, "1").await;
    }
    let seen = watches.each_mut().map(|watch| {
        let next = || watch.try_next().expect("it goes on").map(|event| event.revision.0);
        std::iter::from_fn(next).collect::<Vec<_>>()
    });
    let expected: [&[u64]; 7] =
        [&[1, 2, 3, 4, 5], &[1, 2, 5], &[1, 5], &[1, 5], &[4], &[], &[1, 2, 3, 5]];
    assert_eq!(seen, expected);
    // One that comes later finds the same in history.
    for (prefix, expected) in prefixes.into_iter().zip(expected) {
        let mut watch = store.watch(Revision(0), prefix).expect("nothing is compacted");
        let next = || watch.try_next().expect("it goes on").map(|event| event.revision.0);
        assert_eq!(std::iter::from_fn(next).collect::<Vec<_>>(), expected, "{prefix}");
    }
}

async fn tells_how_far_it_has_seen(place: Place) {
    let store = place.open();
    let mut watch = store.watch(Revision(0), "pods/").expect("it is new");
    create(&store, "nodes//one", "1").await;
    assert_eq!(watch.revision(), Revision(1));
    create(&store, "pods/a/one", "1").await;
    create(&store, "nodes//two", "1").await;
    assert_eq!(watch.revision(), Revision(0), "there is something that it has not given");
    assert_eq!(watch.next().await.expect("it goes on").revision, Revision(2));
    assert_eq!(watch.revision(), Revision(3));
}

async fn ends_a_watch_that_lags(mut place: Place) {
    place.config.history_bytes = 0;
    place.config.history_disk_bytes = 1000;
    let store = place.open();
    let mut lagging = store.watch(Revision(0), "pods/").expect("it is new");
    let mut aging = store.watch(Revision(0), "nodes//").expect("it is new");
    create(&store, "nodes//one", "1").await;
    store.compact(Revision(1)).await;
    let expired = Err(WatchEnd::Expired { oldest: Revision(1) });
    assert_eq!(aging.next().await.map(|event| event.revision), expired);
    for number in 0..200 {
        store.commit(put("pods/a/one", Precondition::Any, &number.to_string())).await.expect("any");
    }
    store.tick().await;
    let lagged = WatchEnd::Lagged { oldest: store.compacted() };
    assert_eq!(lagging.next().await.map(|event| event.revision), Err(lagged));
    assert_eq!(lagging.try_next().map(|event| event.is_some()), Err(lagged));
}

async fn spares_a_watch_that_missed_nothing(place: Place) {
    let store = place.open();
    let mut quiet = store.watch(Revision(0), "pods/quiet/").expect("it is new");
    let mut current = store.watch(Revision(0), "pods/").expect("it is new");
    for number in 0..50 {
        create(&store, &format!("pods/busy/{number}"), "1").await;
        current.next().await.expect("it keeps up");
    }
    store.compact(Revision(50)).await;
    create(&store, "pods/quiet/one", "1").await;
    assert_eq!(quiet.next().await.map(|event| event.revision), Ok(Revision(51)));
    assert_eq!(current.next().await.map(|event| event.revision), Ok(Revision(51)));
}

struct Typed(Revision);

impl Payload for Typed {
    fn set_revision(&mut self, revision: Revision) {
        self.0 = revision;
    }

    fn into_any_arc(self: Box<Self>) -> Arc<dyn std::any::Any + Send + Sync> {
        Arc::new(*self)
    }
}

async fn hands_the_typed_value_to_readers(mut place: Place) {
    place.config.history_bytes = 1 << 20;
    let store = place.open();
    let mut watch = store.watch(Revision(0), "pods/").expect("it is new");
    let op = Op::Put {
        key: key("pods/a/one"),
        precondition: Precondition::Absent,
        body: body("1"),
        attributes: Attributes::default(),
        value: Some(Box::new(Typed(Revision(0)))),
    };
    store.commit(op).await.expect("it is new");
    let event = watch.next().await.expect("it goes on");
    let value =
        event.value().and_then(|value| value.downcast::<Typed>().ok()).expect("it was given");
    assert_eq!(value.0, Revision(1));
    // It is not kept for as long as history is.
    store.tick().await;
    place.clock.advance(60);
    store.tick().await;
    assert!(event.value().is_none());
    assert_eq!(store.compacted(), Revision(0));
}

async fn encodes_once_for_all_readers(mut place: Place) {
    place.config.history_bytes = 1 << 20;
    let store = place.open();
    let mut watches = [(); 5].map(|()| store.watch(Revision(0), "pods/").expect("it is new"));
    create(&store, "pods/a/one", "1").await;
    let mut times = 0;
    for watch in &mut watches {
        let event = watch.next().await.expect("it goes on");
        let mut encode = |slot, text: &'static [u8]| {
            event.encoded(slot, |_| {
                times += 1;
                text.into()
            })
        };
        assert_eq!(encode(0, b"first"), "first");
        assert_eq!(encode(Event::ENCODINGS - 1, b"last"), "last");
    }
    assert_eq!(times, 2);
}

async fn comes_back_as_it_was(place: Place) {
    let store = place.open();
    for round in 0..40 {
        let name = format!("pods/a/{}", round % 7);
        if round % 5 == 4 {
            delete(&store, &name).await;
        } else {
            store.commit(put(&name, Precondition::Any, &round.to_string())).await.expect("any");
        }
    }
    let (before, past) =
        (store.snapshot(), store.snapshot_at(Revision(20)).expect("within history"));
    drop(store);
    let store = place.open();
    assert_eq!(store.revision(), before.revision());
    assert!(store.snapshot().range("", None).eq(before.range("", None)));
    assert!(
        store
            .snapshot_at(Revision(20))
            .expect("within history")
            .range("", None)
            .eq(past.range("", None))
    );
    assert_eq!(
        store.metrics().entry_bytes,
        before.range("", None).map(|entry| entry.body.len() as u64).sum::<u64>()
    );
    assert_eq!(create(&store, "pods/b/new", "1").await.revision, before.revision().next());
}

async fn resumes_watches_after_a_restart(place: Place) {
    let store = place.open();
    let first = create(&store, "pods/a/one", "1").await;
    update(&store, "pods/a/one", first.revision, "2").await;
    delete(&store, "pods/a/one").await;
    drop(store);
    let store = place.open();
    let mut watch = store.watch(first.revision, "pods/").expect("history is on disk");
    let changed = watch.next().await.expect("it goes on");
    assert_eq!(changed.previous.as_ref(), Some(&first));
    let deleted = watch.next().await.expect("it goes on");
    assert_eq!((deleted.kind, text_of(&deleted.entry).as_str()), (EventKind::Delete, "deleted"));
    create(&store, "pods/a/one", "3").await;
    assert_eq!(watch.next().await.expect("it goes on").revision, Revision(4));
}

async fn stays_forgetful_after_a_restart(place: Place) {
    let store = place.open();
    for round in 0..30 {
        store.commit(put("pods/a/one", Precondition::Any, &round.to_string())).await.expect("any");
        delete(&store, "pods/a/one").await;
    }
    create(&store, "pods/a/two", "1").await;
    store.compact(Revision(58)).await;
    drop(store);
    let store = place.open();
    assert_eq!((store.compacted(), store.revision()), (Revision(58), Revision(61)));
    assert_eq!(store.metrics().history_events, 3);
    let expired = SnapshotError::Expired { oldest: Revision(58) };
    assert_eq!(store.watch(Revision(57), "pods/").err(), Some(expired));
    assert_eq!(replay(&store, Revision(58)).await, [59, 60, 61].map(Revision));
    // Compacted to the last change, nothing but the object is left; the revision is not forgotten.
    delete(&store, "pods/a/two").await;
    store.compact(Revision(62)).await;
    drop(store);
    let store = place.open();
    assert_eq!((store.revision(), store.snapshot().len()), (Revision(62), 0));
    assert_eq!(create(&store, "pods/a/two", "1").await.revision, Revision(63));
}

async fn closes(mut place: Place) {
    // What would have to be read from the disk ends with the store.
    place.config.history_bytes = 1 << 20;
    let store = place.open();
    let mut watch = store.watch(Revision(0), "pods/").expect("it is new");
    let mut waiting = store.watch(Revision(0), "nodes/").expect("it is new");
    let waiting = tokio::spawn(async move { waiting.next().await.map(|event| event.revision) });
    create(&store, "pods/a/one", "1").await;
    store.close().await;
    assert_eq!(waiting.await.expect("it does not panic"), Err(WatchEnd::Closed));
    assert_eq!(watch.next().await.map(|event| event.revision), Ok(Revision(1)));
    assert_eq!(watch.next().await.map(|event| event.revision), Err(WatchEnd::Closed));
    let refusal = store.commit(put("pods/a/two", Precondition::Any, "1")).await;
    assert!(matches!(refusal, Err(CommitError::Closed)), "{refusal:?}");
    assert_eq!(store.snapshot().len(), 1);
    store.tick().await;
    store.close().await;
    let again = place.open();
    assert_eq!(again.snapshot().len(), 1);
}

async fn measures_itself(place: Place) {
    let store = place.open();
    let _watch = store.watch(Revision(0), "pods/").expect("it is new");
    create(&store, "pods/a/one", "1").await;
    create(&store, "pods/a/two", "1").await;
    store.commit(put("pods/a/one", Precondition::Absent, "1")).await.expect_err("it is there");
    delete(&store, "pods/a/two").await;
    let metrics = store.metrics();
    assert_eq!((metrics.revision, metrics.commits, metrics.refusals, metrics.events), (3, 3, 1, 3));
    assert_eq!((metrics.groups, metrics.largest_group, metrics.entries), (3, 1, 1));
    assert_eq!(metrics.entry_bytes, r#"{"text":"1","revision":"1"}"#.len() as u64);
    assert_eq!((metrics.history_events, metrics.watches, metrics.read_only), (3, 1, false));
    assert!(metrics.sync_seconds >= metrics.slowest_sync_seconds && metrics.written_bytes > 0);
}

async fn takes_bodies_larger_than_its_queue(mut place: Place) {
    place.config.queue_bytes = 4096;
    let store = place.open();
    let large = "x".repeat(100_000);
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let (store, text) = (store.clone(), large.clone());
            tokio::spawn(async move { create(&store, &format!("pods/a/{number}"), &text).await })
        })
        .collect();
    for writer in writers {
        writer.await.expect("it does not panic");
    }
    assert_eq!(store.snapshot().len(), 8);
}

/// The revisions of all changes after one.
async fn replay(store: &Store, from: Revision) -> Vec<Revision> {
    let mut watch = store.watch(from, "").expect("it is within history");
    let mut seen = Vec::new();
    while watch.revision() < store.revision() || seen.last() < Some(&store.revision()) {
        seen.push(watch.next().await.expect("it goes on").revision);
    }
    seen
}

/// Keys of the model object store, so that the cases above read as they would be typed.
#[test]
fn keys_are_what_they_seem() {
    assert_eq!(key("pods/a/one"), Key::parse("pods/a/one").expect("three parts"));
}
