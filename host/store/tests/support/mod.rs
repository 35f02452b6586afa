//! What the tests of a store on disk share.

use std::process::{Command, Stdio};
use std::sync::Arc;

use meta::{Attributes, Key};
use store::{Body, Config, Describe, Op, OpenError, Precondition, Store};

pub fn describe() -> Describe {
    Arc::new(|_, _| Attributes::default())
}

pub fn try_open(config: Config) -> Result<Store, OpenError> {
    Store::open(config, describe())
}

/// Opens with no room kept free: what is full here is made full on purpose.
pub fn config(folder: &std::path::Path) -> Config {
    Config { reserve_bytes: 0, ..Config::in_folder(folder) }
}

pub fn put(name: &str, text: &str) -> Op {
    let before = format!(r#"{{"text":"{text}","revision":""#);
    let at = before.len();
    let body = Body::new((before + r#""}"#).into_bytes(), at);
    let key = Key::parse(name).expect("a key has three parts");
    let (precondition, attributes) = (Precondition::Any, Attributes::default());
    Op::Put { key, precondition, body, attributes, value: None }
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers").block_on(future)
}

/// This test binary again, to run one test that plays a part in another.
pub fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the binary is there"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.stdin(Stdio::null());
    command
}
