//! The objects of a cache and its indexes: a plain structure without locks or time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use meta::Revision;

use super::Change;
use super::held::{Held, Warm};
use crate::{Object, Reread};

/// Names an object within its resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Empty for cluster-scoped objects.
    pub namespace: Arc<str>,
    /// Name within the namespace.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// A key of its parts.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// `key=value` to the names that carry it.
type Labels = HashMap<Box<str>, BTreeSet<Arc<str>>>;

#[derive(Debug)]
pub(super) struct State<K> {
    objects: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Held<K>>>,
    count: usize,
    warm: Warm,
    owners: HashMap<Box<str>, BTreeSet<ObjectKey>>,
    /// By namespace.
    labels: Option<HashMap<Arc<str>, Labels>>,
    revision: Revision,
}

impl<K: Object> State<K> {
    pub(super) fn new(index_labels: bool) -> Self {
        Self {
            objects: BTreeMap::new(),
            count: 0,
            warm: Warm::default(),
            owners: HashMap::new(),
            labels: index_labels.then(HashMap::new),
            revision: Revision::default(),
        }
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.objects.get(namespace)?.get(name)?.get(&self.warm)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Arc<K>> {
        let held = self.objects.values().flat_map(BTreeMap::values);
        held.filter_map(|held| held.get(&self.warm))
    }

    /// How many typed objects there are that could be let go of.
    pub(super) fn warm(&self) -> &Warm {
        &self.warm
    }

    /// Lets go of the objects that nobody asked for since the last time.
    pub(super) fn cool(&self) {
        let all = self.objects.values().flat_map(BTreeMap::values);
        for held in all.take_while(|_| self.warm.is_over_min()) {
            held.cool(&self.warm);
        }
        self.warm.looked_at();
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = ObjectKey> {
        self.objects.iter().flat_map(|(namespace, names)| {
            names.keys().map(|name| ObjectKey { namespace: namespace.clone(), name: name.clone() })
        })
    }

    pub(super) fn present(&self) -> impl Iterator<Item = Change<K>> {
        self.objects.iter().flat_map(|(namespace, names)| {
            names.iter().filter_map(|(name, held)| {
                Some(Change {
                    key: ObjectKey { namespace: namespace.clone(), name: name.clone() },
                    before: None,
                    after: Some(held.get(&self.warm)?),
                })
            })
        })
    }

    pub(super) fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = Arc<K>> {
        let held = self.objects.get(namespace).into_iter().flat_map(BTreeMap::values);
        held.filter_map(|held| held.get(&self.warm))
    }

    pub(super) fn owned_by(&self, uid: &str) -> Vec<Arc<K>> {
        let keys = self.owners.get(uid).into_iter().flatten();
        keys.filter_map(|key| self.get(&key.namespace, &key.name)).collect()
    }

    pub(super) fn labelled(&self, namespace: &str, key: &str, value: &str) -> Vec<Arc<K>> {
        let names =
            self.labels.as_ref().and_then(|labels| labels.get(namespace)?.get(&*pair(key, value)));
        names.into_iter().flatten().filter_map(|name| self.get(namespace, name)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    pub(super) fn advance(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
    }

    /// Takes an object in; none if it is what was there.
    pub(super) fn put(
        &mut self,
        object: Arc<K>,
        again: Option<Arc<dyn Reread>>,
        revision: Option<Revision>,
    ) -> Option<Change<K>> {
        self.advance(revision.unwrap_or_default());
        let before = self.get(object.namespace(), object.name());
        if let Some(before) = &before {
            let version = object.meta().resource_version.as_deref();
            if version.is_some()
                && version == before.meta().resource_version.as_deref()
                && object.uid() == before.uid()
            {
                return None;
            }
        }
        let key = self.key_of(object.namespace(), object.name());
        if let Some(before) = &before {
            self.unindex(&key, before);
        }
        self.index(&key, &object);
        let held = Held::new(object.clone(), again, &self.warm);
        let names = self.objects.entry(key.namespace.clone()).or_default();
        match names.insert(key.name.clone(), held) {
            Some(replaced) => drop(replaced.into_inner(&self.warm)),
            None => self.count += 1,
        }
        Some(Change { key, before, after: Some(object) })
    }

    pub(super) fn remove(
        &mut self,
        namespace: &str,
        name: &str,
        revision: Option<Revision>,
    ) -> Option<Change<K>> {
        self.advance(revision.unwrap_or_default());
        let key = self.key_of(namespace, name);
        let names = self.objects.get_mut(namespace)?;
        let held = names.remove(name)?;
        if names.is_empty() {
            self.objects.remove(namespace);
        }
        self.count -= 1;
        let before = held.into_inner(&self.warm)?;
        self.unindex(&key, &before);
        Some(Change { key, before: Some(before), after: None })
    }

    /// The key with the texts that are already held, so that each is stored once.
    fn key_of(&self, namespace: &str, name: &str) -> ObjectKey {
        match self.objects.get_key_value(namespace) {
            Some((namespace, names)) => ObjectKey {
                namespace: namespace.clone(),
                name: names
                    .get_key_value(name)
                    .map_or_else(|| name.into(), |(name, _)| name.clone()),
            },
            None => ObjectKey::new(namespace, name),
        }
    }

    fn index(&mut self, key: &ObjectKey, object: &K) {
        for owner in object.meta().owner_references.iter().flatten() {
            self.owners.entry(owner.uid.as_str().into()).or_default().insert(key.clone());
        }
        let Some(labels) = &mut self.labels else { return };
        let Some(own) = object.meta().labels.as_ref().filter(|own| !own.is_empty()) else { return };
        let names = labels.entry(key.namespace.clone()).or_default();
        for (label, value) in own {
            names.entry(pair(label, value)).or_default().insert(key.name.clone());
        }
    }

    fn unindex(&mut self, key: &ObjectKey, object: &K) {
        for owner in object.meta().owner_references.iter().flatten() {
            if let Some(keys) = self.owners.get_mut(owner.uid.as_str()) {
                keys.remove(key);
                if keys.is_empty() {
                    self.owners.remove(owner.uid.as_str());
                }
            }
        }
        let Some(names) = self.labels.as_mut().and_then(|labels| labels.get_mut(&key.namespace))
        else {
            return;
        };
        for (label, value) in object.meta().labels.iter().flatten() {
            let pair = pair(label, value);
            if let Some(set) = names.get_mut(&pair) {
                set.remove(&key.name);
                if set.is_empty() {
                    names.remove(&pair);
                }
            }
        }
    }
}

fn pair(key: &str, value: &str) -> Box<str> {
    format!("{key}={value}").into()
}
