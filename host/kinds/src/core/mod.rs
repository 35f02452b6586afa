//! The core group (`v1`).

mod config_map;
mod endpoints;
pub(crate) mod event;
mod namespace;
mod node;
pub mod pod;
mod secret;
mod service;
mod service_account;
pub(crate) mod volume_claim;
