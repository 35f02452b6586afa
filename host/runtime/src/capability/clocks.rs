//! Time (`wasi:clocks`): the host's own clocks, for reading and for waiting.

use wasmtime::component::Linker;
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks;

use super::Capability;
use crate::state::State;

pub(super) struct Clocks;

impl Capability for Clocks {
    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:clocks/monotonic-clock@0.2",
            "wasi:clocks/wall-clock@0.2",
            "wasi:clocks/monotonic-clock@0.3",
            "wasi:clocks/system-clock@0.3",
            "wasi:clocks/types@0.3",
        ]
    }

    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        clocks::wall_clock::add_to_linker::<State, WasiClocks>(linker, State::clocks)?;
        clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(linker, State::clocks)?;
        wasmtime_wasi::p3::clocks::add_to_linker(linker)
    }
}
