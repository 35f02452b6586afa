//! A store that is killed at any moment has lost no write that it acknowledged, and shows none that is torn.
//!
//! A second process (`part_writer`) writes with many writers at once and prints each answer it gets. It is killed with SIGKILL after a
//! random while, in the middle of writing, syncing, making tables or dropping history. The first process then opens the folder and
//! compares what it finds with what was printed. All rounds use one folder, so that what one leaves behind is what the next starts from.

#[expect(unreachable_pub, reason = "shared by test binaries that each use a part of it")]
mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use meta::{Key, Revision};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use store::{Body, Config, EventKind, Op, Precondition, Snapshot, Store, Transaction};
use support::{again, block_on, config, put, try_open};

const FOLDER: &str = "SKIFF_STORE_TEST_FOLDER";
const ROUNDS: usize = 12;
const WRITERS: usize = 16;
const MILLIS_MAX: u64 = 500;
const TIME_MAX: Duration = Duration::from_secs(20);

/// Little history, so that it leaves memory and is dropped all the time.
fn small(folder: &Path) -> Config {
    Config { history_bytes: 1 << 20, history_disk_bytes: 2 << 20, ..config(folder) }
}

/// What a writer has written to its two objects, which change together. Every seventh time it deletes them.
fn texts(writer: usize, number: u64) -> Option<String> {
    let filling = char::from(b'a' + u8::try_from(number % 26).expect("a letter"));
    let len = 500 + (writer * 397 + usize::try_from(number).expect("it is small") * 131) % 6000;
    (!number.is_multiple_of(7)).then(|| format!("{number}-{}", String::from(filling).repeat(len)))
}

fn names(writer: usize) -> [String; 2] {
    [format!("pods/a/{writer}"), format!("leases/b/{writer}")]
}

fn transaction(writer: usize, number: u64) -> Transaction {
    let text = texts(writer, number);
    let op = |name: &String| match &text {
        Some(text) => put(name, text),
        None => Op::Delete {
            key: Key::parse(name).expect("a key has three parts"),
            precondition: Precondition::Any,
            last: Body::new(b"{}".to_vec(), 1),
        },
    };
    Transaction { ops: names(writer).iter().map(op).collect() }
}

/// What number of a writer's the state shows; `None` if its objects are not there.
fn number_in(snapshot: &Snapshot, writer: usize) -> Option<u64> {
    let [first, second] = names(writer).map(|name| snapshot.get(&name).cloned());
    let (Some(first), Some(second)) = (&first, &second) else {
        assert!(
            first.is_none() && second.is_none(),
            "only one of two objects of {writer} is there"
        );
        return None;
    };
    assert_eq!(second.revision, first.revision.next(), "they changed together");
    let body = String::from_utf8(first.body.to_vec()).expect("bodies are text");
    let number = body.strip_prefix(r#"{"text":""#).and_then(|rest| rest.split_once('-'));
    let number: u64 = number.expect("a number").0.parse().expect("a number");
    let text = texts(writer, number).expect("it is not a deletion");
    for entry in [&first, &second] {
        let expected = format!(r#"{{"text":"{text}","revision":"{}"}}"#, entry.revision);
        assert_eq!(entry.body, expected.as_bytes(), "the body is whole");
    }
    Some(number)
}

/// Writes until it is killed.
#[test]
fn part_writer() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = try_open(small(Path::new(&folder))).expect("it is sound");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("a runtime").block_on(async {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move { write(&store, writer).await })
            })
            .collect();
        for writer in writers {
            writer.await.expect("it writes until it is killed");
        }
    });
}

async fn write(store: &Store, writer: usize) {
    // Numbers never go back, so that a later one is known to be later.
    let mut number = number_in(&store.snapshot(), writer).unwrap_or(0).max(store.revision().0);
    loop {
        number += 1;
        let committed = store.commit(transaction(writer, number)).await.expect("there is room");
        let line = format!("ack {writer} {number} {}\n", committed.revision);
        std::io::stdout().lock().write_all(line.as_bytes()).expect("the other process listens");
    }
}

/// The last number that each writer was told is durable, and the last revision of all.
#[derive(Default)]
struct Told {
    numbers: BTreeMap<usize, u64>,
    revision: u64,
    answers: usize,
}

impl Told {
    fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_whitespace().skip_while(|word| *word != "ack").skip(1);
        let mut word = || words.next()?.parse::<u64>().ok();
        let (writer, number, revision) = (word()?, word()?, word()?);
        self.numbers.insert(usize::try_from(writer).ok()?, number);
        self.revision = self.revision.max(revision);
        self.answers += 1;
        Some(())
    }
}

fn write_and_kill(folder: &Path, after: Duration) -> Told {
    let mut part = again("part_writer")
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(part.stdout.take().expect("it is piped")).lines();
    let mut told = Told::default();
    let mut end = None;
    while let Some(Ok(line)) = lines.next() {
        // A line that was cut by the kill is an answer nobody has got.
        let _ = told.line(&line);
        let end = *end.get_or_insert_with(|| Instant::now() + after);
        if Instant::now() >= end {
            part.kill().expect("it is ours");
        }
    }
    assert!(!part.wait().expect("it is ours").success(), "it has been killed");
    told
}

/// Checks the state against what was told; gives the last revision.
fn check(store: &Store, told: &Told, before: Revision) -> Revision {
    let snapshot = store.snapshot();
    let revision = snapshot.revision();
    assert!(revision.0 >= told.revision, "{revision} is before {}", told.revision);
    assert!(revision >= before);
    for (&writer, &number) in &told.numbers {
        // One more may have been written that nobody was told of.
        let expected = [number, number + 1].map(|number| texts(writer, number).map(|_| number));
        let found = number_in(&snapshot, writer);
        assert!(
            expected.contains(&found),
            "writer {writer}: {found:?}, and not one of {expected:?}"
        );
    }
    assert!(snapshot.range("", None).all(|entry| entry.revision <= revision));
    check_history(store, &snapshot);
    revision
}

/// Whether the oldest state that is kept and all changes after it give the current state.
fn check_history(store: &Store, current: &Snapshot) {
    let start = store.snapshot_at(store.compacted()).expect("it is kept");
    let mut state: BTreeMap<String, Revision> =
        start.range("", None).map(|entry| (entry.key.to_string(), entry.revision)).collect();
    let mut watch = store.watch(store.compacted(), "").expect("it is kept");
    let mut last = store.compacted();
    while let Some(event) = watch.try_next().expect("it goes on") {
        assert_eq!(event.revision, last.next(), "no change is missing");
        last = event.revision;
        match event.kind {
            EventKind::Put => state.insert(event.entry.key.to_string(), event.revision),
            EventKind::Delete => state.remove(event.entry.key.as_str()),
        };
    }
    assert_eq!(last, current.revision());
    let current = current.range("", None).map(|entry| (entry.key.to_string(), entry.revision));
    assert!(current.eq(state), "the changes do not lead to the state");
}

#[test]
fn survives_being_killed() {
    let seed = std::env::var_os("SEED").and_then(|seed| seed.to_str()?.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| rand::rng().random());
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let start = Instant::now();
    let (mut revision, mut answers) = (Revision(0), 0);
    for round in 0..ROUNDS {
        let after = Duration::from_millis(random.random_range(0..MILLIS_MAX));
        let told = write_and_kill(folder.path(), after);
        // With more room for history, so that none of it goes while it is checked.
        let store = try_open(config(folder.path())).expect("it is sound");
        revision = check(&store, &told, revision);
        answers += told.answers;
        block_on(store.close());
        if start.elapsed() > TIME_MAX {
            eprintln!("stopped after {round} rounds on a slow machine");
            break;
        }
    }
    eprintln!("{answers} answers, up to revision {revision}, in {:?}", start.elapsed());
    assert!(answers > WRITERS, "hardly anything was written");
}
