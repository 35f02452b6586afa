//! Performing what the machine decides: each effect is a function that does its work and answers with one event.

mod hook;
mod prepare;
mod probe;
mod pull;
mod sources;
mod start;

pub(crate) use hook::hook;
pub(crate) use prepare::{prepare, refresh, remove};
pub(crate) use probe::probe;
pub(crate) use pull::pull;
pub(crate) use sources::Sources;
pub(crate) use start::{Job, Served, start};
