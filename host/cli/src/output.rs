//! The formats of `-o`.

use std::io::Write;

use anyhow::Context as _;
use serde_json::Value;

/// How objects are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// The server's table
    #[default]
    Table,
    /// The server's table with all its columns
    Wide,
    /// YAML
    Yaml,
    /// JSON
    Json,
    /// type/name, one a line
    Name,
}

/// Writes an object as YAML or JSON.
pub(crate) fn object(out: &mut dyn Write, format: Format, value: &Value) -> anyhow::Result<()> {
    if format == Format::Yaml {
        let text =
            serde_saphyr::to_string(value).context("the object cannot be written as YAML")?;
        write!(out, "{text}")?;
    } else {
        writeln!(out, "{}", serde_json::to_string_pretty(value)?)?;
    }
    Ok(())
}

/// Several objects as kubectl wraps them.
pub(crate) fn list(items: Vec<Value>) -> Value {
    serde_json::json!({ "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "" }, "items": items })
}
