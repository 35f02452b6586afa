//! Prints the tables that servers send, in kubectl's columns: three spaces between, upper-case headers, wide columns on request.

use std::io::{self, Write};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `meta.k8s.io/v1` Table, as far as printing needs it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Table {
    #[serde(deserialize_with = "or_none")]
    pub(crate) column_definitions: Vec<Column>,
    #[serde(deserialize_with = "or_none")]
    pub(crate) rows: Vec<Row>,
    pub(crate) metadata: ListMeta,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListMeta {
    pub(crate) resource_version: String,
    #[serde(rename = "continue")]
    pub(crate) continuation: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) priority: i32,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Value>,
    pub(crate) object: api::PartialObject,
}

/// A list, which servers send as `null` where it would be empty.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(list: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(list)?.unwrap_or_default())
}

/// What a table shows beside the server's columns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) wide: bool,
    pub(crate) namespaces: bool,
    pub(crate) labels: bool,
    pub(crate) headers: bool,
}

impl Table {
    /// The lines to print. `prefix` goes before each name, as in `pod/web`.
    pub(crate) fn lines(&self, options: Options, prefix: Option<&str>) -> Vec<Vec<String>> {
        let shown: Vec<usize> = self
            .column_definitions
            .iter()
            .enumerate()
            .filter(|(_, column)| options.wide || column.priority == 0)
            .map(|(index, _)| index)
            .collect();
        let mut lines = Vec::with_capacity(self.rows.len() + 1);
        if options.headers {
            lines.push(self.header(&shown, options));
        }
        for row in &self.rows {
            let mut line = Vec::with_capacity(shown.len() + 2);
            if options.namespaces {
                line.push(row.object.metadata.namespace.clone().unwrap_or_default());
            }
            for (place, &index) in shown.iter().enumerate() {
                let cell = row.cells.get(index).map(cell).unwrap_or_default();
                line.push(match prefix {
                    Some(prefix) if place == 0 => format!("{prefix}/{cell}"),
                    _ => cell,
                });
            }
            if options.labels {
                line.push(labels(&row.object.metadata));
            }
            lines.push(line);
        }
        lines
    }

    fn header(&self, shown: &[usize], options: Options) -> Vec<String> {
        let namespace = options.namespaces.then(|| "NAMESPACE".to_owned());
        let columns = shown.iter().filter_map(|&index| self.column_definitions.get(index));
        let labels = options.labels.then(|| "LABELS".to_owned());
        namespace
            .into_iter()
            .chain(columns.map(|column| column.name.to_uppercase()))
            .chain(labels)
            .collect()
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<none>".to_owned(),
        other => other.to_string(),
    }
}

fn labels(meta: &meta::ObjectMeta) -> String {
    let labels = meta.labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let labels = labels.collect::<Vec<_>>().join(",");
    if labels.is_empty() { "<none>".to_owned() } else { labels }
}

/// Widths of columns, kept over the lines of a watch so that they stay aligned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Widths(Vec<usize>);

impl Widths {
    /// Prints lines under the columns seen so far.
    pub(crate) fn print(&mut self, out: &mut dyn Write, lines: &[Vec<String>]) -> io::Result<()> {
        for line in lines {
            self.0.resize(self.0.len().max(line.len()), 0);
            for (width, cell) in self.0.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for line in lines {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(&self.0) {
                text.push_str(cell);
                let padding = width - cell.chars().count() + 3;
                text.extend(std::iter::repeat_n(' ', padding));
            }
            writeln!(out, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// Prints lines as one table.
pub(crate) fn print(out: &mut dyn Write, lines: &[Vec<String>]) -> io::Result<()> {
    Widths::default().print(out, lines)
}

#[cfg(test)]
mod tests;
