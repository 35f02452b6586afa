//! Arguments, environment, working directory and exit (`wasi:cli`).

use std::io;

use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::cli;

use super::{Capability, Preparation};
use crate::state::State;

pub(super) struct Cli;

impl Capability for Cli {
    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:cli/environment@0.2",
            "wasi:cli/exit@0.2",
            "wasi:cli/environment@0.3",
            "wasi:cli/exit@0.3",
            "wasi:cli/types@0.3",
        ]
    }

    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
        cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
        // WASI 0.3 has one function for the whole package, standard streams included.
        wasmtime_wasi::p3::cli::add_to_linker(linker)
    }

    fn prepare(
        &self,
        context: &mut WasiCtxBuilder,
        preparation: &Preparation<'_>,
    ) -> io::Result<()> {
        let spec = preparation.spec;
        context.args(&spec.args);
        for (name, value) in spec.environment() {
            context.env(name, value);
        }
        if let Some(cwd) = &spec.cwd {
            context.initial_cwd(cwd);
        }
        Ok(())
    }
}
