//! `skiff kubeconfig`: how other clients come to know the cluster.

use std::process::ExitCode;

use anyhow::Context as _;
use api::kubeconfig::{Named, Sources};

use crate::config::{Config, Flags, Surroundings};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff kubeconfig > skiff.kubeconfig\n  skiff kubeconfig --merge      (adds the context \"skiff\" to your kubeconfig)"
)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
    /// Add the cluster to your own kubeconfig and make it the current one
    #[arg(long)]
    merge: bool,
}

pub(crate) fn run(
    args: &Args,
    connection: &cli::Connection,
    surroundings: &Surroundings,
) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.flags, surroundings)?;
    let path = config.data_dir.join("kubeconfig");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!("no server has run with this data directory: cannot read {}", path.display())
    })?;
    if !args.merge {
        print!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    let own = Sources { flag: Some(path), ..Sources::default() }.load()?.config;
    let mut theirs = connection.sources().load()?;
    theirs.update(|merged| {
        put(&mut merged.clusters, &own.clusters);
        put(&mut merged.users, &own.users);
        put(&mut merged.contexts, &own.contexts);
        merged.current_context.clone_from(&own.current_context);
    })?;
    if let Some(file) = theirs.default_file() {
        println!("added context \"{}\" to {}", own.current_context, file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Adds entries, in the place of those with the same names.
fn put<T: Clone>(list: &mut Vec<Named<T>>, new: &[Named<T>]) {
    list.retain(|entry| new.iter().all(|it| it.name != entry.name));
    list.extend(new.iter().cloned());
}
