//! `skiff apply`: server-side apply of every object of some manifests.
//!
//! The server merges and tracks who set which field (<https://kubernetes.io/docs/reference/using-api/server-side-apply/>); an object
//! that another tool has changed in the same fields is refused with the names of the fields, unless `--force-conflicts`.

use std::{path::PathBuf, process::ExitCode};

use api::Error;
use http::Method;
use serde_json::Value;

use crate::{
    discovery::Resources,
    manifest::{self, Manifest},
    session::{Session, explain},
    watching::escape,
};

const MANAGER: &str = "skiff";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff apply -f app.yaml\n  skiff apply -f folder/ -n staging\n  cat app.yaml | skiff apply -f -"
)]
pub struct Args {
    /// Files or folders of manifests; - is standard input
    #[arg(short, long = "filename", required = true, value_name = "PATH")]
    filename: Vec<PathBuf>,
    /// Read the folders below folders too
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Take over fields that other tools have set
    #[arg(long)]
    force_conflicts: bool,
    /// Let the server check everything and store nothing
    #[arg(long)]
    dry_run: bool,
}

/// What became of one object.
#[derive(Clone, Debug)]
pub struct Applied {
    /// `deployment.apps/web`.
    pub name: String,
    pub outcome: Outcome,
    /// The object as the server has it now.
    pub object: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Configured,
    Unchanged,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        })
    }
}

/// How objects are applied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) force: bool,
    pub(crate) dry_run: bool,
}

pub(crate) async fn run(args: &Args, session: &Session) -> anyhow::Result<ExitCode> {
    let manifests = manifest::read(&args.filename, args.recursive)?;
    let resources = Resources::of(session).await?;
    let options = Options { force: args.force_conflicts, dry_run: args.dry_run };
    let mut failed = false;
    for manifest in &manifests {
        match object(session, &resources, manifest, options).await {
            Ok(applied) => {
                let suffix = if args.dry_run { " (server dry run)" } else { "" };
                println!("{} {}{suffix}", applied.name, applied.outcome);
            }
            Err(error) => {
                failed = true;
                eprintln!("{}: {}", manifest.source, explain(&error));
                if error.downcast_ref::<Error>().is_some_and(Error::is_conflict) {
                    eprintln!("  use --force-conflicts to take these fields over");
                }
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Applied {
    /// Applies one manifest, taking over fields of other tools.
    pub async fn forced(
        session: &Session,
        resources: &Resources,
        manifest: &Manifest,
    ) -> anyhow::Result<Self> {
        object(session, resources, manifest, Options { force: true, dry_run: false }).await
    }
}

async fn object(
    session: &Session,
    resources: &Resources,
    manifest: &Manifest,
    options: Options,
) -> anyhow::Result<Applied> {
    let resource = resources.of_kind(manifest.api_version(), manifest.kind())?;
    let namespace = namespace(session, manifest, resource.api.namespaced)?;
    let path = format!("{}/{}", resource.api.path(namespace), escape(manifest.name()));
    let before = match session.read(&path).await {
        Ok(object) => Some(object),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error.into()),
    };
    let query = format!(
        "fieldManager={MANAGER}&fieldValidation=Strict&force={}{}",
        options.force,
        if options.dry_run { "&dryRun=All" } else { "" },
    );
    let media_type = "application/apply-patch+yaml";
    let (_, object) = session
        .write(Method::PATCH, &format!("{path}?{query}"), media_type, &manifest.object)
        .await?;
    let outcome = match before {
        None => Outcome::Created,
        Some(before) if ours(&before, manifest) == ours(&object, manifest) => Outcome::Unchanged,
        Some(_) => Outcome::Configured,
    };
    Ok(Applied { name: resource.object_name(manifest.name()), outcome, object })
}

/// What of an object an apply can have changed. Others write meanwhile: controllers the status and annotations of their own.
fn ours(object: &Value, manifest: &Manifest) -> Vec<(String, Value)> {
    let mut parts = Vec::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        if name != "metadata" && name != "status" {
            parts.push((name.clone(), value.clone()));
        }
    }
    for map in ["labels", "annotations"] {
        let given = manifest.object.pointer(&format!("/metadata/{map}")).and_then(Value::as_object);
        for name in given.into_iter().flat_map(|map| map.keys()) {
            parts.push((name.clone(), object["metadata"][map][name].clone()));
        }
    }
    let entries = object["metadata"]["managedFields"].as_array();
    let own = entries.into_iter().flatten().find(|entry| {
        entry["manager"] == MANAGER
            && entry["operation"] == "Apply"
            && entry["subresource"].is_null()
    });
    parts.push(("owned".to_owned(), own.map(|own| own["fieldsV1"].clone()).unwrap_or_default()));
    parts
}

/// The namespace an object goes to. A file and a flag that disagree are an error, as for kubectl.
fn namespace<'a>(
    session: &'a Session,
    manifest: &'a Manifest,
    namespaced: bool,
) -> anyhow::Result<Option<&'a str>> {
    if !namespaced {
        return Ok(None);
    }
    let given = session.namespace.as_str();
    match manifest.namespace() {
        Some(own) if session.namespace_is_explicit && own != given => anyhow::bail!(
            "the namespace from the provided object \"{own}\" does not match the namespace \"{given}\". \
             You must pass '--namespace={own}' to perform this operation."
        ),
        Some(own) => Ok(Some(own)),
        None => Ok(Some(given)),
    }
}
