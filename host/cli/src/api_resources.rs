//! `skiff api-resources`: what the server serves and how it can be named.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    discovery::{Resource, Resources},
    session::Session,
    table,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff api-resources\n  skiff api-resources --api-group=apps -o wide"
)]
pub struct Args {
    /// Only of this group; empty for the core group
    #[arg(long)]
    api_group: Option<String>,
    /// Only resources that live in namespaces (true), or that do not (false)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    namespaced: Option<bool>,
    /// wide, or name
    #[arg(short, long)]
    output: Option<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Wide,
    Name,
}

pub(crate) async fn run(args: &Args, session: &Session) -> anyhow::Result<ExitCode> {
    let resources = Resources::of(session).await?;
    let chosen: Vec<&Resource> = resources
        .iter()
        .filter(|it| args.api_group.as_ref().is_none_or(|group| it.api.group == group.as_str()))
        .filter(|it| args.namespaced.is_none_or(|namespaced| it.api.namespaced == namespaced))
        .collect();
    let mut out = io::stdout().lock();
    if args.output == Some(Output::Name) {
        for resource in chosen {
            writeln!(out, "{}", resource.full_name())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let wide = args.output == Some(Output::Wide);
    let header = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", "VERBS", "CATEGORIES"];
    let shown = if wide { header.len() } else { 5 };
    let mut lines =
        vec![header.iter().take(shown).map(|&name| name.to_owned()).collect::<Vec<_>>()];
    for resource in chosen {
        let line = [
            resource.api.plural.to_string(),
            resource.short_names.join(","),
            resource.api.api_version(),
            resource.api.namespaced.to_string(),
            resource.api.kind.to_string(),
            resource.verbs.join(","),
            resource.categories.join(","),
        ];
        lines.push(line.into_iter().take(shown).collect());
    }
    table::print(&mut out, &lines)?;
    Ok(ExitCode::SUCCESS)
}
