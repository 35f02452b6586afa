//! End-to-end tests: each drives the built binary through its public interfaces, in a folder and on ports of its own.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod harness;

mod abuse;
mod client;
mod clients;
mod custom;
mod examples;
mod fields;
mod helm;
mod images;
mod kube_rs;
mod kubectl;
mod life;
mod reach;
mod recorded;
mod releases;
mod restart;
mod server;
mod tidy;
mod verbs;
mod workloads;
