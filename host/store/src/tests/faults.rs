//! What the store does while a sync takes its time, and after one has failed: with an engine that does as it is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use meta::Revision;
use parking_lot::{Condvar, Mutex};

use crate::engine::{Engine, Gauge, Memory, Reader};
use crate::history::Eviction;
use crate::record::Record;
use crate::tests::places::{Place, body, create, delete, describe, key, put};
use crate::{CommitError, Event, Fault, FaultKind, Op, Precondition, Store};

/// What an engine is told to do.
#[derive(Default)]
struct Orders {
    is_held: Mutex<bool>,
    released: Condvar,
    fails: AtomicBool,
    free: Mutex<Option<u64>>,
}

impl Orders {
    fn hold(&self) {
        *self.is_held.lock() = true;
    }

    fn release(&self) {
        *self.is_held.lock() = false;
        self.released.notify_all();
    }
}

struct Obedient {
    memory: Memory,
    orders: Arc<Orders>,
}

impl Engine for Obedient {
    fn compacted(&mut self) -> Result<Revision, Fault> {
        self.memory.compacted()
    }

    fn load(&mut self, each: &mut dyn FnMut(Record) -> Result<(), Fault>) -> Result<(), Fault> {
        self.memory.load(each)
    }

    fn commit(&mut self, events: &[Arc<Event>], eviction: Option<&Eviction>) -> Result<u64, Fault> {
        let mut is_held = self.orders.is_held.lock();
        self.orders.released.wait_while(&mut is_held, |is_held| *is_held);
        if self.orders.fails.load(SeqCst) {
            return Err(Fault { kind: FaultKind::Full, detail: "as ordered".to_owned() });
        }
        self.memory.commit(events, eviction)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.memory.reader()
    }

    fn gauge(&self) -> Option<Gauge> {
        let orders = Arc::clone(&self.orders);
        Some(Arc::new(move || *orders.free.lock()))
    }
}

fn open(place: &Place) -> (Store, Arc<Orders>) {
    let orders = Arc::<Orders>::default();
    let engine = Obedient { memory: Memory::default(), orders: Arc::clone(&orders) };
    (place.open_on(Box::new(engine)), orders)
}

/// Starts a commit and sees that it does not finish.
fn begin<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending(), "it is answered before it is durable");
    future
}

#[tokio::test]
async fn shows_nothing_before_it_is_durable() {
    let (store, orders) = open(&Place::memory());
    let mut watch = store.watch(Revision(0), "").expect("it is new");
    orders.hold();
    let commit = begin(store.commit(put("pods/a/one", Precondition::Absent, "1")));
    assert_eq!((store.revision(), store.snapshot().len()), (Revision(0), 0));
    assert!(watch.try_next().expect("it goes on").is_none());
    // A refusal would tell of it as well.
    let refusal = begin(store.commit(put("pods/a/one", Precondition::Absent, "2")));
    orders.release();
    assert_eq!(commit.await.expect("it is new").revision, Revision(1));
    let refusal = refusal.await;
    assert!(matches!(refusal, Err(CommitError::Failed { current: Some(_), .. })), "{refusal:?}");
    assert_eq!(watch.next().await.map(|event| event.revision), Ok(Revision(1)));
}

#[tokio::test]
async fn all_who_wait_share_one_sync() {
    let (store, orders) = open(&Place::memory());
    orders.hold();
    let names: Vec<_> = (0..100).map(|number| format!("pods/a/{number}")).collect();
    let commits: Vec<_> = names
        .iter()
        .map(|name| begin(store.commit(put(name, Precondition::Absent, "1"))))
        .collect();
    orders.release();
    for commit in commits {
        commit.await.expect("they are new");
    }
    let metrics = store.metrics();
    // The writer has taken some of them before it was held up, and all others after that.
    assert!(metrics.groups <= 2, "{metrics:?}");
    assert!(metrics.largest_group >= 50, "{metrics:?}");
}

#[tokio::test]
async fn is_read_only_after_a_failure() {
    let (store, orders) = open(&Place::memory());
    let mut watch = store.watch(Revision(0), "").expect("it is new");
    create(&store, "pods/a/one", "1").await;
    orders.hold();
    let first = begin(store.commit(put("pods/a/two", Precondition::Absent, "1")));
    let second = begin(store.commit(put("pods/a/three", Precondition::Absent, "1")));
    orders.fails.store(true, SeqCst);
    orders.release();
    for failed in [first.await, second.await] {
        let is_told = matches!(failed, Err(CommitError::Storage(_) | CommitError::ReadOnly(_)));
        assert!(is_told, "{failed:?}");
    }
    let refusal = store.commit(put("pods/a/four", Precondition::Absent, "1")).await;
    let Err(CommitError::ReadOnly(fault)) = refusal else { panic!("{refusal:?}") };
    assert_eq!(fault.to_string(), "no room left on the disk: as ordered");
    // Reading goes on, from what is durable.
    assert_eq!((store.revision(), store.snapshot().len()), (Revision(1), 1));
    assert_eq!(watch.next().await.map(|event| event.revision), Ok(Revision(1)));
    assert!(watch.try_next().expect("it goes on").is_none());
    assert!(store.metrics().read_only);
    store.tick().await;
    store.close().await;
}

#[tokio::test]
async fn accepts_only_deletions_when_there_is_little_room() {
    let mut place = Place::memory();
    place.config.reserve_bytes = 1000;
    let (store, orders) = open(&place);
    create(&store, "pods/a/one", "1").await;
    *orders.free.lock() = Some(999);
    // The disk is looked at after each group.
    create(&store, "pods/a/two", "1").await;
    store.tick().await;
    let refusal = store.commit(put("pods/a/three", Precondition::Absent, "1")).await;
    let is_told = matches!(refusal, Err(CommitError::Full { free: 999, reserve: 1000 }));
    assert!(is_told, "{refusal:?}");
    delete(&store, "pods/a/one").await.expect("deleting makes room");
    *orders.free.lock() = Some(1000);
    create(&store, "pods/a/three", "1").await;
    assert!(!store.metrics().read_only);
}

struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[tokio::test]
async fn wakes_only_who_has_something_to_read() {
    let (store, _) = open(&Place::memory());
    let prefixes = ["pods/", "pods/a/", "pods/b/", "nodes/"];
    let mut watches = prefixes.map(|prefix| store.watch(Revision(0), prefix).expect("it is new"));
    let counters = prefixes.map(|_| Arc::new(Counter(AtomicUsize::new(0))));
    for (watch, counter) in watches.iter_mut().zip(&counters) {
        let waker = Waker::from(Arc::clone(counter));
        let mut context = Context::from_waker(&waker);
        // Asking twice does not have it woken twice.
        for _ in 0..2 {
            assert!(matches!(watch.poll_next(&mut context), Poll::Pending));
        }
    }
    for number in 0..3 {
        create(&store, &format!("pods/a/{number}"), "1").await;
    }
    // Waking comes after the answer, and is done before the next group is.
    store.tick().await;
    assert_eq!(counters.map(|counter| counter.0.load(SeqCst)), [1, 1, 0, 0]);
}

#[tokio::test]
async fn a_dropped_commit_leaves_the_others_alone() {
    let (store, orders) = open(&Place::memory());
    orders.hold();
    let dropped = begin(store.commit(put("pods/a/one", Precondition::Absent, "1")));
    let check = Op::Check { key: key("pods/a/one"), precondition: Precondition::Exists };
    let after = begin(store.commit(check));
    drop(dropped);
    orders.release();
    after.await.expect("it was accepted, so it is done");
    let last = body("deleted");
    let delete = Op::Delete { key: key("pods/a/one"), precondition: Precondition::Exists, last };
    store.commit(delete).await.expect("it is there");
}

#[tokio::test]
async fn keeps_only_the_records_that_are_needed() {
    let memory = Memory::default();
    let store = Place::memory().open_on(Box::new(memory.clone()));
    for round in 0..10 {
        store.commit(put("pods/a/one", Precondition::Any, &round.to_string())).await.expect("any");
    }
    delete(&store, "pods/a/one").await;
    create(&store, "pods/a/two", "1").await;
    store.commit(put("pods/a/two", Precondition::Any, "2")).await.expect("any");
    let kept = async |to: u64| {
        store.compact(Revision(to)).await;
        memory.revisions().iter().map(|revision| revision.0).collect::<Vec<_>>()
    };
    assert_eq!(kept(0).await, (1..=13).collect::<Vec<_>>());
    // What was the state at the end of history is needed to go back to it.
    assert_eq!(kept(5).await, (5..=13).collect::<Vec<_>>());
    assert_eq!(kept(10).await, (10..=13).collect::<Vec<_>>());
    assert_eq!(kept(11).await, [12, 13]);
    assert_eq!(kept(13).await, [13]);
}

#[tokio::test]
async fn notices_records_that_are_missing_or_wrong() {
    type Damage = fn(&mut BTreeMap<Revision, Record>);
    let cases: [(&str, Damage); 3] = [
        ("the changes 3 to 4 are missing", |records| drop(records.remove(&Revision(3)))),
        ("the changes 1 to 3 are missing", |records| records.retain(|revision, _| revision.0 > 2)),
        ("the body of change 2 does not hold its revision", |records| {
            records.entry(Revision(2)).and_modify(|record| record.revision_at += 1);
        }),
    ];
    for (expected, damage) in cases {
        let (place, memory) = (Place::memory(), Memory::default());
        let store = place.open_on(Box::new(memory.clone()));
        for number in 0..5 {
            create(&store, &format!("pods/a/{number}"), "1").await;
        }
        drop(store);
        memory.change(damage);
        let clock = Arc::clone(&place.clock) as Arc<dyn meta::Clock>;
        let opened = Store::start(Box::new(memory), place.config.clone(), describe(), clock);
        let fault = opened.expect_err("it is damaged");
        assert_eq!((fault.kind, &*fault.detail), (FaultKind::Corrupted, expected));
    }
}
