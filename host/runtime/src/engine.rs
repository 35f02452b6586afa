//! Loads programs: from the cache if their compiled code is there, by compiling them otherwise.
//!
//! One engine serves the whole process. It keeps no program alive: programs are shared while
//! somebody uses them and go with their last user. Loading the same digest from many places at once
//! compiles it once. What guests run on is made when the first program is loaded: a node without any
//! does not pay for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::Mutex as Turn;

use crate::cache::Cache;
use crate::classify::classify;
use crate::compile::compile;
use crate::config::Config;
use crate::host::Host;
use crate::memory::release_heap;
use crate::pool;
use crate::program::{LoadError, Program, Wasm};
use crate::ticker::Ticker;

#[derive(Debug, Error)]
pub enum EngineError {
    #[error("cannot set up the WebAssembly engine")]
    Setup { source: Box<dyn std::error::Error + Send + Sync> },
    #[error("cannot open the cache of compiled code")]
    Cache { source: std::io::Error },
    #[error("cannot start a thread")]
    Thread { source: std::io::Error },
}

/// The one thing that runs WebAssembly in this process. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    /// Compiles and runs nothing; its settings are those of both hosts.
    compiler: wasmtime::Engine,
    slots: u32,
    /// None if the system has no room for it.
    pooled: OnceLock<Option<Host>>,
    on_demand: OnceLock<Host>,
    ticker: Arc<Ticker>,
    cache: Cache,
    executor: Handle,
    tls: Option<Arc<rustls::ClientConfig>>,
    programs: Mutex<HashMap<String, Slot>>,
    /// Compilation uses all cores by itself, so programs take turns.
    compiling: Arc<Turn<()>>,
}

/// One digest: whoever holds the lock is loading it.
type Slot = Arc<Turn<Weak<Program>>>;

impl Engine {
    /// Sets the engine up. Guests run on `executor`, see [`crate::executor`].
    pub fn new(config: Config, executor: Handle) -> Result<Self, EngineError> {
        let slots = config.pooled_instances_max.map(std::num::NonZeroU32::get);
        let slots = slots.unwrap_or_else(|| pool::slots(pool::max_map_count()));
        let compiler =
            crate::host::compiler().map_err(|error| EngineError::Setup { source: error.into() })?;
        let ticker = Ticker::start().map_err(|source| EngineError::Thread { source })?;
        let cache = Cache::open(&config.cache_dir, config.cache_bytes_max, &compiler)
            .map_err(|source| EngineError::Cache { source })?;
        Ok(Self(Arc::new(Shared {
            compiler,
            slots,
            pooled: OnceLock::new(),
            on_demand: OnceLock::new(),
            ticker: Arc::new(ticker),
            cache,
            executor,
            tls: config.tls,
            programs: Mutex::default(),
            compiling: Arc::default(),
        })))
    }

    /// Where guests run. Serve their connections from here too, and no request crosses to another
    /// thread.
    pub fn executor(&self) -> &Handle {
        &self.0.executor
    }

    /// The program with this digest, compiled if it never was on this node.
    pub async fn load(&self, digest: &str, wasm: Wasm) -> Result<Arc<Program>, LoadError> {
        let slot = self.slot(digest);
        let mut loaded = slot.lock().await;
        if let Some(program) = loaded.upgrade() {
            return Ok(program);
        }
        let program = match self.link_cached(digest).await? {
            Some(program) => program,
            None => self.compile_and_link(digest, wasm).await?,
        };
        let program = Arc::new(program);
        *loaded = Arc::downgrade(&program);
        Ok(program)
    }

    async fn link_cached(&self, digest: &str) -> Result<Option<Program>, LoadError> {
        let (engine, digest) = (self.clone(), digest.to_owned());
        let linked = self.0.executor.spawn_blocking(move || engine.cached(&digest));
        linked.await.map_err(|_| LoadError::Panicked)
    }

    async fn compile_and_link(&self, digest: &str, wasm: Wasm) -> Result<Program, LoadError> {
        // The turn belongs to the work and not to whoever waits for it: that one may go away.
        let turn = Arc::clone(&self.0.compiling).lock_owned().await;
        let (engine, digest) = (self.clone(), digest.to_owned());
        let linked = self.0.executor.spawn_blocking(move || {
            let _turn = turn;
            // Somebody who did not wait for the end may have begun this before.
            match engine.cached(&digest) {
                Some(program) => Ok(program),
                None => engine.compile(&digest, wasm),
            }
        });
        linked.await.map_err(|_| LoadError::Panicked)?
    }

    fn cached(&self, digest: &str) -> Option<Program> {
        let entry = self.0.cache.get(digest)?;
        match Program::link(self, digest.to_owned(), entry) {
            Ok(program) => Some(program),
            Err(error) => {
                tracing::warn!(%error, "cached code does not load and will be made again");
                None
            }
        }
    }

    fn compile(&self, digest: &str, wasm: Wasm) -> Result<Program, LoadError> {
        let bytes = match wasm {
            Wasm::Bytes(bytes) => bytes,
            Wasm::File(path) => match std::fs::read(&path) {
                Ok(bytes) => Bytes::from(bytes),
                Err(source) => return Err(LoadError::Read { path, source }),
            },
        };
        let kind = classify(&bytes)?;
        let code = compile(&self.0.compiler, kind, &bytes)?;
        drop(bytes);
        let entry = self.0.cache.put(digest, kind, &code);
        let entry = entry.map_err(|source| LoadError::Cache { source })?;
        drop(code);
        // It took tens of megabytes on every core, and the allocator would keep most of them for the next one, which may never come.
        release_heap();
        Program::link(self, digest.to_owned(), entry)
    }

    /// The place of `digest`, after the places of programs that are gone have been given up.
    fn slot(&self, digest: &str) -> Slot {
        let mut programs = self.0.programs.lock();
        if !programs.contains_key(digest) {
            programs.retain(|_, slot| match slot.try_lock() {
                Ok(loaded) => loaded.strong_count() > 0,
                Err(_) => true,
            });
        }
        Arc::clone(programs.entry(digest.to_owned()).or_default())
    }

    /// The host over the pool, made when it is first needed.
    pub(crate) fn pooled(&self) -> Option<&Host> {
        let slots = self.0.slots;
        let made = self.0.pooled.get_or_init(|| match Host::pooled(slots) {
            Ok(host) => {
                self.0.ticker.add(host.engine.clone());
                Some(host)
            }
            Err(error) => {
                tracing::warn!(slots, %error, "no pool of instances; they start slower");
                None
            }
        });
        made.as_ref()
    }

    /// The host beside the pool, made when it is first needed.
    pub(crate) fn on_demand(&self) -> wasmtime::Result<&Host> {
        if let Some(host) = self.0.on_demand.get() {
            return Ok(host);
        }
        let host = Host::on_demand()?;
        Ok(self.0.on_demand.get_or_init(|| {
            self.0.ticker.add(host.engine.clone());
            host
        }))
    }

    pub(crate) fn ticker(&self) -> &Arc<Ticker> {
        &self.0.ticker
    }

    pub(crate) fn tls(&self) -> Option<&Arc<rustls::ClientConfig>> {
        self.0.tls.as_ref()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("cache", &self.0.cache).finish_non_exhaustive()
    }
}
