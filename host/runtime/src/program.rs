//! A program that is ready to start: compiled, mapped, and with its imports resolved.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use thiserror::Error;
use wasmtime::{InstancePre, PoolConcurrencyLimitError, component};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi_http::handler::ProxyPre;

use crate::cache::Entry;
use crate::classify::Unsuitable;
use crate::engine::Engine;
use crate::host::Host;
use crate::state::{ModuleState, State};

/// What starts a program and what it does then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A component that exports `wasi:cli/run` of WASI 0.2: runs until it returns.
    Command,
    /// A component that exports `wasi:cli/run` of WASI 0.3: runs until it returns.
    CommandAsync,
    /// A component that exports `wasi:http/incoming-handler` of WASI 0.2: answers requests.
    Http,
    /// A component that exports `wasi:http/handler` of WASI 0.3: answers requests.
    HttpAsync,
    /// A core module of WASI preview 1 that exports `_start`: runs until it returns.
    Module,
}

impl Kind {
    /// Whether it is served with [`Program::serve`]; the others are run with [`Program::run`].
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::HttpAsync)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::CommandAsync => "command-async",
            Self::Http => "http",
            Self::HttpAsync => "http-async",
            Self::Module => "module",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Command, Self::CommandAsync, Self::Http, Self::HttpAsync, Self::Module];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where the bytes of a program are. A file is read only if its compiled code is not cached.
#[derive(Clone, Debug)]
pub enum Wasm {
    Bytes(Bytes),
    File(PathBuf),
}

#[derive(Debug, Error)]
pub enum LoadError {
    /// The bytes are no program for this host; trying again cannot help.
    #[error(transparent)]
    Unsuitable(#[from] Unsuitable),
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot compile")]
    Compile { source: Box<dyn std::error::Error + Send + Sync> },
    #[error("cannot link")]
    Link { source: Box<dyn std::error::Error + Send + Sync> },
    #[error("cannot write to the cache of compiled code")]
    Cache { source: std::io::Error },
    #[error("the compiler ended unexpectedly")]
    Panicked,
}

/// A loaded program. Loading the same digest again while it is in use gives the same one.
pub struct Program {
    pub(crate) engine: Engine,
    digest: String,
    entry: Entry,
    pooled: Option<Linked>,
    on_demand: OnceLock<Linked>,
}

/// A program with its imports resolved on one of the two hosts.
#[derive(Clone)]
pub(crate) enum Linked {
    Command(CommandPre<State>),
    CommandAsync(component::InstancePre<State>),
    Http(Arc<ProxyPre<State>>),
    Module(InstancePre<ModuleState>),
}

impl Program {
    /// Maps and links `entry`. A program too large for a slot of the pool is linked for memory on
    /// demand at once.
    pub(crate) fn link(engine: &Engine, digest: String, entry: Entry) -> Result<Self, LoadError> {
        let pooled = engine.pooled().map(|host| Linked::new(host, &entry));
        let on_demand = OnceLock::new();
        let pooled = if let Some(Ok(linked)) = pooled {
            Some(linked)
        } else {
            let linked = engine.on_demand().and_then(|host| Linked::new(host, &entry));
            let linked = linked.map_err(|error| LoadError::Link { source: error.into() })?;
            on_demand.get_or_init(|| linked);
            None
        };
        Ok(Self { engine: engine.clone(), digest, entry, pooled, on_demand })
    }

    pub fn kind(&self) -> Kind {
        self.entry.kind
    }

    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Where the next instance is tried first.
    pub(crate) fn linked(&self) -> wasmtime::Result<&Linked> {
        match &self.pooled {
            Some(linked) => Ok(linked),
            None => self.linked_on_demand(),
        }
    }

    /// Where an instance goes that the pool has no slot for; `None` if that was not the reason of
    /// `error`.
    pub(crate) fn linked_instead(
        &self,
        error: &wasmtime::Error,
    ) -> Option<wasmtime::Result<&Linked>> {
        error.is::<PoolConcurrencyLimitError>().then(|| self.linked_on_demand())
    }

    fn linked_on_demand(&self) -> wasmtime::Result<&Linked> {
        if let Some(linked) = self.on_demand.get() {
            return Ok(linked);
        }
        let linked = Linked::new(self.engine.on_demand()?, &self.entry)?;
        Ok(self.on_demand.get_or_init(|| linked))
    }
}

impl Linked {
    fn new(host: &Host, entry: &Entry) -> wasmtime::Result<Self> {
        let component = || host.components.instantiate_pre(&entry.component(&host.engine)?);
        Ok(match entry.kind {
            Kind::Command => Self::Command(CommandPre::new(component()?)?),
            Kind::CommandAsync => Self::CommandAsync(component()?),
            Kind::Http => Self::Http(Arc::new(ProxyPre::P2(
                wasmtime_wasi_http::p2::bindings::ProxyPre::new(component()?)?,
            ))),
            Kind::HttpAsync => Self::Http(Arc::new(ProxyPre::P3(
                wasmtime_wasi_http::p3::bindings::ServicePre::new(component()?)?,
            ))),
            Kind::Module => {
                Self::Module(host.modules.instantiate_pre(&entry.module(&host.engine)?)?)
            }
        })
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("digest", &self.digest)
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}
