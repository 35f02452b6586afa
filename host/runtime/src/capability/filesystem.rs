//! Files (`wasi:filesystem`): the mounts of the container and nothing else. A guest without mounts
//! has no files.
//!
//! Names are resolved inside a mount by the host with directory handles, so neither `..` nor a
//! symbolic link leads out.

use std::io;

use wasmtime::component::Linker;
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::{Capability, Preparation};
use crate::state::State;

pub(super) struct Filesystem;

impl Capability for Filesystem {
    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:filesystem/types@0.2",
            "wasi:filesystem/preopens@0.2",
            "wasi:filesystem/types@0.3",
            "wasi:filesystem/preopens@0.3",
        ]
    }

    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        filesystem::types::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;
        filesystem::preopens::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;
        wasmtime_wasi::p3::filesystem::add_to_linker(linker)
    }

    fn prepare(
        &self,
        context: &mut WasiCtxBuilder,
        preparation: &Preparation<'_>,
    ) -> io::Result<()> {
        for mount in &preparation.spec.mounts {
            let access = if mount.read_only { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
            context.preopened_dir(&mount.host, &mount.guest, access).map_err(|error| {
                let place = format!("cannot mount {} at {}", mount.host.display(), mount.guest);
                io::Error::other(format!("{place}: {error}"))
            })?;
        }
        Ok(())
    }
}
