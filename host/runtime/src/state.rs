//! What the host keeps for one instance. Dropping it gives everything back: memory to the account,
//! sockets to the network.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::{fmt, io};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, StreamContext};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::capability::Preparation;
use crate::capability::http_out::Outgoing;
use crate::capability::sockets::Sockets;
use crate::limiter::Limiter;
use crate::program::Program;
use crate::stop::Stop;

/// For a component.
pub(crate) struct State {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) http: WasiHttpCtx,
    pub(crate) outgoing: Outgoing,
    pub(crate) sockets: Sockets,
    pub(crate) limiter: Limiter,
}

/// For a preview1 module.
pub(crate) struct ModuleState {
    pub(crate) wasi: WasiP1Ctx,
    pub(crate) limiter: Limiter,
}

impl State {
    pub(crate) fn new(
        program: &Program,
        preparation: &Preparation<'_>,
        stop: &Stop,
        listeners: &Arc<AtomicUsize>,
    ) -> io::Result<Self> {
        let spec = preparation.spec;
        let (wasi, table) = preparation.component()?;
        let tls = program.engine.tls().cloned();
        Ok(Self {
            wasi,
            table,
            http: WasiHttpCtx::new(),
            outgoing: Outgoing::new(Arc::clone(&spec.network), tls),
            sockets: Sockets::new(spec, stop, listeners),
            limiter: Limiter::new(Arc::clone(&spec.account)),
        })
    }
}

impl ModuleState {
    pub(crate) fn new(preparation: &Preparation<'_>) -> io::Result<Self> {
        let limiter = Limiter::new(Arc::clone(&preparation.spec.account));
        Ok(Self { wasi: preparation.module()?, limiter })
    }
}

/// An instance may end in the middle of a body. Whoever reads that must not take the end of the
/// bytes for the end of the body.
impl Drop for State {
    fn drop(&mut self) {
        for entry in self.table.iter_mut() {
            let entry: &mut dyn Any = entry;
            if let Some(body) = entry.downcast_mut::<HostOutgoingBody>() {
                let (empty, _) = HostOutgoingBody::new(StreamContext::Response, None, 1, 1);
                std::mem::replace(body, empty).abort();
            }
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outgoing }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}
