//! What a controller is to the shell: a name, what wakes it, and one pure function.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;
use meta::GroupResource;

use crate::{Failure, Inventory, Plan, Sourced, Sources, Which};

/// Names the object that a controller looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Empty for cluster-scoped objects.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

impl Key {
    /// A key of its parts.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key of an object.
    pub fn of<K: Sourced>(object: &K) -> Self {
        let metadata = object.metadata();
        Self::new(
            metadata.namespace.as_deref().unwrap_or(""),
            metadata.name.as_deref().unwrap_or(""),
        )
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// What a view is made of, besides the object's own key.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// What can be read.
    pub sources: &'a Sources,
    /// The time of this look.
    pub now: Timestamp,
    /// What all namespaces contain.
    pub inventory: &'a dyn Inventory,
    /// What went wrong the last time, if anything.
    pub failure: Option<&'a Failure>,
    /// Facts of this cluster.
    pub facts: &'a Facts,
}

/// Facts of the cluster that no object holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The certificates that clients trust the API server by, in PEM.
    pub root_ca: String,
}

/// Changes of the content of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heed {
    /// Something appears, ends or goes.
    Changes,
    /// Something is gone.
    Losses,
}

/// A controller. One line in the registry makes it run.
pub trait Controller: Debug + Send + Sync + 'static {
    /// Kubernetes' name for it.
    fn name(&self) -> &'static str;

    /// The name that its Events come from.
    fn component(&self) -> &'static str {
        self.name()
    }

    /// The program that it is a part of in Kubernetes, which owns what it writes.
    fn agent(&self) -> &'static str {
        "kube-controller-manager"
    }

    /// What wakes it.
    fn watches(&self) -> Vec<Watch>;

    /// Which changes of a namespace's content wake that Namespace.
    fn watches_inventory(&self) -> Option<Heed> {
        None
    }

    /// The key that wakes when the server knows the objects of a resource, and when one of them is gone.
    fn key_of_resource(&self, _sources: &Sources, _resource: &GroupResource) -> Option<Key> {
        None
    }

    /// Looks at one object and decides.
    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan;
}

type Map = Box<dyn Fn(&Sources, Option<&dyn Any>, Option<&dyn Any>) -> Vec<Key> + Send + Sync>;

/// How a change of one kind becomes keys to look at.
pub struct Watch {
    /// The kind.
    pub which: Which,
    map: Map,
}

impl Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("which", &self.which).finish_non_exhaustive()
    }
}

impl Watch {
    /// Keys by a function of the object, asked about it before and after the change.
    pub fn of<K: Sourced>(map: impl Fn(&Sources, &K) -> Vec<Key> + Send + Sync + 'static) -> Self {
        Self::when(move |sources, before: Option<&K>, after: Option<&K>| {
            let mut keys = before.map(|object| map(sources, object)).unwrap_or_default();
            let more = after.map(|object| map(sources, object)).unwrap_or_default();
            keys.extend(more);
            keys
        })
    }

    /// Keys by a function of the whole change.
    pub fn when<K: Sourced>(
        map: impl Fn(&Sources, Option<&K>, Option<&K>) -> Vec<Key> + Send + Sync + 'static,
    ) -> Self {
        let map = move |sources: &Sources, before: Option<&dyn Any>, after: Option<&dyn Any>| {
            let before = before.and_then(|object| object.downcast_ref());
            map(sources, before, after.and_then(|object| object.downcast_ref()))
        };
        Self { which: K::WHICH, map: Box::new(map) }
    }

    /// The object itself.
    pub fn itself<K: Sourced>() -> Self {
        Self::of(|_, object: &K| vec![Key::of(object)])
    }

    /// The owner, if its controller is of kind `O`.
    pub fn controller<K: Sourced, O: Sourced>() -> Self {
        Self::of(|_, object: &K| crate::ownership::controller_key::<O>(object.metadata()))
    }

    /// The keys that a change leads to.
    pub fn keys(
        &self,
        sources: &Sources,
        before: Option<&dyn Any>,
        after: Option<&dyn Any>,
    ) -> Vec<Key> {
        (self.map)(sources, before, after)
    }
}
