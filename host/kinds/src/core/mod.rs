//! The core group (`v1`).

mod config_map;
mod endpoints;
mod event;
mod namespace;
mod node;
pub mod pod;
mod pod_template;
mod replication_controller;
mod secret;
mod service;
mod service_account;
pub(crate) mod volume_claim;
