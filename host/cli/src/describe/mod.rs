//! `skiff describe`: an object for a person to read, and the Events about it.
//!
//! Pods, workloads, Services and Nodes have a layout of their own (the one file each beside this); every other kind is shown field
//! by field, so that custom resources are described as well.

mod fields;
mod node;
mod page;
mod pod;
mod service;
mod workload;

use std::process::ExitCode;

use serde_json::Value;

use self::page::Page;
use crate::{
    discovery::{Resource, Resources},
    session::{Session, text},
    table, target,
    watching::escape,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff describe pod web-7c5d9\n  skiff describe deployment/web\n  skiff describe nodes"
)]
pub struct Args {
    /// TYPE, TYPE/NAME, or TYPE NAME...
    #[arg(required = true)]
    what: Vec<String>,
    /// Objects whose labels match
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    selector: String,
}

pub(crate) async fn run(args: &Args, session: &Session) -> anyhow::Result<ExitCode> {
    let resources = Resources::of(session).await?;
    let mut described = 0;
    for target in target::parse(&args.what, &resources)? {
        let collection = session.path(&target.resource.api);
        let objects = match &target.name {
            Some(name) => vec![session.read(&format!("{collection}/{}", escape(name))).await?],
            None => {
                let mut list = session
                    .read(&format!("{collection}?labelSelector={}", escape(&args.selector)))
                    .await?;
                serde_json::from_value(list["items"].take()).unwrap_or_default()
            }
        };
        for object in objects {
            if described > 0 {
                println!("\n");
            }
            described += 1;
            print!("{}", page(session, &target.resource, &object).await?);
        }
    }
    if described == 0 {
        eprintln!("No resources found in {} namespace.", session.namespace);
    }
    Ok(ExitCode::SUCCESS)
}

async fn page(session: &Session, resource: &Resource, object: &Value) -> anyhow::Result<String> {
    let mut page = Page::default();
    head(&mut page, object);
    match resource.api.kind.as_ref() {
        "Pod" => pod::describe(&mut page, object),
        "Deployment"
        | "ReplicaSet"
        | "StatefulSet"
        | "DaemonSet"
        | "Job"
        | "ReplicationController" => {
            workload::describe(&mut page, object);
        }
        "Service" => {
            let endpoints = service::endpoints(session, object).await?;
            service::describe(&mut page, object, &endpoints);
        }
        "Node" => node::describe(&mut page, object),
        _ => fields::describe(&mut page, object),
    }
    events(session, &mut page, resource, object).await?;
    Ok(page.finish())
}

fn head(page: &mut Page, object: &Value) {
    page.field("Name", text(object, "/metadata/name"));
    if let Some(namespace) = object.pointer("/metadata/namespace").and_then(Value::as_str) {
        page.field("Namespace", namespace);
    }
    page.map("Labels", object.pointer("/metadata/labels"), "=");
    page.map("Annotations", object.pointer("/metadata/annotations"), ": ");
    page.field("Created", text(object, "/metadata/creationTimestamp"));
    let deleted = text(object, "/metadata/deletionTimestamp");
    if !deleted.is_empty() {
        page.field("Terminating since", deleted);
    }
    let owners =
        object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
    for owner in owners.filter(|owner| owner["controller"] == true) {
        page.field("Controlled By", &format!("{}/{}", text(owner, "/kind"), text(owner, "/name")));
    }
}

async fn events(
    session: &Session,
    page: &mut Page,
    resource: &Resource,
    object: &Value,
) -> anyhow::Result<()> {
    let namespace = match text(object, "/metadata/namespace") {
        "" => "default",
        namespace => namespace,
    };
    let selector = format!(
        "involvedObject.name={},involvedObject.kind={},involvedObject.uid={}",
        text(object, "/metadata/name"),
        resource.api.kind,
        // Agents report about their Node under its name.
        if resource.api.kind == "Node" {
            text(object, "/metadata/name")
        } else {
            text(object, "/metadata/uid")
        },
    );
    let path = format!("/api/v1/namespaces/{namespace}/events?fieldSelector={}", escape(&selector));
    let list = session.read(&path).await?;
    let mut rows = vec![
        ["Type", "Reason", "Count", "Last seen", "From", "Message"].map(str::to_owned).to_vec(),
    ];
    let mut found: Vec<&Value> =
        list.get("items").and_then(Value::as_array).into_iter().flatten().collect();
    found.sort_by_key(|event| last_seen(event).to_owned());
    for event in &found {
        let source = match text(event, "/source/component") {
            "" => text(event, "/reportingComponent"),
            component => component,
        };
        let count =
            event.pointer("/series/count").or_else(|| event.get("count")).and_then(Value::as_i64);
        rows.push(vec![
            text(event, "/type").to_owned(),
            text(event, "/reason").to_owned(),
            count.unwrap_or(1).to_string(),
            last_seen(event).to_owned(),
            source.to_owned(),
            text(event, "/message").trim().to_owned(),
        ]);
    }
    if found.is_empty() {
        page.field("Events", "<none>");
        return Ok(());
    }
    let mut printed = Vec::new();
    table::print(&mut printed, &rows)?;
    page.block("Events", &String::from_utf8_lossy(&printed));
    Ok(())
}

fn last_seen(event: &Value) -> &str {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .iter()
        .map(|place| text(event, place))
        .find(|time| !time.is_empty())
        .unwrap_or_default()
}
