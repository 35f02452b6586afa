//! The shell around the pure rooms: it feeds controllers and scheduler and does what they decide.
//!
//! Caches are filled by watches, keys wake, plans are carried out through `api`. It decides nothing:
//! whatever is a rule of Kubernetes lives in `controllers` or `scheduler`. Nothing polls; an idle
//! cluster costs nothing but a slow resync.
//!
//! Start from [`run`], `runner.rs` (the one loop) and `apply.rs`.

mod apply;
mod binding;
mod caches;
mod collector;
mod events;
mod pending;
mod queue;
mod report;
mod runner;
mod start;

pub use apply::certificates::{Holder, Order, SignError, Signer};
pub use report::{Counts, Report};
pub use start::{Config, Error, run};
