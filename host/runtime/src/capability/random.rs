//! Random bytes (`wasi:random`) from the host's secure generator.

use wasmtime::component::Linker;
use wasmtime_wasi::p2::bindings::random;
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};

use super::Capability;
use crate::state::State;

pub(super) struct Random;

impl Capability for Random {
    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:random/random@0.2",
            "wasi:random/insecure@0.2",
            "wasi:random/insecure-seed@0.2",
            "wasi:random/random@0.3",
            "wasi:random/insecure@0.3",
            "wasi:random/insecure-seed@0.3",
        ]
    }

    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        random::random::add_to_linker::<State, WasiRandom>(linker, State::random)?;
        random::insecure::add_to_linker::<State, WasiRandom>(linker, State::random)?;
        random::insecure_seed::add_to_linker::<State, WasiRandom>(linker, State::random)?;
        wasmtime_wasi::p3::random::add_to_linker(linker)
    }
}
