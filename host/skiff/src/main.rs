//! `skiff`: reads the command line, and hands over to a server, to `up`, or to a client command.
#![expect(clippy::print_stdout, reason = "what commands print is their result")]

mod config;
mod gateway;
mod kubeconfig;
mod server;
mod shutdown;
mod transport;
mod up;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::{Config, Flags, Surroundings};

/// Objects and their trees are many small allocations: a write costs a third less than with the system's allocator, at the same size in memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A configuration that is not used, as `sysexits.h` numbers it.
const EXIT_CONFIG: u8 = 64;

/// Kubernetes for WebAssembly in one binary.
#[derive(Debug, Parser)]
#[command(name = "skiff", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Start with:\n  skiff up examples/01-http-function\n\nkubectl, Helm and k9s work as well: export KUBECONFIG=DATA-DIR/kubeconfig"
)]
struct Skiff {
    #[command(flatten)]
    connection: cli::Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a cluster of one node in the foreground, with what some folders hold
    Up(up::Args),
    /// Run the API server, the controllers, the scheduler and a node
    Server(Flags),
    /// Print the administrator's kubeconfig, or merge it into yours
    Kubeconfig(kubeconfig::Args),
    #[command(flatten)]
    Client(cli::Command),
    /// Print the configuration in force
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Install what building Rust guests needs: the standard libraries of the Wasm targets
    Setup,
    /// Print the completion script of a shell
    #[command(
        after_help = "Examples:\n  skiff completion bash > /etc/bash_completion.d/skiff\n  skiff completion zsh > ~/.zfunc/_skiff"
    )]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the effective tree as YAML
    Print(Flags),
}

fn main() -> ExitCode {
    let skiff = Skiff::parse();
    match run(skiff) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", cli::explain(&error));
            let is_config = error.downcast_ref::<config::Error>().is_some();
            ExitCode::from(if is_config { EXIT_CONFIG } else { 1 })
        }
    }
}

fn run(skiff: Skiff) -> anyhow::Result<ExitCode> {
    let surroundings = Surroundings::of_process();
    match skiff.command {
        Command::Up(args) => up::run(args, &surroundings),
        Command::Server(flags) => {
            let config = Config::load(&flags, &surroundings)?;
            server::run(config)
        }
        Command::Kubeconfig(args) => kubeconfig::run(&args, &skiff.connection, &surroundings),
        Command::Client(command) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(cli::run(command, &skiff.connection))
        }
        Command::Config(ConfigCommand::Print(flags)) => {
            print!("{}", Config::load(&flags, &surroundings)?.print()?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Setup => {
            for target in ["wasm32-wasip2", "wasm32-wasip1"] {
                cli::ensure_target(target, &std::env::current_dir()?, &|text| {
                    eprintln!("skiff: {text}");
                })?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Completion { shell } => {
            clap_complete::generate(shell, &mut Skiff::command(), "skiff", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}
