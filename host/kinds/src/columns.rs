//! Columns of the tables that the server prints, and the cells that many kinds share.
//!
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables>.

use std::fmt::Write as _;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, Time};
use meta::Tree;
use schemars::JsonSchema;

/// One column of a table. `priority` 0 is shown always, 1 only in wide output.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub type_: &'static str,
    pub format: &'static str,
    pub priority: i32,
    pub description: Description,
}

/// What a column says about itself.
#[derive(Clone, Copy, Debug)]
pub enum Description {
    Text(&'static str),
    /// The documentation of this field of a wire type.
    Field {
        of: fn(&str) -> &'static str,
        field: &'static str,
    },
}

impl Column {
    const fn new(name: &'static str, type_: &'static str, description: Description) -> Self {
        Self { name, type_, format: "", priority: 0, description }
    }

    #[must_use]
    pub const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, "string", Description::Text(description))
    }

    /// A column described by the documentation of `field` of `T`.
    #[must_use]
    pub const fn of<T: JsonSchema>(name: &'static str, field: &'static str) -> Self {
        Self::new(name, "string", Description::Field { of: documentation::<T>, field })
    }

    #[must_use]
    pub const fn integer(self) -> Self {
        Self { type_: "integer", ..self }
    }

    #[must_use]
    pub const fn boolean(self) -> Self {
        Self { type_: "boolean", ..self }
    }

    #[must_use]
    pub const fn wide(self) -> Self {
        Self { priority: 1, ..self }
    }

    /// The text of [`Column::description`].
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.description {
            Description::Text(text) => text,
            Description::Field { of, field } => of(field),
        }
    }
}

/// The documentation of a field, found in the schema of its type once and then remembered.
fn documentation<T: JsonSchema>(field: &str) -> &'static str {
    let mut generator = schemars::SchemaGenerator::default();
    let schema = T::json_schema(&mut generator);
    let pointer = format!("/properties/{field}/description");
    let text = schema.pointer(&pointer).and_then(Tree::as_str).unwrap_or_default();
    crate::intern::text(text)
}

pub const NAME: Column = Column { format: "name", ..Column::of::<ObjectMeta>("Name", "name") };
pub const AGE: Column = Column::of::<ObjectMeta>("Age", "creationTimestamp");
/// Where a kind without columns of its own shows when it was created.
pub const CREATED_AT: Column =
    Column { type_: "date", ..Column::of::<ObjectMeta>("Created At", "creationTimestamp") };
pub const CONTAINERS: Column =
    Column::text("Containers", "Names of each container in the template.").wide();
pub const IMAGES: Column =
    Column::text("Images", "Images referenced by each container in the template.").wide();

pub const NAME_AND_AGE: &[Column] = &[NAME, AGE];
/// Of kinds for which Kubernetes has no printer.
pub const NAME_AND_CREATED_AT: &[Column] = &[NAME, CREATED_AT];

/// Cells of [`NAME_AND_CREATED_AT`].
#[must_use]
pub fn name_and_created_at(metadata: &ObjectMeta) -> Vec<Tree> {
    let created = metadata.creation_timestamp.as_ref();
    vec![name(metadata), created.map_or(Tree::Null, |time| Tree::from(time.0.to_string()))]
}

/// The name cell.
#[must_use]
pub fn name(metadata: &ObjectMeta) -> Tree {
    Tree::from(metadata.name.clone().unwrap_or_default())
}

/// The cell that says how long ago the object was created.
#[must_use]
pub fn age(metadata: &ObjectMeta, now: Timestamp) -> Tree {
    Tree::from(since(metadata.creation_timestamp.as_ref(), now))
}

/// The cell that says when the object was created.
#[must_use]
pub fn created_at(metadata: &ObjectMeta) -> Tree {
    metadata
        .creation_timestamp
        .as_ref()
        .map_or(Tree::Null, |time| serde_json::to_value(time).unwrap_or_default())
}

/// How long ago `time` was, or `<unknown>`.
#[must_use]
pub fn since(time: Option<&Time>, now: Timestamp) -> String {
    time.map_or_else(
        || UNKNOWN.to_owned(),
        |time| human_duration(now.as_second().saturating_sub(time.0.as_second())),
    )
}

pub const UNKNOWN: &str = "<unknown>";
pub const NONE: &str = "<none>";
pub const UNSET: &str = "<unset>";

/// A duration in the units that people read: two units while small, one when large.
#[must_use]
pub fn human_duration(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let two = |unit: i64, name: char, small: i64, small_name: char| {
        let rest = seconds % unit / small;
        if rest == 0 {
            format!("{}{name}", seconds / unit)
        } else {
            format!("{}{name}{rest}{small_name}", seconds / unit)
        }
    };
    match seconds {
        // A clock one second behind is no reason to alarm anybody.
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(MINUTE, 'm', 1, 's'),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => two(HOUR, 'h', MINUTE, 'm'),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => two(DAY, 'd', HOUR, 'h'),
        691_200..63_072_000 => format!("{}d", seconds / DAY),
        63_072_000..252_288_000 => two(YEAR, 'y', DAY, 'd'),
        _ => format!("{}y", seconds / YEAR),
    }
}

/// `a=1,b=2`, or `<none>`.
#[must_use]
pub fn labels<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let mut text = String::new();
    for (key, value) in labels {
        let separator = if text.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{key}={value}");
    }
    if text.is_empty() { NONE.to_owned() } else { text }
}

/// The first three of a list, and how many more there are. Nothing is [`UNSET`].
#[must_use]
pub fn first_three(list: impl Iterator<Item = String>) -> String {
    const MAX: usize = 3;
    let mut list: Vec<String> = list.collect();
    let count = list.len();
    list.truncate(MAX);
    let shown = list.join(",");
    match count {
        0 => UNSET.to_owned(),
        count if count > MAX => format!("{shown} + {} more...", count - MAX),
        _ => shown,
    }
}

/// A label selector as selector text, with the words Kubernetes uses for "none" and "all".
#[must_use]
pub fn selector(selector: Option<&LabelSelector>) -> String {
    let Some(selector) = selector else {
        return NONE.to_owned();
    };
    let mut requirements: Vec<(String, String)> = selector
        .match_labels
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), format!("{key}={value}")))
        .collect();
    for requirement in selector.match_expressions.iter().flatten() {
        let key = requirement.key.as_str();
        let mut values = requirement.values.clone().unwrap_or_default();
        values.sort();
        let values = values.join(",");
        let text = match requirement.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return "<error>".to_owned(),
        };
        requirements.push((key.to_owned(), text));
    }
    if requirements.is_empty() {
        return NONE.to_owned();
    }
    requirements.sort_by(|a, b| a.0.cmp(&b.0));
    requirements.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}
