//! `skiff scale`: sets the replicas of anything that has a scale subresource.

use std::process::ExitCode;

use anyhow::bail;
use http::Method;
use serde_json::json;

use crate::{
    discovery::Resources,
    session::{Session, number},
    target,
    watching::escape,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff scale deployment/web --replicas=3\n  skiff scale deployment web --replicas=0 --current-replicas=3"
)]
pub struct Args {
    /// TYPE/NAME..., or TYPE NAME...
    #[arg(required = true)]
    what: Vec<String>,
    /// Replicas wanted
    #[arg(long)]
    replicas: u32,
    /// Only if there are that many now
    #[arg(long)]
    current_replicas: Option<u32>,
}

pub(crate) async fn run(args: &Args, session: &Session) -> anyhow::Result<ExitCode> {
    let resources = Resources::of(session).await?;
    for target in target::parse(&args.what, &resources)? {
        let (resource, Some(name)) = (&target.resource, &target.name) else {
            bail!("name what to scale, such as `deployment/web`")
        };
        if !resource.subresources.iter().any(|name| name == "scale") {
            bail!("{} cannot be scaled: it has no replicas", resource.full_name());
        }
        let path = format!("{}/{}/scale", session.path(&resource.api), escape(name));
        let mut patch = json!({ "spec": { "replicas": args.replicas } });
        if let Some(expected) = args.current_replicas {
            let scale = session.read(&path).await?;
            let now = number(&scale, "/spec/replicas");
            if now != i64::from(expected) {
                bail!("expected replicas to be {expected}, was {now}");
            }
            patch["metadata"] = json!({ "resourceVersion": scale["metadata"]["resourceVersion"] });
        }
        session.write(Method::PATCH, &path, "application/merge-patch+json", &patch).await?;
        println!("{} scaled", resource.object_name(name));
    }
    Ok(ExitCode::SUCCESS)
}
