//! What guests may do: one file for each capability, all listed in [`ALL`].
//!
//! A capability names the interfaces it serves (checked against a program's imports before it is
//! compiled), links them (once for each engine), and prepares its part of an instance. Nothing
//! outside this list reaches a guest.

use std::io;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use crate::spec::Spec;
use crate::state::State;

mod cli;
mod clocks;
mod filesystem;
mod http_in;
pub(crate) mod http_out;
mod io_streams;
pub(crate) mod preview1;
mod random;
pub(crate) mod sockets;
pub(crate) mod stdio;

/// One capability and its three steps.
trait Capability: Sync {
    /// Interface names without a version after the track, which is the part that has to match:
    /// `wasi:io/poll@0.2`.
    fn interfaces(&self) -> &'static [&'static str];

    /// Puts the interfaces into a linker; those that another capability links with its own need
    /// nothing.
    fn link(&self, _linker: &mut Linker<State>) -> wasmtime::Result<()> {
        Ok(())
    }

    /// Sets up its part of an instance, if it has one.
    fn prepare(
        &self,
        _context: &mut WasiCtxBuilder,
        _preparation: &Preparation<'_>,
    ) -> io::Result<()> {
        Ok(())
    }
}

/// What an instance is prepared from.
pub(crate) struct Preparation<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) output: &'a stdio::Output,
}

const ALL: [&dyn Capability; 9] = [
    &io_streams::IoStreams,
    &clocks::Clocks,
    &random::Random,
    &cli::Cli,
    &stdio::Stdio,
    &filesystem::Filesystem,
    &sockets::Networking,
    &http_in::HttpIn,
    &http_out::HttpOut,
];

/// Puts every capability into a linker.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    ALL.iter().try_for_each(|capability| capability.link(linker))
}

/// Whether this host serves the interface with this full name, for example `wasi:cli/stdout@0.2.6`.
pub(crate) fn has_interface(name: &str) -> bool {
    let served = ALL.iter().flat_map(|capability| capability.interfaces());
    served.into_iter().any(|interface| {
        // A version track ends in a dot, so that 0.2 is not the beginning of 0.20.
        name.strip_prefix(interface).is_some_and(|rest| rest.starts_with('.'))
    })
}

impl Preparation<'_> {
    /// The context for one instance of a component, and a table bounded by its limit.
    pub(crate) fn component(&self) -> io::Result<(WasiCtx, ResourceTable)> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(self.handles());
        Ok((self.context()?.build(), table))
    }

    fn context(&self) -> io::Result<WasiCtxBuilder> {
        let mut context = WasiCtxBuilder::new();
        ALL.iter().try_for_each(|capability| capability.prepare(&mut context, self))?;
        Ok(context)
    }

    fn handles(&self) -> usize {
        usize::try_from(self.spec.account.limits().handles).unwrap_or(usize::MAX)
    }
}
