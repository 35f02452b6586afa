//! An answer as the files have it.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use super::kind::{Kind, name};
use crate::recorded::{Answer, first_line, leaves, without_uids};

/// Kinds whose status the server itself writes, whenever it comes to it, or whose status hangs on who asks or on what
/// is there besides.
const LIVELY: [&str; 6] = [
    "APIService",
    "FlowSchema",
    "LocalSubjectAccessReview",
    "SelfSubjectReview",
    "SelfSubjectRulesReview",
    "SubjectAccessReview",
];
/// Who writes the status of a `FlowSchema`.
const OF_SERVER: &str = "api-priority-and-fairness-config-consumer-v1";
/// How generated names begin.
const GENERATED: &str = "made-";
/// What precedes versions in messages.
const VERSIONS: [&str; 3] = ["current: ", "object meta: ", "in record ("];

/// What was told of a kind's Tables; it is not told again.
#[derive(Default)]
pub(super) struct Tables {
    columns: String,
    /// By names.
    cells: BTreeMap<String, String>,
}

pub(super) fn tell(kind: &Kind, known: &Value, tables: &mut Tables, answer: &Answer) -> String {
    let mut told = format!("= {}", answer.code);
    if answer.media_type != "application/json" {
        write!(told, " {}", answer.media_type).unwrap();
    }
    let mut teller = Teller { kind, known, tables };
    match &answer.body {
        Value::Array(frames) => {
            told.push('\n');
            for frame in frames {
                writeln!(told, "  {}", frame["type"].as_str().unwrap_or("no event")).unwrap();
                teller.any(&frame["object"], "    ", &mut told);
            }
        }
        body => {
            if body["kind"] == json!("Status")
                && let Some(reason) = body["reason"].as_str()
            {
                write!(told, " {reason}").unwrap();
            }
            told.push('\n');
            teller.any(body, "  ", &mut told);
        }
    }
    for warning in &answer.warnings {
        writeln!(told, "! {}", first_line(warning)).unwrap();
    }
    generalised(kind, &without_times(&without_versions(&without_uids(&told))))
}

struct Teller<'a> {
    kind: &'a Kind,
    known: &'a Value,
    tables: &'a mut Tables,
}

impl Teller<'_> {
    fn any(&mut self, body: &Value, indent: &str, told: &mut String) {
        if let Value::String(text) = body {
            writeln!(told, "{indent}{}", first_line(text)).unwrap();
            return;
        }
        let deeper = format!("{indent}  ");
        match body["kind"].as_str() {
            _ if body.is_null() => {}
            Some("Status") => status(self.kind, body, indent, told),
            Some("Table") => self.table(body, indent, told),
            _ => match body["items"].as_array() {
                Some(items) => {
                    let mut around = body.clone();
                    around["items"] = json!([]);
                    differences(&Value::Null, &around, indent, told);
                    for item in items.iter().filter(|item| self.is_ours(item)) {
                        writeln!(told, "{indent}item").unwrap();
                        self.object(item, &deeper, told);
                    }
                }
                None => self.object(body, indent, told),
            },
        }
    }

    /// An object of the kind is told by how it differs from what is known, another in full.
    fn object(&self, object: &Value, indent: &str, told: &mut String) {
        let mut object = object.clone();
        if LIVELY.contains(&self.kind.kind.as_str())
            && let Some(members) = object.as_object_mut()
        {
            members.remove("status");
            if let Some(owners) = members["metadata"]["managedFields"].as_array_mut() {
                owners.retain(|owner| owner["manager"] != json!(OF_SERVER));
            }
        }
        without_chance(self.kind, &mut object);
        let known = match object["kind"].as_str() {
            None => self.known.clone(),
            Some("PartialObjectMetadata") => json!({"metadata": self.known["metadata"]}),
            Some(kind) if kind == self.kind.kind && object["metadata"].get("uid").is_some() => {
                self.known.clone()
            }
            Some(_) => Value::Null,
        };
        differences(&known, &object, indent, told);
    }

    fn table(&mut self, table: &Value, indent: &str, told: &mut String) {
        let mut around = table.clone();
        around["rows"] = json!([]);
        let columns = around["columnDefinitions"].take();
        differences(&Value::Null, &around, indent, told);
        let mut line = String::new();
        for column in columns.as_array().into_iter().flatten() {
            let text = |name: &str| column[name].as_str().unwrap_or_default();
            write!(line, " {}", text("name").replace(' ', "-")).unwrap();
            if text("type") != "string" || !text("format").is_empty() {
                write!(line, ":{}:{}", text("type"), text("format")).unwrap();
            }
            if column["priority"] != json!(0) {
                write!(line, ":{}", column["priority"]).unwrap();
            }
        }
        if line != self.tables.columns {
            writeln!(told, "{indent}columns{line}").unwrap();
            self.tables.columns = line;
        }
        let deeper = format!("{indent}  ");
        let rows = table["rows"].as_array().into_iter().flatten();
        for row in rows {
            if !row["object"].is_null() && !self.is_ours(&row["object"]) {
                continue;
            }
            let cells = row["cells"].as_array().into_iter().flatten();
            let cells: Vec<Value> =
                cells.map(|cell| if is_masked(cell) { json!("…") } else { cell.clone() }).collect();
            let cells = Value::Array(cells).to_string();
            // The first cell of most kinds is the name; that of Events is not.
            let name = format!("{} {}", name(&row["object"]), row["cells"][0]);
            let before = self.tables.cells.insert(name, cells.clone());
            let cells = if before.as_ref() == Some(&cells) { "as before" } else { &cells };
            writeln!(told, "{indent}row {cells}").unwrap();
            if !row["object"].is_null() {
                self.object(&row["object"], &deeper, told);
            }
        }
    }

    /// Lists hold what others have made as well.
    fn is_ours(&self, object: &Value) -> bool {
        object.pointer("/metadata/labels/verbs").and_then(Value::as_str) == Some(&self.kind.label)
    }
}

/// Generated names, tokens, and how often a `ResourceSlice` was changed: its taints are dated by the second of the write.
pub(super) fn without_chance(kind: &Kind, object: &mut Value) {
    let generates = object.pointer("/metadata/generateName").is_some();
    if generates && name(object) != kind.name() {
        object["metadata"]["name"] = json!("…");
    }
    if kind.kind == "ResourceSlice"
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.remove("generation");
    }
    if let Some(token) = object.pointer_mut("/status/token") {
        *token = json!("…");
    }
}

fn status(kind: &Kind, status: &Value, indent: &str, told: &mut String) {
    let message = status["message"].as_str().unwrap_or_default();
    let causes = status.pointer("/details/causes").and_then(Value::as_array);
    if status["code"] != json!(422) || causes.is_none() {
        writeln!(told, "{indent}{}", without_insides(first_line(message))).unwrap();
    }
    let mut details = status["details"].clone();
    if let Some(details) = details.as_object_mut() {
        details.remove("causes");
        // The group of most kinds is in their details, and that of the core kinds is none.
        let group = details.remove("group");
        if group.as_ref().and_then(Value::as_str).unwrap_or_default() != kind.group() {
            details.insert("group".to_owned(), group.unwrap_or_default());
        }
    }
    if status["status"] != json!("Failure") || details["kind"] != json!(kind.plural) {
        writeln!(told, "{indent}{} {details}", status["status"]).unwrap();
    } else if let Some(details) = details.as_object_mut() {
        details.remove("kind");
        writeln!(told, "{indent}{}", json!(details)).unwrap();
    }
    let cause = |cause: &Value| {
        let part = |name: &str| cause[name].as_str().unwrap_or_default();
        format!(
            "{} {}: {}",
            part("reason"),
            part("field"),
            without_insides(first_line(part("message")))
        )
    };
    let mut lines: Vec<_> = causes.into_iter().flatten().map(cause).collect();
    lines.sort();
    for line in lines {
        writeln!(told, "{indent}- {line}").unwrap();
    }
}

fn differences(known: &Value, object: &Value, indent: &str, told: &mut String) {
    let (known, got) = (parts(known), parts(object));
    for (pointer, value) in &got {
        if known.get(pointer) != Some(value) {
            writeln!(told, "{indent}{pointer} {value}").unwrap();
        }
    }
    for pointer in known.keys().filter(|pointer| !got.contains_key(*pointer)) {
        writeln!(told, "{indent}{pointer}").unwrap();
    }
}

/// The leaves, and who owns which fields.
fn parts(object: &Value) -> BTreeMap<String, String> {
    let mut parts = leaves(object);
    for (pointer, value) in &mut parts {
        if pointer == "/metadata/continue" && value != "\"\"" {
            "…".clone_into(value);
        }
    }
    let owners = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    for owner in owners.into_iter().flatten() {
        let part = |name: &str| owner[name].as_str().unwrap_or_default();
        let subresource = match part("subresource") {
            "" => String::new(),
            name => format!(" {name}"),
        };
        let owner_name = format!(
            "{} {} {}{subresource}",
            part("manager"),
            part("operation"),
            part("apiVersion")
        );
        parts.insert(format!("owner {owner_name}"), owner["fieldsV1"].to_string());
    }
    parts
}

/// Ages, such as `2m30s`, who asks, and addresses of services.
fn is_masked(cell: &Value) -> bool {
    cell.as_str().is_some_and(|text| {
        let is_age = text.starts_with(|c: char| c.is_ascii_digit())
            && text.ends_with(['s', 'm', 'h', 'd', 'y'])
            && text.chars().all(|c| c.is_ascii_digit() || "smhdy".contains(c));
        is_age || ["admin", "system:admin"].contains(&text) || text.starts_with("10.43.")
    })
}

/// Kubernetes shows its own types and the place in its store, and both servers the whole object with its owners.
fn without_insides(text: &str) -> String {
    let mut text = text.to_owned();
    let between =
        [(" (*", ")"), ("StorageError: ", "AdditionalErrorMsg: "), (" in scheme \"", "\"")];
    for (before, after) in between {
        if let Some(start) = text.find(before)
            && let Some(len) = text[start + before.len()..].find(after)
        {
            text.replace_range(start..start + before.len() + len + after.len(), "");
        }
    }
    for (before, after) in [("Invalid value: \"{", "}\": "), ("Invalid value: {", "}: ")] {
        if let Some(start) = text.find(before)
            && let Some(end) = text.rfind(after)
            && start < end
        {
            text.replace_range(start..end + after.len(), "Invalid value: {…}: ");
        }
    }
    text
}

fn without_versions(text: &str) -> String {
    let mut text = text.to_owned();
    for before in VERSIONS {
        let mut pieces = text.split(before);
        let mut masked = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit());
            let is_version = rest.len() < piece.len();
            write!(masked, "{before}{}{rest}", if is_version { "…" } else { "" }).unwrap();
        }
        text = masked;
    }
    text
}

/// Times stand in messages that show what was sent.
fn without_times(text: &str) -> String {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let is_time = |window: &[u8]| {
        let same = |(shape, byte): (&u8, &u8)| {
            if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape }
        };
        SHAPE.iter().zip(window).all(same)
    };
    let mut masked = text.to_owned();
    while let Some(at) = masked.as_bytes().windows(SHAPE.len()).position(is_time) {
        let rest = &masked[at + SHAPE.len()..];
        let end = rest.find('Z').map_or(0, |z| z + 1);
        masked.replace_range(at..at + SHAPE.len() + end, "…");
    }
    masked
}

/// The answer with words for what differs between kinds, so that those of many kinds are one.
fn generalised(kind: &Kind, text: &str) -> String {
    let group = kind.group();
    let with_group = |name: &str| {
        if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
    };
    let known = [
        (with_group(&kind.plural), "{resource}"),
        (with_group(&kind.kind), "{kind}"),
        (kind.plural.clone(), "{plural}"),
        (kind.kind.clone(), "{kind}"),
        (format!("{}List", kind.kind), "{kind}List"),
        (kind.version.clone(), "{version}"),
        (kind.namespace.clone(), "{namespace}"),
        (kind.label.clone(), "{label}"),
    ];
    let text = text.replace(&format!("\"{}\"", kind.name()), "\"{name}\"");
    let is_within = |c: char| c.is_ascii_alphanumeric() || "./-".contains(c);
    let words = text.split_inclusive(|c: char| !is_within(c));
    words
        .map(|word| {
            let bare = word.trim_end_matches(|c: char| !is_within(c));
            if bare.starts_with(GENERATED) {
                return word.replacen(bare, GENERATED, 1);
            }
            let found = known.iter().find(|(name, _)| name == bare);
            found.map_or_else(|| word.to_owned(), |(_, general)| word.replacen(bare, general, 1))
        })
        .collect()
}
