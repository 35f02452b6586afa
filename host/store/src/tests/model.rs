//! Random transactions against the simplest thing that could be right: a map, and a list of what happened to it.

use std::collections::BTreeMap;

use meta::Revision;
use proptest::prelude::*;

use crate::tests::places::{Place, body, key, put, text_of};
use crate::{CommitError, EventKind, Op, Precondition, Snapshot, Store, Transaction};

const NAMES: [&str; 6] =
    ["pods/a/one", "pods/a/two", "pods/b/one", "nodes//one", "leases/a/one", "leases/b/two"];

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(usize, Guard, Change)>),
    Compact(u64),
    Reopen,
}

#[derive(Clone, Copy, Debug)]
enum Guard {
    Any,
    Absent,
    Exists,
    Latest,
    Stale,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Put(u8),
    Delete,
    Check,
}

type State = BTreeMap<&'static str, (Revision, String)>;

/// The state at each revision, and the state that the next one builds on.
#[derive(Default)]
struct Model {
    states: Vec<State>,
    compacted: u64,
}

impl Model {
    fn new() -> Self {
        Self { states: vec![State::new()], compacted: 0 }
    }

    fn revision(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    fn current(&self) -> &State {
        self.states.last().expect("there is the empty state")
    }

    /// Does what the store should do; gives the index of the operation that fails.
    fn commit(&mut self, ops: &[(&'static str, Precondition, Change)]) -> Result<(), usize> {
        let before = self.states.len();
        for (index, (name, precondition, change)) in ops.iter().enumerate() {
            let mut next = self.current().clone();
            let found = next.get(name).map(|(revision, _)| *revision);
            let holds = match precondition {
                Precondition::Any => true,
                Precondition::Absent => found.is_none(),
                Precondition::Exists => found.is_some(),
                Precondition::At(revision) => found == Some(*revision),
            };
            if !holds {
                self.states.truncate(before);
                return Err(index);
            }
            let revision = Revision(self.revision() + 1);
            let is_changed = match change {
                Change::Put(text) => {
                    let text = text.to_string();
                    let is_same = next.get(name).is_some_and(|(_, old)| *old == text);
                    !is_same && {
                        next.insert(name, (revision, text));
                        true
                    }
                }
                Change::Delete => next.remove(name).is_some(),
                Change::Check => false,
            };
            if is_changed {
                self.states.push(next);
            }
        }
        Ok(())
    }
}

fn precondition(guard: Guard, current: Option<Revision>) -> Precondition {
    match guard {
        Guard::Any => Precondition::Any,
        Guard::Absent => Precondition::Absent,
        Guard::Exists => Precondition::Exists,
        Guard::Latest => current.map_or(Precondition::Absent, Precondition::At),
        Guard::Stale => Precondition::At(Revision(current.map_or(1, |current| current.0 - 1))),
    }
}

fn op((name, precondition, change): (&'static str, Precondition, Change)) -> Op {
    match change {
        Change::Put(text) => put(name, precondition, &text.to_string()),
        Change::Delete => Op::Delete { key: key(name), precondition, last: body("deleted") },
        Change::Check => Op::Check { key: key(name), precondition },
    }
}

fn state_of(snapshot: &Snapshot) -> BTreeMap<String, (Revision, String)> {
    let entries = snapshot.range("", None);
    entries.map(|entry| (entry.key.to_string(), (entry.revision, text_of(entry)))).collect()
}

fn check(store: &Store, model: &Model) {
    assert_eq!((store.revision().0, store.compacted().0), (model.revision(), model.compacted));
    for (revision, state) in model.states.iter().enumerate() {
        let revision = revision as u64;
        let snapshot = store.snapshot_at(Revision(revision));
        if revision < model.compacted {
            assert!(snapshot.is_err());
            continue;
        }
        let expected: BTreeMap<_, _> =
            state.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let snapshot = snapshot.expect("it is within history");
        assert_eq!(state_of(&snapshot), expected, "at {revision}");
        assert_eq!(
            state_of(&replay(store, snapshot)),
            state_of(&store.snapshot()),
            "from {revision}"
        );
    }
}

/// Brings an old state up to date by what a watch gives.
fn replay(store: &Store, mut state: Snapshot) -> Snapshot {
    let mut watch = store.watch(state.revision, "").expect("it is within history");
    while let Some(event) = watch.try_next().expect("it goes on") {
        assert_eq!(event.revision, state.revision.next(), "no change is left out");
        let before = match event.kind {
            EventKind::Put => state.entries.insert(event.entry.key.clone(), event.entry.clone()),
            EventKind::Delete => state.entries.remove(&event.entry.key),
        };
        assert_eq!(before, event.previous);
        state.revision = event.revision;
    }
    state
}

async fn run(place: &Place, steps: &[Step]) {
    let mut model = Model::new();
    let mut store = place.open();
    for step in steps {
        match step {
            Step::Commit(ops) => {
                let ops: Vec<_> = ops
                    .iter()
                    .map(|&(name, guard, change)| {
                        let name = NAMES[name % NAMES.len()];
                        let current = model.current().get(name).map(|(revision, _)| *revision);
                        (name, precondition(guard, current), change)
                    })
                    .collect();
                let expected = model.commit(&ops);
                let ops = ops.into_iter().map(op).collect();
                match store.commit(Transaction { ops }).await {
                    Ok(committed) => {
                        assert_eq!(expected, Ok(()));
                        assert_eq!(committed.revision.0, model.revision());
                    }
                    Err(CommitError::Failed { index, .. }) => assert_eq!(expected, Err(index)),
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Compact(back) => {
                let to = model.revision().saturating_sub(*back);
                store.compact(Revision(to)).await;
                model.compacted = model.compacted.max(to);
            }
            Step::Reopen => {
                drop(store);
                store = place.open();
            }
        }
    }
    check(&store, &model);
    drop(store);
    check(&place.open(), &model);
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let guard = prop_oneof![
        4 => Just(Guard::Any),
        2 => Just(Guard::Latest),
        1 => Just(Guard::Absent),
        1 => Just(Guard::Exists),
        1 => Just(Guard::Stale),
    ];
    let change = prop_oneof![
        4 => (0..4_u8).prop_map(Change::Put),
        2 => Just(Change::Delete),
        1 => Just(Change::Check),
    ];
    let commit =
        prop::collection::vec((0..NAMES.len(), guard, change), 1..4).prop_map(Step::Commit);
    let step = prop_oneof![
        20 => commit,
        1 => (0..10_u64).prop_map(Step::Compact),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

/// From none of it in memory to all of it.
fn history_bytes() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 500..20_000_u64, Just(1 << 20)]
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers").block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn memory_does_as_the_model(steps in steps(), history_bytes in history_bytes()) {
        let mut place = Place::memory();
        place.config.history_bytes = history_bytes;
        block_on(run(&place, &steps));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn disk_does_as_the_model(steps in steps(), history_bytes in history_bytes()) {
        let mut place = Place::disk();
        place.config.history_bytes = history_bytes;
        block_on(run(&place, &steps));
    }
}
