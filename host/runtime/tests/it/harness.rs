//! An engine with its own cache folder, sinks that remember, and a way to run a guest in one line.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use runtime::{
    Account, Config, Engine, Exit, Full, Limits, Line, LoadError, Program, Sink, Spec, Stop, Wasm,
};
use tempfile::TempDir;
use tokio::sync::Notify;

/// Long enough for a loaded machine; a test that needs it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) dir: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { engine: engine(dir.path()), dir }
    }

    pub(crate) async fn load(&self, wasm: &'static [u8]) -> Arc<Program> {
        self.try_load(wasm).await.unwrap()
    }

    /// The place of a constant in memory stands for its digest.
    pub(crate) async fn try_load(&self, wasm: &'static [u8]) -> Result<Arc<Program>, LoadError> {
        let digest = format!("test:{:p}-{}", wasm.as_ptr(), wasm.len());
        self.engine.load(&digest, Wasm::Bytes(wasm.into())).await
    }

    /// Runs a command with arguments and without limits, and says how it ended and what it printed.
    pub(crate) async fn run(&self, wasm: &'static [u8], args: &[&str]) -> Ended {
        self.run_with(wasm, args, Spec::default()).await
    }

    pub(crate) async fn run_with(&self, wasm: &'static [u8], args: &[&str], spec: Spec) -> Ended {
        let program = self.load(wasm).await;
        let (stdout, stderr) = (Arc::new(Lines::default()), Arc::new(Lines::default()));
        let mut spec = Spec { stdout: stdout.clone(), stderr: stderr.clone(), ..spec };
        spec.args.extend(args.iter().map(ToString::to_string));
        let exit = within(program.run(spec, Stop::new())).await.unwrap();
        Ended { exit, stdout: stdout.all(), stderr: stderr.all() }
    }
}

#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

pub(crate) fn engine(dir: &Path) -> Engine {
    let config = Config {
        pooled_instances_max: Some(std::num::NonZeroU32::new(64).unwrap()),
        ..Config::new(dir.join("cache"))
    };
    Engine::new(config, tokio::runtime::Handle::current()).unwrap()
}

pub(crate) fn limited(limits: Limits) -> Spec {
    Spec { account: Arc::new(Account::new(limits)), ..Spec::default() }
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("the guest takes too long")
}

/// A sink that remembers lines, and takes only as many as it is allowed to.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    taken: Mutex<Vec<String>>,
    room: Option<usize>,
    changed: Notify,
}

impl Lines {
    pub(crate) fn at_most(lines_max: usize) -> Self {
        Self { room: Some(lines_max), ..Self::default() }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.taken.lock().clone()
    }

    /// Waits until a line begins like this.
    pub(crate) async fn wait_for(&self, beginning: &str) -> String {
        let seen = async {
            loop {
                let changed = self.changed.notified();
                if let Some(line) = self.all().into_iter().find(|line| line.starts_with(beginning))
                {
                    return line;
                }
                changed.await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        seen.unwrap_or_else(|_| panic!("no line {beginning:?} in {:?}", self.all()))
    }
}

impl Sink for Lines {
    fn offer(&self, line: Line<'_>) -> Result<(), Full> {
        let mut lines = self.taken.lock();
        if self.room.is_some_and(|room| lines.len() >= room) {
            return Err(Full);
        }
        let end = if line.is_whole { "" } else { "…" };
        lines.push(String::from_utf8_lossy(line.bytes).into_owned() + end);
        self.changed.notify_waiters();
        Ok(())
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}
