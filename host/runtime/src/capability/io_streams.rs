//! Streams and waiting (`wasi:io`): the base of the other capabilities.

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::p2::bindings::io;

use super::Capability;
use crate::state::State;

pub(super) struct IoStreams;

impl Capability for IoStreams {
    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:io/error@0.2", "wasi:io/poll@0.2", "wasi:io/streams@0.2"]
    }

    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        io::error::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
        io::poll::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
        io::streams::add_to_linker::<State, Table>(linker, |state| &mut state.table)
    }
}

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}
