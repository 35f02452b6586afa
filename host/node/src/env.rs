//! The environment of a container: services, sources, variables, with `$(NAME)` replaced. Pure.
//!
//! Later values replace earlier ones: addresses of services, then `envFrom` in order, then `env` in order. A reference sees what was
//! defined before it; one to nothing stays as it is, and `$$` is a dollar.
//! <https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/>

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as core;

use crate::fields::Facts;
use crate::materials::Materials;

/// Why there is no environment; the texts are those of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnvError {
    #[error("configmap \"{0}\" not found")]
    ConfigMap(String),
    #[error("secret \"{0}\" not found")]
    Secret(String),
    #[error("couldn't find key {key} in {kind} {namespace}/{name}")]
    Key { key: String, kind: &'static str, namespace: String, name: String },
    #[error(transparent)]
    Field(#[from] crate::fields::Unsupported),
    #[error("environment variable {0} has a source that this node does not support")]
    Source(String),
    #[error("container {0} not found")]
    Container(String),
}

/// The variables of a container, in order of definition.
pub(crate) fn environment(
    container: &core::Container,
    facts: &Facts<'_>,
    materials: &Materials,
    services: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, EnvError> {
    let mut defined = Variables::default();
    for (name, value) in services {
        defined.set(&name, value);
    }
    for source in container.env_from.iter().flatten() {
        add_all(&mut defined, source, materials)?;
    }
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (_, Some(source)) => match value_of(variable, source, container, facts, materials)? {
                Some(value) => value,
                None => continue,
            },
            (value, None) => expand(value.as_deref().unwrap_or_default(), &defined.values),
        };
        defined.set(&variable.name, value);
    }
    Ok(defined.into_list())
}

#[derive(Default)]
struct Variables {
    values: BTreeMap<String, String>,
    order: Vec<String>,
}

impl Variables {
    fn set(&mut self, name: &str, value: String) {
        if self.values.insert(name.to_owned(), value).is_none() {
            self.order.push(name.to_owned());
        }
    }

    fn into_list(mut self) -> Vec<(String, String)> {
        let order = self.order.into_iter();
        order.filter_map(|name| self.values.remove(&name).map(|value| (name, value))).collect()
    }
}

fn add_all(
    defined: &mut Variables,
    source: &core::EnvFromSource,
    materials: &Materials,
) -> Result<(), EnvError> {
    let prefix = source.prefix.as_deref().unwrap_or_default();
    if let Some(reference) = &source.config_map_ref {
        match materials.config_maps.get(&reference.name) {
            Some(found) => {
                for (key, value) in found.data.iter().flatten() {
                    defined.set(&format!("{prefix}{key}"), value.clone());
                }
            }
            None if reference.optional == Some(true) => {}
            None => return Err(EnvError::ConfigMap(reference.name.clone())),
        }
    }
    if let Some(reference) = &source.secret_ref {
        match materials.secrets.get(&reference.name) {
            Some(found) => {
                for (key, value) in found.data.iter().flatten() {
                    let value = String::from_utf8_lossy(&value.0).into_owned();
                    defined.set(&format!("{prefix}{key}"), value);
                }
            }
            None if reference.optional == Some(true) => {}
            None => return Err(EnvError::Secret(reference.name.clone())),
        }
    }
    Ok(())
}

/// The value of a variable with a source; `None` if an optional one is missing.
fn value_of(
    variable: &core::EnvVar,
    source: &core::EnvVarSource,
    container: &core::Container,
    facts: &Facts<'_>,
    materials: &Materials,
) -> Result<Option<String>, EnvError> {
    let namespace = facts.pod.metadata.namespace.as_deref().unwrap_or_default();
    let missing = |kind, name: &str, key: &str| EnvError::Key {
        key: key.to_owned(),
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    if let Some(selector) = &source.config_map_key_ref {
        let is_optional = selector.optional == Some(true);
        let Some(found) = materials.config_maps.get(&selector.name) else {
            return absent(is_optional, EnvError::ConfigMap(selector.name.clone()));
        };
        return match found.data.iter().flatten().find(|(key, _)| **key == selector.key) {
            Some((_, value)) => Ok(Some(value.clone())),
            None => absent(is_optional, missing("ConfigMap", &selector.name, &selector.key)),
        };
    }
    if let Some(selector) = &source.secret_key_ref {
        let is_optional = selector.optional == Some(true);
        let Some(found) = materials.secrets.get(&selector.name) else {
            return absent(is_optional, EnvError::Secret(selector.name.clone()));
        };
        return match found.data.iter().flatten().find(|(key, _)| **key == selector.key) {
            Some((_, value)) => Ok(Some(String::from_utf8_lossy(&value.0).into_owned())),
            None => absent(is_optional, missing("Secret", &selector.name, &selector.key)),
        };
    }
    if let Some(field) = &source.field_ref {
        return Ok(Some(facts.field(&field.field_path)?));
    }
    if let Some(selector) = &source.resource_field_ref {
        let name = selector.container_name.as_deref().filter(|name| !name.is_empty());
        let of = match name {
            None => container,
            Some(name) => {
                named(facts.pod, name).ok_or_else(|| EnvError::Container(name.to_owned()))?
            }
        };
        return Ok(Some(facts.resource(selector, of)?));
    }
    Err(EnvError::Source(variable.name.clone()))
}

fn absent(is_optional: bool, error: EnvError) -> Result<Option<String>, EnvError> {
    if is_optional { Ok(None) } else { Err(error) }
}

/// A container of a Pod by name.
pub(crate) fn named<'a>(pod: &'a core::Pod, name: &str) -> Option<&'a core::Container> {
    let spec = pod.spec.as_ref()?;
    let mut all = spec.init_containers.iter().flatten().chain(&spec.containers);
    all.find(|container| container.name == name)
}

/// Replaces `$(NAME)` by the value of a known variable.
pub(crate) fn expand(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(escaped) = after.strip_prefix('$') {
            out.push('$');
            rest = escaped;
            continue;
        }
        let reference = after.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        let Some((name, tail)) = reference else {
            out.push('$');
            rest = after;
            continue;
        };
        if let Some(value) = values.get(name) {
            out.push_str(value);
        } else {
            out.push_str("$(");
            out.push_str(name);
            out.push(')');
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The variables that say where the services of a namespace are.
pub(crate) fn of_services<'a>(
    services: impl Iterator<Item = &'a core::Service>,
) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for service in services {
        let Some(spec) = &service.spec else { continue };
        let ip = spec.cluster_ip.as_deref().unwrap_or_default();
        let Some(first) = spec.ports.iter().flatten().next() else { continue };
        if ip.is_empty() || ip == "None" {
            continue;
        }
        let name = service.metadata.name.as_deref().unwrap_or_default();
        let name = name.to_ascii_uppercase().replace('-', "_");
        variables.push((format!("{name}_SERVICE_HOST"), ip.to_owned()));
        variables.push((format!("{name}_SERVICE_PORT"), first.port.to_string()));
        let url = |port: &core::ServicePort| {
            let protocol = port.protocol.as_deref().unwrap_or("TCP").to_ascii_lowercase();
            let host = if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() };
            format!("{protocol}://{host}:{}", port.port)
        };
        for port in spec.ports.iter().flatten() {
            if let Some(port_name) = port.name.as_deref().filter(|name| !name.is_empty()) {
                let port_name = port_name.to_ascii_uppercase().replace('-', "_");
                variables.push((format!("{name}_SERVICE_PORT_{port_name}"), port.port.to_string()));
            }
        }
        variables.push((format!("{name}_PORT"), url(first)));
        for port in spec.ports.iter().flatten() {
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let prefix = format!("{name}_PORT_{}_{protocol}", port.port);
            variables.push((prefix.clone(), url(port)));
            variables.push((format!("{prefix}_PROTO"), protocol.to_ascii_lowercase()));
            variables.push((format!("{prefix}_PORT"), port.port.to_string()));
            variables.push((format!("{prefix}_ADDR"), ip.to_owned()));
        }
    }
    variables
}

#[cfg(test)]
mod tests;
