//! The node agent: runs the Pods that are bound to this machine, says how they are, and gives their logs and ports to whoever may ask.
//!
//! The life of a Pod is decided by a pure machine (`pod/machine.rs`); the agent's loop feeds it and has its effects carried out. Programs run in the
//! `runtime` room, images come from `image`, connections go through `net`. This room knows no storage and serves no API of its own beyond the node's HTTP service.
//!
//! Start from [`run`], [`Config`] and [`Handle`].

mod agent;
mod config;
mod directory;
mod env;
mod fields;
mod http;
mod logs;
mod machine;
mod materials;
mod network;
mod pod;
mod recorder;
mod registration;
mod shared;
mod shell;
mod static_pods;
mod volumes;

pub use agent::{Handle, Parts, StartError, run};
pub use config::Config;
pub use directory::Usage;
pub use http::{Body, BoxError};
pub use logs::Bounds;
