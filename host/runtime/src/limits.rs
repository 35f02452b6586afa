//! What one container may use. Every field is mandatory and enforced; a guest in `tests/guests`
//! tries to exceed each.
//!
//! The limits hold for all instances of a container together (an HTTP function may have many),
//! through their shared [`crate::Account`].

use std::num::{NonZeroU32, NonZeroU64};

/// A limit of `None` is "as much as the node has": Kubernetes' meaning of a container without that
/// limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory and tables, in bytes. A guest that asks for more ends as out of memory.
    pub memory_bytes: Option<NonZeroU64>,
    /// Thousandths of one core, averaged over periods of 100 ms.
    pub cpu_millis: Option<NonZeroU32>,
    /// Elements of one table. Languages that keep every function in a table need tens of thousands.
    pub table_elements: u32,
    /// Core instances within one component instance.
    pub instances: u32,
    /// Host resources that one instance may hold: open files, streams, pollables, HTTP bodies.
    pub handles: u32,
    /// Open TCP and UDP sockets.
    pub sockets: u32,
    /// Bytes of output a second, stdout and stderr together; a guest that prints faster waits.
    pub output_bytes_per_sec: NonZeroU32,
}

const MIB: u32 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            cpu_millis: None,
            // The pool reserves this much address space for each table, see `pool.rs`.
            table_elements: 64 * 1024,
            // A Python program linked from shared libraries has about forty.
            instances: 128,
            handles: 4096,
            sockets: 1024,
            // A second of this is what one log file holds before it is rotated.
            output_bytes_per_sec: NonZeroU32::MIN.saturating_add(8 * MIB - 1),
        }
    }
}
