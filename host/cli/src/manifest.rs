//! Reads manifests: YAML or JSON files, folders of them, standard input; several documents in one file, and `List` objects.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize as _;
use serde_json::Value;

use crate::session::{standard_input, text};

/// One object as a file has it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The file, for messages.
    pub source: String,
    pub object: Value,
}

impl Manifest {
    pub fn api_version(&self) -> &str {
        text(&self.object, "/apiVersion")
    }

    pub fn kind(&self) -> &str {
        text(&self.object, "/kind")
    }

    pub fn name(&self) -> &str {
        text(&self.object, "/metadata/name")
    }

    /// The namespace that the file names, if any.
    pub fn namespace(&self) -> Option<&str> {
        self.object.pointer("/metadata/namespace").and_then(Value::as_str)
    }
}

/// Reads files and folders (their `.yaml`, `.yml` and `.json` files; those below them when `recursive`); `-` is standard input.
/// Namespaces and custom types come first, since the rest may need them.
pub fn read(paths: &[PathBuf], recursive: bool) -> anyhow::Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            parse(&standard_input()?, "standard input", &mut manifests)?;
            continue;
        }
        for file in files(path, recursive)? {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            parse(&text, &file.display().to_string(), &mut manifests)?;
        }
    }
    if manifests.is_empty() {
        bail!("no objects found in what was given")
    }
    manifests.sort_by_key(|manifest| match manifest.kind() {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        _ => 2,
    });
    Ok(manifests)
}

fn files(path: &Path, recursive: bool) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let entries = path.read_dir().with_context(|| format!("cannot read {}", path.display()))?;
    for entry in entries {
        let entry = entry?.path();
        if entry.is_dir() {
            if recursive {
                found.extend(files(&entry, true)?);
            }
        } else if entry.extension().is_some_and(|it| it == "yaml" || it == "yml" || it == "json") {
            found.push(entry);
        }
    }
    found.sort();
    Ok(found)
}

fn parse(text: &str, source: &str, manifests: &mut Vec<Manifest>) -> anyhow::Result<()> {
    // JSON is YAML as well, but YAML readers disagree on tabs; a JSON file is read as what it is.
    if text.trim_start().starts_with('{') {
        for object in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            add(object.with_context(|| format!("cannot parse {source}"))?, source, manifests)?;
        }
        return Ok(());
    }
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).with_context(|| format!("cannot parse {source}"))?;
    for object in documents {
        add(object, source, manifests)?;
    }
    Ok(())
}

fn add(mut object: Value, source: &str, manifests: &mut Vec<Manifest>) -> anyhow::Result<()> {
    if object.is_null() {
        return Ok(());
    }
    if !object.is_object() {
        bail!("{source}: a manifest is an object with apiVersion, kind and metadata")
    }
    if text(&object, "/kind").ends_with("List") && object.get("items").is_some_and(Value::is_array)
    {
        for item in Vec::<Value>::deserialize(object["items"].take())? {
            add(item, source, manifests)?;
        }
        return Ok(());
    }
    let manifest = Manifest { source: source.to_owned(), object };
    for (field, value) in [("apiVersion", manifest.api_version()), ("kind", manifest.kind())] {
        if value.is_empty() {
            bail!("{source}: {field} not set")
        }
    }
    if manifest.name().is_empty() {
        bail!("{source}: {} has no metadata.name", manifest.kind())
    }
    manifests.push(manifest);
    Ok(())
}

#[cfg(test)]
mod tests;
