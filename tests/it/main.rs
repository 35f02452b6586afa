//! End-to-end tests: each drives the built binary through its public interfaces, in a folder and on ports of its own.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

#[expect(
    dead_code,
    unused_imports,
    reason = "the tests of Pods, which use the rest, are not green yet"
)]
mod harness;

mod abuse;
mod kube_rs;
mod restart;
mod server;
mod tidy;
