//! The store: durable commits, reads, lists, and watches with many readers.
//!
//! Budgets, on a machine with two cores, and why:
//! * a durable write by 100 writers: 30 us of processor time, compaction included. An API request has 90 us, and decoding, admission and
//!   encoding need most of that. The rate follows from the disk: a group takes one sync, however many are in it.
//! * get: 1 us, of 30 us for a request.
//! * a list of 10,000: 2 ms of the 50 ms that a request has, which go into copying 30 MB.
//! * watch: 0.5 us a delivery, of 1.5 us; the rest is for HTTP.
//! * 20,000 objects: their bodies and 40 % of that, of the 200 MB that a server has.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use benches::{Measured, Processes, Size};
use bytes::Bytes;
use meta::{Attributes, Key, Revision};
use store::{Body, Config, Describe, Op, Precondition, Store};
use tokio::runtime::Runtime;

/// Names the folder to a second process that opens it.
const REOPEN: &str = "SKIFF_BENCH_REOPEN";
/// What a Pod comes to, as JSON.
const BODY_BYTES: usize = 3000;

fn main() {
    if let Some(folder) = std::env::var_os(REOPEN) {
        return reopen(std::path::Path::new(&folder));
    }
    let size = Size::from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    let runtime = runtime.expect("threads can be started");
    // First, as memory that the others have used and given back would hide what it takes.
    restart(&runtime, size);
    for writers in [1, 10, 100] {
        commits(&runtime, writers, size.pick(20, 3_000 + writers * 300));
    }
    reads(&runtime, size);
    watches(&runtime, size);
}

fn describe() -> Describe {
    Arc::new(|_, _| attributes(0))
}

fn open(folder: &std::path::Path) -> Store {
    let config = Config { reserve_bytes: 0, ..Config::in_folder(folder) };
    Store::open(config, describe()).expect("the folder is sound")
}

fn attributes(number: usize) -> Attributes {
    let labels = BTreeMap::from([("app".to_owned(), format!("app-{}", number % 100))]);
    let fields = [
        ("spec.nodeName".into(), format!("node-{}", number % 50)),
        ("status.phase".into(), "Running".to_owned()),
    ];
    Attributes::new(Some(&labels), fields)
}

fn key(number: usize) -> Key {
    Key::parse(&format!("pods/namespace-{}/pod-{number}", number % 20)).expect("three parts")
}

fn put(number: usize, text: usize) -> Op {
    let mut bytes = format!(r#"{{"number":{text},"revision":""#).into_bytes();
    let at = bytes.len();
    bytes.extend_from_slice(br#"","filling":""#);
    bytes.resize(BODY_BYTES, b'x');
    bytes.extend_from_slice(br#""}"#);
    Op::Put {
        key: key(number),
        precondition: Precondition::Any,
        body: Body::new(bytes, at),
        attributes: attributes(number),
        value: None,
    }
}

/// Writes objects with many writers at once; gives the last revision.
fn write(
    runtime: &Runtime,
    store: &Store,
    writers: usize,
    objects: usize,
    text: usize,
) -> Revision {
    runtime.block_on(async {
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for number in (writer..objects).step_by(writers) {
                        store.commit(put(number, text)).await.expect("nothing stands against it");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("writers do not panic");
        }
    });
    store.revision()
}

fn commits(runtime: &Runtime, writers: usize, objects: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(folder.path());
    for (text, what) in ["create", "update"].into_iter().enumerate() {
        let before = store.metrics();
        let measured = Measured::of(format!("{what}, durable, {writers} writers"), || {
            let revision = write(runtime, &store, writers, objects, text);
            (objects as u64, revision.0)
        });
        let after = store.metrics();
        let groups = after.groups - before.groups;
        let sync = (after.sync_seconds - before.sync_seconds) * 1e6;
        println!("{measured}");
        println!(
            "    groups {groups}, {sync:.0} us in syncs, slowest {:.6} s",
            after.slowest_sync_seconds
        );
    }
}

fn reads(runtime: &Runtime, size: Size) {
    let store = Store::memory(describe());
    let objects = size.pick(100, 10_000);
    write(runtime, &store, 10, objects, 0);
    let rounds = size.pick(1, 100);
    let keys: Vec<_> = (0..objects).map(key).collect();
    let get = Measured::of("get", || {
        let found = (0..rounds).flat_map(|_| &keys).map(|key| {
            let snapshot = store.snapshot();
            snapshot.get(key.as_str()).map_or(0, |entry| entry.revision.0)
        });
        ((rounds * objects) as u64, found.fold(0, u64::wrapping_add))
    });
    println!("{get}");
    let list = Measured::of(format!("list of {objects}, its bodies not copied"), || {
        let found = (0..rounds).map(|_| {
            let snapshot = store.snapshot();
            snapshot.range("pods/", None).map(|entry| entry.body.len() as u64).sum::<u64>()
        });
        (rounds as u64, found.sum())
    });
    println!("{list}");
    let count = Measured::of(format!("count of {objects}"), || {
        let found = (0..rounds).map(|_| store.snapshot().count("pods/", None) as u64);
        (rounds as u64, found.sum())
    });
    println!("{count}");
    write(runtime, &store, 10, objects, 1);
    let back = Measured::of(format!("going back {objects} revisions"), || {
        let at = store.snapshot_at(Revision(store.compacted().0.max(objects as u64)));
        (1, at.map_or(0, |snapshot| snapshot.revision().0))
    });
    println!("{back}");
}

fn watches(runtime: &Runtime, size: Size) {
    let (readers, events) = (size.pick(20, 1000), size.pick(20, 1000));
    let store = Store::memory(describe());
    let idle: Vec<_> = (0..readers)
        .map(|_| store.watch(Revision(0), "nodes/").expect("nothing is compacted"))
        .collect();
    let measured = Measured::of(format!("watch, {readers} readers, {events} events"), || {
        let sum = Arc::new(AtomicU64::new(0));
        runtime.block_on(async {
            let tasks: Vec<_> = (0..readers)
                .map(|_| {
                    let mut watch =
                        store.watch(Revision(0), "pods/").expect("nothing is compacted");
                    let sum = Arc::clone(&sum);
                    tokio::spawn(async move {
                        for _ in 0..events {
                            let event = watch.next().await.expect("it keeps up");
                            let line = event.encoded(0, |event| Bytes::clone(&event.entry.body));
                            sum.fetch_add(event.revision.0 + line.len() as u64, Relaxed);
                        }
                    })
                })
                .collect();
            for number in 0..events {
                store.commit(put(number, 0)).await.expect("nothing stands against it");
            }
            for task in tasks {
                task.await.expect("readers do not panic");
            }
        });
        ((readers * events) as u64, sum.load(Relaxed))
    });
    println!("{measured}");
    assert_eq!(idle.iter().filter(|watch| watch.revision() < store.revision()).count(), 0);
}

fn restart(runtime: &Runtime, size: Size) {
    let objects = size.pick(100, 20_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let before = Processes::own().resident_bytes();
    let mib = |bytes: u64| bytes >> 20;
    let store = open(folder.path());
    println!(
        "an empty store takes {} MiB",
        mib(Processes::own().resident_bytes().saturating_sub(before))
    );
    for text in 0..2 {
        write(runtime, &store, 100, objects, text);
    }
    let metrics = store.metrics();
    println!(
        "{objects} objects, {} MiB of bodies, {} MiB of history, take {} MiB when just written",
        mib(metrics.entry_bytes),
        mib(metrics.history_bytes),
        mib(Processes::own().resident_bytes().saturating_sub(before)),
    );
    runtime.block_on(store.compact(store.revision()));
    println!(
        "    {} MiB without the history",
        mib(Processes::own().resident_bytes().saturating_sub(before))
    );
    drop(store);
    // In a process of its own, whose memory nobody else has used.
    let again = std::process::Command::new(std::env::current_exe().expect("it is there"))
        .env(REOPEN, folder.path())
        .status();
    assert!(again.expect("it starts").success());
}

fn reopen(folder: &std::path::Path) {
    let mut store = None;
    let measured = Measured::of("opening", || {
        let opened = store.insert(open(folder));
        (1, opened.snapshot().len() as u64)
    });
    println!("{measured}");
    println!("    {} MiB with the store open again", Processes::own().resident_bytes() >> 20);
}
