//! Writers, readers, watches and compaction all at once: nobody sees half of a transaction, and nobody misses a change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use meta::Revision;

use crate::tests::places::{Place, put, text_of};
use crate::{Precondition, Snapshot, SnapshotError, Store, Transaction, WatchEnd};

const WRITERS: usize = 4;
const ROUNDS: usize = 150;
const BETWEEN_FOLLOWERS: u64 = 50;
/// How many changes are kept while it goes on.
const KEPT: u64 = 100;

/// Each writer changes its two objects together.
async fn write(store: Store, writer: usize) {
    for round in 0..ROUNDS {
        let text = round.to_string();
        let ops = ["pods/a", "leases/b"]
            .map(|place| put(&format!("{place}/{writer}"), Precondition::Any, &text));
        store.commit(Transaction { ops: ops.into() }).await.expect("nothing stands against it");
    }
}

fn check_snapshot(snapshot: &Snapshot) {
    for writer in 0..WRITERS {
        let [pod, lease] = ["pods/a", "leases/b"]
            .map(|place| snapshot.get(&format!("{place}/{writer}")).map(|entry| text_of(entry)));
        assert_eq!(pod, lease, "half of a transaction shows at {}", snapshot.revision());
    }
    assert!(snapshot.range("", None).all(|entry| entry.revision <= snapshot.revision()));
}

/// Watches from a revision to the last change of all, without a gap. Tells whether it got there before history was dropped under it.
async fn follow(store: Store, from: Revision, end: Revision) -> bool {
    let mut watch = match store.watch(from, "") {
        Ok(watch) => watch,
        Err(error) => {
            assert!(matches!(error, SnapshotError::Expired { .. }), "{error}");
            return false;
        }
    };
    let mut last = from;
    while last < end {
        let event = match watch.next().await {
            Ok(event) => event,
            Err(ended) => {
                assert!(matches!(ended, WatchEnd::Expired { oldest } if oldest > last), "{ended}");
                return false;
            }
        };
        assert_eq!(event.revision, last.next(), "no change is left out");
        assert!(store.revision() >= event.revision, "an event before its state");
        last = event.revision;
    }
    true
}

fn read(store: &Store) {
    check_snapshot(&store.snapshot());
    // A transaction has two changes.
    let back = Revision(store.revision().0.saturating_sub(20));
    match store.snapshot_at(back) {
        Ok(snapshot) => {
            assert_eq!(snapshot.revision(), back);
            check_snapshot(&snapshot);
        }
        Err(error) => assert!(matches!(error, SnapshotError::Expired { .. }), "{error}"),
    }
    // One that goes away at once is no burden to those that stay.
    drop(store.watch(store.revision(), "pods/a/"));
}

async fn all_at_once(place: Place) {
    let store = place.open();
    let end = Revision((WRITERS * ROUNDS * 2) as u64);
    let is_done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, is_done) = (store.clone(), Arc::clone(&is_done));
        std::thread::spawn(move || {
            while !is_done.load(SeqCst) {
                read(&store);
            }
        })
    };
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), writer))).collect();
    let mut followers = Vec::new();
    while store.revision() < end {
        let from = store.revision();
        if from.0 >= followers.len() as u64 * BETWEEN_FOLLOWERS {
            followers.push(tokio::spawn(follow(store.clone(), from, end)));
        }
        store.compact(Revision(from.0.saturating_sub(KEPT))).await;
    }
    let mut arrived = 0;
    for follower in followers {
        arrived += usize::from(follower.await.expect("nobody panics"));
    }
    assert!(arrived > 0, "nobody has seen the end");
    for writer in writers {
        writer.await.expect("nobody panics");
    }
    is_done.store(true, SeqCst);
    reader.join().expect("nobody panics");
    check_snapshot(&store.snapshot());
    assert_eq!(store.revision(), end);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory() {
    all_at_once(Place::memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_disk() {
    all_at_once(Place::disk()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_disk_with_little_history_in_memory() {
    let mut place = Place::disk();
    place.config.history_bytes = 5000;
    all_at_once(place).await;
}
