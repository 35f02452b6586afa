//! What all benches share: two sizes, one way to measure and to print, and servers to measure.
//!
//! A bench runs in a tiny size with `cargo test`, so that it cannot rot, and in its own size with `cargo bench`. It prints for each part
//! the rate, the processor time for each operation, and a checksum of the work, so that work that was optimised away shows.
//!
//! Those that speak to a server start `skiff` itself as a process. `--kubeconfig FILE --pids PID,…` adds any other Kubernetes server, whose
//! processes these are, and every part is then done by both in turn.

mod load;
mod measure;
mod process;
mod server;

pub use load::{Answered, ask, keep_asking};
pub use measure::{Measured, Size, is_wanted, sorted_median};
pub use process::Processes;
pub use server::{Server, skiff};
