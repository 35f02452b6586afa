//! A `wasmtime` engine with everything guests may import linked into it, once.
//!
//! There are two: one over the pool, and one that maps memory on demand for what the pool has no
//! room for. They differ in nothing that concerns compiled code, so both map the same cache entry,
//! which a third engine compiled.

use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, Result, Strategy, WasmBacktraceDetails};

use crate::capability;
use crate::limits::Limits;
use crate::pool;
use crate::state::{ModuleState, State};

pub(crate) struct Host {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) components: Linker<State>,
    pub(crate) modules: wasmtime::Linker<ModuleState>,
}

impl Host {
    /// Fails when the address space does not hold the pool, which small or confined machines are
    /// known for.
    pub(crate) fn pooled(slots: u32) -> Result<Self> {
        let elements = usize::try_from(Limits::default().table_elements)?;
        Self::with(InstanceAllocationStrategy::Pooling(pool::allocation(slots, elements)))
    }

    pub(crate) fn on_demand() -> Result<Self> {
        Self::with(InstanceAllocationStrategy::OnDemand)
    }

    fn with(allocation: InstanceAllocationStrategy) -> Result<Self> {
        let engine = wasmtime::Engine::new(&config(allocation))?;
        let mut components = Linker::new(&engine);
        let mut modules = wasmtime::Linker::new(&engine);
        capability::link(&mut components)?;
        capability::preview1::link(&mut modules)?;
        Ok(Self { engine, components, modules })
    }
}

/// An engine that compiles for all hosts, with nothing linked into it.
pub(crate) fn compiler() -> Result<wasmtime::Engine> {
    wasmtime::Engine::new(&config(InstanceAllocationStrategy::OnDemand))
}

fn config(allocation: InstanceAllocationStrategy) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .allocation_strategy(allocation);
    config
}
