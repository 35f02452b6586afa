//! What the tests of this room share: places to open a store in, a clock that stands still, and objects with one field.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use jiff::Timestamp;
use meta::{Attributes, Clock, Key, Revision};

use crate::engine::{Disk, Engine, Memory};
use crate::{Body, Config, Describe, Entry, Op, Precondition, Store};

/// Where a store is kept between openings.
pub(crate) struct Place {
    pub(crate) config: Config,
    pub(crate) clock: Arc<StoppedClock>,
    memory: Option<Memory>,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn memory() -> Self {
        let config = Config::default();
        Self { config, clock: Arc::default(), memory: Some(Memory::default()), _folder: None }
    }

    pub(crate) fn disk() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config { reserve_bytes: 0, ..Config::in_folder(folder.path()) };
        Self { config, clock: Arc::default(), memory: None, _folder: Some(folder) }
    }

    /// With no room for history in memory.
    pub(crate) fn forgetful(mut self) -> Self {
        self.config.history_bytes = 0;
        self
    }

    pub(crate) fn open(&self) -> Store {
        let engine: Box<dyn Engine> = match &self.memory {
            Some(memory) => Box::new(memory.clone()),
            None => Box::new(Disk::open(&self.config.folder).expect("the folder is sound")),
        };
        self.open_on(engine)
    }

    pub(crate) fn open_on(&self, engine: Box<dyn Engine>) -> Store {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Store::start(engine, self.config.clone(), describe(), clock).expect("the data is sound")
    }
}

pub(crate) fn describe() -> Describe {
    Arc::new(|_, _| Attributes::default())
}

/// A clock that is moved by hand.
#[derive(Debug, Default)]
pub(crate) struct StoppedClock(AtomicI64);

impl StoppedClock {
    pub(crate) fn advance(&self, secs: i64) {
        self.0.fetch_add(secs, Relaxed);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + self.0.load(Relaxed)).expect("it is not far off")
    }
}

pub(crate) fn key(text: &str) -> Key {
    Key::parse(text).expect("a key has three parts")
}

pub(crate) fn body(text: &str) -> Body {
    let before = format!(r#"{{"text":"{text}","revision":""#);
    let at = before.len();
    Body::new((before + r#""}"#).into_bytes(), at)
}

pub(crate) fn text_of(entry: &Entry) -> String {
    let body = String::from_utf8(entry.body.to_vec()).expect("bodies are text");
    let text = body.strip_prefix(r#"{"text":""#).and_then(|rest| rest.split_once('"'));
    text.expect("bodies have a text").0.to_owned()
}

pub(crate) fn put(name: &str, precondition: Precondition, text: &str) -> Op {
    let (key, body) = (key(name), body(text));
    Op::Put { key, precondition, body, attributes: Attributes::default(), value: None }
}

pub(crate) async fn create(store: &Store, name: &str, text: &str) -> Arc<Entry> {
    one(store, put(name, Precondition::Absent, text)).await.expect("a put gives an entry")
}

pub(crate) async fn update(store: &Store, name: &str, at: Revision, text: &str) -> Arc<Entry> {
    one(store, put(name, Precondition::At(at), text)).await.expect("a put gives an entry")
}

pub(crate) async fn delete(store: &Store, name: &str) -> Option<Arc<Entry>> {
    let last = body("deleted");
    one(store, Op::Delete { key: key(name), precondition: Precondition::Any, last }).await
}

async fn one(store: &Store, op: Op) -> Option<Arc<Entry>> {
    let mut committed = store.commit(op).await.expect("the precondition holds");
    committed.entries.pop().expect("there was one operation")
}
