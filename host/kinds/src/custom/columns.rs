//! Columns and cells of custom kinds: the name, and what the definition points to.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns>.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use meta::Tree;

use super::JsonPath;
use crate::columns::{self, Column, Description, NAME};
use crate::intern;
use crate::wire::OrEmpty;

/// Where the age of objects is, which kinds without columns of their own show.
const CREATED: &str = ".metadata.creationTimestamp";
/// What a text column shows of a null.
const NO_VALUE: &str = "<no value>";

/// Writes the rows of a kind.
#[derive(Debug)]
pub(super) struct Printer {
    pub(super) columns: &'static [Column],
    /// Of each column but the first.
    paths: Vec<JsonPath>,
}

impl Printer {
    pub(super) fn new(given: &[CustomResourceColumnDefinition]) -> Self {
        let age = Column { type_: "date", ..columns::AGE };
        if given.is_empty() {
            let paths = JsonPath::parse(CREATED).into_iter().collect();
            return Self { columns: kept(vec![NAME, age]), paths };
        }
        let mut all = vec![NAME];
        let mut paths = Vec::new();
        for column in given {
            // What follows a path that is none is not shown.
            let Some(path) = JsonPath::parse(&column.json_path) else { break };
            paths.push(path);
            all.push(described(column));
        }
        Self { columns: kept(all), paths }
    }

    /// The cells of an object. `tree` is all of it.
    pub(super) fn row(&self, metadata: &ObjectMeta, tree: &Tree, now: Timestamp) -> Vec<Tree> {
        let others = self.columns.iter().skip(1).zip(&self.paths);
        let others = others.map(|(column, path)| {
            let first = path.find(tree).into_iter().next();
            first.map_or(Tree::Null, |value| cell(column.type_, value, now))
        });
        std::iter::once(columns::name(metadata)).chain(others).collect()
    }
}

fn described(given: &CustomResourceColumnDefinition) -> Column {
    let description = match given.description.or_empty() {
        "" => {
            format!("Custom resource definition column (in JSONPath format): {}", given.json_path)
        }
        text => text.to_owned(),
    };
    Column {
        name: intern::text(&given.name),
        type_: intern::text(&given.type_),
        format: intern::text(given.format.or_empty()),
        priority: given.priority.unwrap_or_default(),
        description: Description::Text(intern::text(&description)),
    }
}

/// The one copy of a list of columns, for the same reason as the texts of [`crate::intern`].
fn kept(columns: Vec<Column>) -> &'static [Column] {
    type Shown = Vec<(&'static str, &'static str, &'static str, i32, &'static str)>;
    static LISTS: Mutex<BTreeMap<Shown, &'static [Column]>> = Mutex::new(BTreeMap::new());
    let shown = columns
        .iter()
        .map(|column| {
            (column.name, column.type_, column.format, column.priority, column.describe())
        })
        .collect();
    let mut lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    lists.entry(shown).or_insert_with(|| Box::leak(columns.into_boxed_slice()))
}

fn cell(type_: &str, value: &Tree, now: Timestamp) -> Tree {
    match (type_, value) {
        ("string", value) => text(value).into(),
        ("integer", Tree::Number(number)) => {
            number.as_i64().or_else(|| whole(number.as_f64()?)).map_or(Tree::Null, Tree::from)
        }
        ("number", Tree::Number(_)) | ("boolean", Tree::Bool(_)) => value.clone(),
        ("date", Tree::String(text)) => match text.parse::<Timestamp>() {
            Ok(time) => columns::since(Some(&Time(time)), now).into(),
            Err(_) => "<invalid>".into(),
        },
        _ => Tree::Null,
    }
}

/// A fraction without what is behind the point.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9.2e18;
    (number.abs() < LIMIT).then_some(number.trunc() as i64)
}

/// A value as text columns and selectors show it.
pub(super) fn text(value: &Tree) -> String {
    match value {
        Tree::Null => NO_VALUE.to_owned(),
        Tree::String(text) => text.clone(),
        Tree::Number(number) => number.to_string(),
        Tree::Bool(flag) => flag.to_string(),
        Tree::Array(_) | Tree::Object(_) => value.to_string(),
    }
}
