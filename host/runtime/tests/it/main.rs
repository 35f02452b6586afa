//! The runtime through its public API, with real programs as guests.

#![expect(clippy::unwrap_used, reason = "tests")]

mod commands;
mod coverage;
mod harness;
mod http;
mod http_client;
mod limits;
mod loading;
mod sdk;
mod sockets;
mod stopping;
