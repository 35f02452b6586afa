//! From a volume's definition and what it refers to, to files. Pure.
//! <https://kubernetes.io/docs/concepts/storage/volumes/>

use std::collections::BTreeMap;
use std::path::{Component, Path};

use k8s_openapi::api::core::v1 as core;

use crate::fields::Facts;
use crate::materials::{Materials, TokenNeed};

/// A file of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) mode: u32,
}

/// Files by their path within the volume.
pub(crate) type Files = BTreeMap<String, Content>;

/// What the node has to do for a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// A folder that the containers of the Pod share.
    Empty,
    /// Files that the node writes and refreshes.
    Files,
    /// A folder of the host.
    Host { path: &'a str, is_created: bool },
    /// Not here; the name of the type.
    Unsupported(String),
}

const MODE_DEFAULT: i32 = 0o644;

/// Why a volume has no content; the texts are those of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VolumeError {
    #[error("configmap \"{0}\" not found")]
    ConfigMap(String),
    #[error("secret \"{0}\" not found")]
    Secret(String),
    #[error("configmap references non-existent config key: {0}")]
    ConfigKey(String),
    #[error("references non-existent secret key: {0}")]
    SecretKey(String),
    #[error("no token for audience \"{0}\"")]
    Token(String),
    #[error("path \"{0}\" leads out of the volume")]
    Path(String),
    #[error(transparent)]
    Field(#[from] crate::fields::Unsupported),
    #[error("projected volume source is not supported by this node")]
    Source,
}

/// What kind of volume this is.
pub(crate) fn kind(volume: &core::Volume) -> Kind<'_> {
    if volume.empty_dir.is_some() {
        return Kind::Empty;
    }
    if volume.config_map.is_some()
        || volume.secret.is_some()
        || volume.downward_api.is_some()
        || volume.projected.is_some()
    {
        return Kind::Files;
    }
    if let Some(host) = &volume.host_path {
        let type_ = host.type_.as_deref().unwrap_or_default();
        return match type_ {
            "" | "Directory" => Kind::Host { path: &host.path, is_created: false },
            "DirectoryOrCreate" => Kind::Host { path: &host.path, is_created: true },
            other => Kind::Unsupported(format!("hostPath of type {other}")),
        };
    }
    // The name of the one field that is set is the name of the type.
    let tree = serde_json::to_value(volume).unwrap_or_default();
    let names = tree.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let name = names.filter(|name| *name != "name").collect::<Vec<_>>().join(", ");
    Kind::Unsupported(if name.is_empty() { "no source".to_owned() } else { name })
}

/// The files of a volume of [`Kind::Files`].
pub(crate) fn project(
    volume: &core::Volume,
    facts: &Facts<'_>,
    materials: &Materials,
) -> Result<Files, VolumeError> {
    let mut files = Files::new();
    if let Some(source) = &volume.config_map {
        let mode = source.default_mode.unwrap_or(MODE_DEFAULT);
        let is_optional = source.optional == Some(true);
        let from = Selection { items: source.items.as_deref(), mode, is_optional };
        config_map(&mut files, &source.name, &from, materials)?;
    }
    if let Some(source) = &volume.secret {
        let mode = source.default_mode.unwrap_or(MODE_DEFAULT);
        let is_optional = source.optional == Some(true);
        let from = Selection { items: source.items.as_deref(), mode, is_optional };
        secret(&mut files, source.secret_name.as_deref().unwrap_or_default(), &from, materials)?;
    }
    if let Some(source) = &volume.downward_api {
        let mode = source.default_mode.unwrap_or(MODE_DEFAULT);
        downward(&mut files, source.items.as_deref(), mode, facts)?;
    }
    if let Some(projected) = &volume.projected {
        let mode = projected.default_mode.unwrap_or(MODE_DEFAULT);
        for source in projected.sources.iter().flatten() {
            self::source(&mut files, source, mode, facts, materials)?;
        }
    }
    Ok(files)
}

/// Which keys of an object become files.
struct Selection<'a> {
    items: Option<&'a [core::KeyToPath]>,
    mode: i32,
    is_optional: bool,
}

fn source(
    files: &mut Files,
    source: &core::VolumeProjection,
    mode: i32,
    facts: &Facts<'_>,
    materials: &Materials,
) -> Result<(), VolumeError> {
    if let Some(source) = &source.config_map {
        let is_optional = source.optional == Some(true);
        let from = Selection { items: source.items.as_deref(), mode, is_optional };
        return config_map(files, &source.name, &from, materials);
    }
    if let Some(source) = &source.secret {
        let is_optional = source.optional == Some(true);
        let from = Selection { items: source.items.as_deref(), mode, is_optional };
        return secret(files, &source.name, &from, materials);
    }
    if let Some(source) = &source.downward_api {
        return downward(files, source.items.as_deref(), mode, facts);
    }
    if let Some(token) = &source.service_account_token {
        let need = TokenNeed::of(token);
        let bytes = materials.tokens.get(&need).ok_or(VolumeError::Token(need.audience))?;
        return put(files, &token.path, bytes.clone().into_bytes(), mode);
    }
    Err(VolumeError::Source)
}

fn config_map(
    files: &mut Files,
    name: &str,
    from: &Selection<'_>,
    materials: &Materials,
) -> Result<(), VolumeError> {
    let Some(found) = materials.config_maps.get(name) else {
        return if from.is_optional {
            Ok(())
        } else {
            Err(VolumeError::ConfigMap(name.to_owned()))
        };
    };
    let text = found.data.iter().flatten().map(|(key, value)| (key, value.clone().into_bytes()));
    let binary = found.binary_data.iter().flatten().map(|(key, value)| (key, value.0.clone()));
    let data = text.chain(binary).map(|(key, bytes)| (key.clone(), bytes)).collect();
    select(files, data, from, VolumeError::ConfigKey)
}

fn secret(
    files: &mut Files,
    name: &str,
    from: &Selection<'_>,
    materials: &Materials,
) -> Result<(), VolumeError> {
    let Some(found) = materials.secrets.get(name) else {
        return if from.is_optional { Ok(()) } else { Err(VolumeError::Secret(name.to_owned())) };
    };
    let data = found.data.iter().flatten();
    let data = data.map(|(key, value)| (key.clone(), value.0.clone())).collect();
    select(files, data, from, VolumeError::SecretKey)
}

fn select(
    files: &mut Files,
    mut data: BTreeMap<String, Vec<u8>>,
    from: &Selection<'_>,
    missing: impl Fn(String) -> VolumeError,
) -> Result<(), VolumeError> {
    let Some(items) = from.items.filter(|items| !items.is_empty()) else {
        for (key, bytes) in data {
            put(files, &key, bytes, from.mode)?;
        }
        return Ok(());
    };
    for item in items {
        match data.remove(&item.key) {
            Some(bytes) => put(files, &item.path, bytes, item.mode.unwrap_or(from.mode))?,
            None if from.is_optional => {}
            None => return Err(missing(item.key.clone())),
        }
    }
    Ok(())
}

fn downward(
    files: &mut Files,
    items: Option<&[core::DownwardAPIVolumeFile]>,
    mode: i32,
    facts: &Facts<'_>,
) -> Result<(), VolumeError> {
    for item in items.unwrap_or_default() {
        let text = if let Some(field) = &item.field_ref {
            facts.field(&field.field_path)?
        } else if let Some(selector) = &item.resource_field_ref {
            let name = selector.container_name.as_deref().unwrap_or_default();
            let container = crate::env::named(facts.pod, name);
            let unknown = || crate::fields::Unsupported(format!("container {name}"));
            facts.resource(selector, container.ok_or_else(unknown)?)?
        } else {
            continue;
        };
        put(files, &item.path, text.into_bytes(), item.mode.unwrap_or(mode))?;
    }
    Ok(())
}

fn put(files: &mut Files, path: &str, bytes: Vec<u8>, mode: i32) -> Result<(), VolumeError> {
    let is_plain = !path.is_empty()
        && !path.starts_with("..")
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_plain {
        return Err(VolumeError::Path(path.to_owned()));
    }
    let mode = u32::try_from(mode).unwrap_or(0) & 0o777;
    files.insert(path.to_owned(), Content { bytes, mode });
    Ok(())
}

#[cfg(test)]
mod tests;
