//! `skiff version`: of this program, and of the server where there is one.

use std::process::ExitCode;

use serde_json::json;

use crate::{
    output::{self, Format},
    session::{Connection, Session, text},
};

/// The Kubernetes API that this program serves and speaks.
const KUBERNETES: &str = "v1.37";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only of this program
    #[arg(long)]
    client: bool,
    /// yaml or json
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub(crate) async fn run(args: &Args, connection: &Connection) -> anyhow::Result<ExitCode> {
    let own = env!("CARGO_PKG_VERSION");
    let server = if args.client {
        None
    } else {
        Some(async { anyhow::Ok(Session::open(connection)?.read("/version").await?) }.await)
    };
    let known = server.as_ref().and_then(|answer| answer.as_ref().ok());
    if let Some(format @ (Format::Json | Format::Yaml)) = args.output {
        let mut both = json!({ "clientVersion": { "version": own, "kubernetes": KUBERNETES } });
        if let Some(answer) = known {
            both["serverVersion"] = answer.clone();
        }
        output::object(&mut std::io::stdout().lock(), format, &both)?;
    } else {
        println!("Client Version: {own} (Kubernetes {KUBERNETES})");
        if let Some(answer) = known {
            println!("Server Version: {}", text(answer, "/gitVersion"));
        }
    }
    match server {
        Some(Err(error)) => {
            eprintln!("{}", crate::explain(&error));
            Ok(ExitCode::FAILURE)
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
