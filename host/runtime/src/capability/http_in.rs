//! Requests that reach a function (`wasi:http/types`, and the handler it exports): the types both
//! directions share. How requests are given to instances is in `service.rs`.

use wasmtime::component::Linker;

use super::Capability;
use crate::state::State;

pub(super) struct HttpIn;

impl Capability for HttpIn {
    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:http/types@0.2", "wasi:http/types@0.3"]
    }

    /// One function links the types together with the client side of `http_out.rs`.
    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
        wasmtime_wasi_http::p3::add_to_linker(linker)
    }
}
