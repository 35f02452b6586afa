//! The system interface of core modules (`wasi_snapshot_preview1`): arguments, environment, clocks,
//! random bytes, standard streams and files. Its four socket calls answer `ENOTSOCK`, since no
//! descriptor of such a module is a socket.

use std::io;

use wasmtime::Linker;
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::p1::WasiP1Ctx;

use super::Preparation;
use crate::state::ModuleState;

const MODULE: &str = "wasi_snapshot_preview1.";

/// Every function of the interface; there are no others and never will be.
const FUNCTIONS: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// Whether the interface has this function, named `module.name`.
pub(crate) fn has(import: &str) -> bool {
    import.strip_prefix(MODULE).is_some_and(|name| FUNCTIONS.contains(&name))
}

pub(crate) fn link(linker: &mut Linker<ModuleState>) -> wasmtime::Result<()> {
    wasmtime_wasi::p1::add_to_linker_async(linker, |state: &mut ModuleState| &mut state.wasi)
}

impl Preparation<'_> {
    /// The context for one instance of a module, its table bounded as that of a component.
    pub(crate) fn module(&self) -> io::Result<WasiP1Ctx> {
        let mut wasi = self.context()?.build_p1();
        wasi.ctx().table.set_max_capacity(self.handles());
        Ok(wasi)
    }
}
