//! `skiff get`: the server's tables, or the objects themselves; once, or as they change.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde_json::Value;

use crate::{
    discovery::{Resource, Resources},
    output::{self, Format},
    session::{Session, text},
    table::{Options, Table, Widths},
    target::{self, Target},
    watching::{Lines, escape},
};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/// Objects a page, as kubectl asks for.
const PAGE: usize = 500;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff get pods\n  skiff get deployment/web -o yaml\n  skiff get pods,services -A -o wide\n  skiff get pods -l app=web -w"
)]
pub struct Args {
    /// TYPE, TYPE/NAME, TYPE NAME..., or TYPE,TYPE
    #[arg(required = true)]
    what: Vec<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table", hide_default_value = true)]
    output: Format,
    /// Go on and print what changes
    #[arg(short, long)]
    watch: bool,
    /// Of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Only objects whose labels match, such as app=web
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    selector: String,
    /// Only objects whose fields match, such as status.phase=Running
    #[arg(long, default_value = "", hide_default_value = true)]
    field_selector: String,
    /// Print the labels as the last column
    #[arg(long)]
    show_labels: bool,
    /// Print no column headers
    #[arg(long)]
    no_headers: bool,
    /// Succeed where an object that was named does not exist
    #[arg(long)]
    ignore_not_found: bool,
}

pub(crate) async fn run(args: &Args, session: &Session) -> anyhow::Result<ExitCode> {
    let resources = Resources::of(session).await?;
    let targets = target::parse(&args.what, &resources)?;
    if args.watch {
        let [target] = targets.as_slice() else {
            anyhow::bail!("you may only watch a single resource or type of resource at a time")
        };
        return watch(args, session, target).await;
    }
    match args.output {
        Format::Table | Format::Wide => tables(args, session, &targets).await,
        Format::Yaml | Format::Json | Format::Name => objects(args, session, &targets).await,
    }
}

/// The path of a target, with the selectors as its query.
fn path(args: &Args, session: &Session, target: &Target) -> anyhow::Result<String> {
    let namespace = (!args.all_namespaces).then_some(session.namespace.as_str());
    let mut path = target.resource.api.path(namespace);
    if let Some(name) = &target.name {
        anyhow::ensure!(
            !(args.all_namespaces && target.resource.api.namespaced),
            "a resource cannot be retrieved by name across all namespaces"
        );
        anyhow::ensure!(args.selector.is_empty(), "a name and a selector cannot be used together");
        path = format!("{path}/{}?", escape(name));
    } else {
        path.push('?');
        for (key, value) in
            [("labelSelector", &args.selector), ("fieldSelector", &args.field_selector)]
        {
            if !value.is_empty() {
                path = format!("{path}{key}={}&", escape(value));
            }
        }
    }
    Ok(path)
}

async fn tables(args: &Args, session: &Session, targets: &[Target]) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut shown = 0;
    let mut code = ExitCode::SUCCESS;
    for group in groups(targets) {
        let mut table = Table::default();
        for target in group {
            match pages(args, session, target).await {
                Ok(mut page) => {
                    table.column_definitions = page.column_definitions;
                    table.rows.append(&mut page.rows);
                }
                Err(error) => code = tolerate(args, target, error)?,
            }
        }
        let Some(first) = group.first() else { continue };
        if table.rows.is_empty() {
            continue;
        }
        if shown > 0 {
            writeln!(out)?;
        }
        shown += table.rows.len();
        let prefix = (groups(targets).count() > 1).then(|| prefix(&first.resource));
        let lines = table.lines(options(args, &first.resource), prefix.as_deref());
        Widths::default().print(&mut out, &lines)?;
    }
    let named = targets.iter().any(|target| target.name.is_some());
    if shown == 0 && !named {
        let namespaced = targets.iter().any(|target| target.resource.api.namespaced);
        if namespaced && !args.all_namespaces {
            eprintln!("No resources found in {} namespace.", session.namespace);
        } else {
            eprintln!("No resources found");
        }
    }
    Ok(code)
}

/// Targets of the same type stand together.
fn groups(targets: &[Target]) -> impl Iterator<Item = &[Target]> {
    targets.chunk_by(|a, b| a.resource.api == b.resource.api)
}

fn prefix(resource: &Resource) -> String {
    let name = resource.object_name("");
    name.trim_end_matches('/').to_owned()
}

fn options(args: &Args, resource: &Resource) -> Options {
    Options {
        wide: args.output == Format::Wide,
        namespaces: args.all_namespaces && resource.api.namespaced,
        labels: args.show_labels,
        headers: !args.no_headers,
    }
}

/// All pages of a list as one table.
async fn pages(args: &Args, session: &Session, target: &Target) -> anyhow::Result<Table> {
    let path = path(args, session, target)?;
    let mut whole: Table =
        serde_json::from_value(session.read_as(&format!("{path}limit={PAGE}"), TABLE).await?)?;
    while !whole.metadata.continuation.is_empty() {
        let next = format!("{path}limit={PAGE}&continue={}", escape(&whole.metadata.continuation));
        let mut page: Table = serde_json::from_value(session.read_as(&next, TABLE).await?)?;
        whole.rows.append(&mut page.rows);
        whole.metadata = page.metadata;
    }
    Ok(whole)
}

/// An object that is not there is an error of its own line; the others are still printed.
fn tolerate(args: &Args, target: &Target, error: anyhow::Error) -> anyhow::Result<ExitCode> {
    let missing = error.downcast_ref::<api::Error>().is_some_and(api::Error::is_not_found);
    if !missing || target.name.is_none() {
        return Err(error);
    }
    if args.ignore_not_found {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{}", crate::explain(&error));
    Ok(ExitCode::FAILURE)
}

async fn objects(args: &Args, session: &Session, targets: &[Target]) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    let mut found: Vec<(&Resource, Value)> = Vec::new();
    for target in targets {
        match session.read(&path(args, session, target)?).await {
            Ok(mut answer) if target.name.is_none() => {
                let items: Vec<Value> =
                    serde_json::from_value(answer["items"].take()).unwrap_or_default();
                found.extend(items.into_iter().map(|mut item| {
                    typed(&mut item, &target.resource);
                    (&target.resource, item)
                }));
            }
            Ok(answer) => found.push((&target.resource, answer)),
            Err(error) => code = tolerate(args, target, error.into())?,
        }
    }
    let mut out = io::stdout().lock();
    if args.output == Format::Name {
        for (resource, object) in found {
            writeln!(out, "{}", resource.object_name(text(&object, "/metadata/name")))?;
        }
        return Ok(code);
    }
    let single = matches!(targets, [Target { name: Some(_), .. }]);
    match (single, found.pop()) {
        (true, None) => {}
        (true, Some((_, object))) => output::object(&mut out, args.output, &object)?,
        (false, last) => {
            let items = found.into_iter().chain(last).map(|(_, object)| object).collect();
            output::object(&mut out, args.output, &output::list(items))?;
        }
    }
    Ok(code)
}

/// Items of a list carry no type of their own; beside others they need it.
fn typed(item: &mut Value, resource: &Resource) {
    if let Some(object) = item.as_object_mut() {
        object.insert("apiVersion".to_owned(), resource.api.api_version().into());
        object.insert("kind".to_owned(), resource.api.kind.clone().into());
    }
}

/// Prints the present state and then every change, until the server or the user ends it.
async fn watch(args: &Args, session: &Session, target: &Target) -> anyhow::Result<ExitCode> {
    let mut collection = target.clone();
    let mut selected = args.field_selector.clone();
    if let Some(name) = collection.name.take() {
        selected = format!("metadata.name={name}");
    }
    let query = |extra: &str| {
        let namespace = (!args.all_namespaces).then_some(session.namespace.as_str());
        let path = collection.resource.api.path(namespace);
        let (labels, fields) = (escape(&args.selector), escape(&selected));
        format!("{path}?labelSelector={labels}&fieldSelector={fields}{extra}")
    };
    let as_table = matches!(args.output, Format::Table | Format::Wide);
    let accept = if as_table { TABLE } else { "application/json" };
    let first = session.read_as(&query(""), accept).await?;
    let mut printer = Printer { args, target, widths: Widths::default(), columns: Vec::new() };
    let mut version = text(&first, "/metadata/resourceVersion").to_owned();
    printer.list(first)?;
    loop {
        let mut lines =
            Lines::open(session, &query(&format!("&watch=true&resourceVersion={version}")), accept)
                .await?;
        while let Some(event) = lines.event::<Value>().await? {
            let object = &event.object;
            let seen = text(object, "/metadata/resourceVersion");
            let seen = if seen.is_empty() {
                text(object, "/rows/0/object/metadata/resourceVersion")
            } else {
                seen
            };
            if !seen.is_empty() {
                seen.clone_into(&mut version);
            }
            if event.kind != "BOOKMARK" {
                printer.event(event.object)?;
            }
        }
    }
}

/// Prints what a watch brings under columns that stay where they are.
struct Printer<'a> {
    args: &'a Args,
    target: &'a Target,
    widths: Widths,
    columns: Vec<crate::table::Column>,
}

impl Printer<'_> {
    fn list(&mut self, answer: Value) -> anyhow::Result<()> {
        if matches!(self.args.output, Format::Table | Format::Wide) {
            return self.table(answer, !self.args.no_headers);
        }
        for mut item in answer.get("items").and_then(Value::as_array).cloned().unwrap_or_default() {
            typed(&mut item, &self.target.resource);
            self.event(item)?;
        }
        Ok(())
    }

    fn event(&mut self, object: Value) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        match self.args.output {
            Format::Table | Format::Wide => return self.table(object, false),
            Format::Name => writeln!(
                out,
                "{}",
                self.target.resource.object_name(text(&object, "/metadata/name"))
            )?,
            Format::Yaml => {
                writeln!(out, "---")?;
                output::object(&mut out, self.args.output, &object)?;
            }
            Format::Json => output::object(&mut out, self.args.output, &object)?,
        }
        Ok(())
    }

    fn table(&mut self, answer: Value, headers: bool) -> anyhow::Result<()> {
        let mut table: Table = serde_json::from_value(answer)?;
        // Only the first table of a watch names its columns.
        if table.column_definitions.is_empty() {
            table.column_definitions.clone_from(&self.columns);
        } else {
            self.columns.clone_from(&table.column_definitions);
        }
        let options = Options { headers, ..options(self.args, &self.target.resource) };
        self.widths.print(&mut io::stdout().lock(), &table.lines(options, None))?;
        Ok(())
    }
}
