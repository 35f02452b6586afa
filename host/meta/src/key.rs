//! The name of an object in the store: `{resource}[.{group}]/{namespace}/{name}`.
//!
//! Objects without a namespace keep the place of it empty (`nodes//n1`), so that a key always has
//! three parts and one prefix selects a resource, another a namespace of it. None of the parts may
//! contain a slash; the names that the API server accepts never do.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::GroupResource;

/// A storage key; cloning it shares the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    pub fn new(resource: &GroupResource, namespace: &str, name: &str) -> Self {
        let mut text = Self::prefix(resource, Some(namespace));
        text.push_str(name);
        Self(text.into())
    }

    /// Reads a key as [`Key::as_str`] gives it; `None` unless it has its three parts.
    pub fn parse(text: &str) -> Option<Self> {
        (text.split('/').count() == 3).then(|| Self(text.into()))
    }

    /// What the keys of a resource, or of a resource in one namespace, begin with. It ends in a
    /// slash.
    pub fn prefix(resource: &GroupResource, namespace: Option<&str>) -> String {
        let mut text = String::with_capacity(
            resource.resource.len() + resource.group.len() + namespace.map_or(0, str::len) + 32,
        );
        text.push_str(&resource.resource);
        if !resource.group.is_empty() {
            text.push('.');
            text.push_str(&resource.group);
        }
        text.push('/');
        if let Some(namespace) = namespace {
            text.push_str(namespace);
            text.push('/');
        }
        text
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `deployments.apps`
    pub fn resource(&self) -> &str {
        self.part(0)
    }

    /// Empty for objects without one.
    pub fn namespace(&self) -> &str {
        self.part(1)
    }

    pub fn name(&self) -> &str {
        self.part(2)
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(3, '/').nth(index).unwrap_or_default()
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests;
