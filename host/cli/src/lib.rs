//! The command line: what kubectl does, for people who have only skiff.
//!
//! Commands act as kubectl's of the same name do, read the same kubeconfig, and print the tables that the server sends; they work
//! against any Kubernetes server. What needs the server's own process (`server`, `up`) lives in the room `skiff`, which also owns
//! `main`. Start from [`Command`], [`Session`] and [`discovery::Resources`].

#![expect(clippy::print_stdout, reason = "what commands print is their result")]

mod api_resources;
mod apply;
mod delete;
mod describe;
mod discovery;
mod get;
mod guest;
mod logs;
mod manifest;
mod output;
mod push;
mod rollout;
mod scale;
mod session;
mod table;
mod target;
mod toolchain;
mod version;
mod watching;

use std::process::ExitCode;

pub use apply::{Applied, Outcome};
pub use discovery::{Resource, Resources};
pub use guest::{Guest, build as build_guest, find as find_guests};
pub use logs::follow as follow_logs;
pub use manifest::{Manifest, read as read_manifests};
pub use push::push as push_image;
pub use session::{Connection, Session, explain};
pub use toolchain::{Error as ToolchainError, ensure as ensure_target};

/// Commands that talk to a server, or need none.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make the objects of manifests exist as written (server-side apply)
    Apply(apply::Args),
    /// List or show objects
    Get(get::Args),
    /// Show an object with its events
    Describe(describe::Args),
    /// Delete objects
    Delete(delete::Args),
    /// Print what containers wrote
    Logs(logs::Args),
    /// Set the number of replicas
    Scale(scale::Args),
    /// Watch, restart, pause or resume a rollout
    #[command(subcommand)]
    Rollout(rollout::Command),
    /// List what the server serves
    ApiResources(api_resources::Args),
    /// Store a Wasm file as an image in the cluster's registry
    Push(push::Args),
    /// Print the versions of this program and of the server
    Version(version::Args),
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection) -> anyhow::Result<ExitCode> {
    if let Command::Version(args) = command {
        return version::run(&args, connection).await;
    }
    let session = Session::open(connection)?;
    match command {
        Command::Apply(args) => apply::run(&args, &session).await,
        Command::Get(args) => get::run(&args, &session).await,
        Command::Describe(args) => describe::run(&args, &session).await,
        Command::Delete(args) => delete::run(&args, &session).await,
        Command::Logs(args) => logs::run(&args, &session).await,
        Command::Scale(args) => scale::run(&args, &session).await,
        Command::Rollout(command) => rollout::run(&command, &session).await,
        Command::ApiResources(args) => api_resources::run(&args, &session).await,
        Command::Push(args) => push::run(&args, &session).await,
        Command::Version(_) => Ok(ExitCode::SUCCESS),
    }
}
