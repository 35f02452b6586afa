//! A cluster small enough for tests: objects in a table, and the rules of the server that
//! controllers rely on (revisions, generated names, finalizers, graceful ends, generations).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use meta::{GroupResource, GroupVersionResource};
use serde_json::{Value, json};

use crate::{
    Action, AnyObject, Change, Content, Controller, Facts, Fill, Instances, Inventory, Key, Look,
    Reads, Source, Sourced, Sources, Target, Which,
};

type Place = (Which, String, String);

/// Belongs to somebody else: no controller may touch what carries it.
pub(crate) const FOREIGN: &str = "foreign-owner";

#[derive(Clone)]
pub(crate) struct World {
    objects: BTreeMap<Place, AnyObject>,
    revision: u64,
    pub(crate) now: Timestamp,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for object in self.objects.values() {
            writeln!(f, "{}", serde_json::to_string(object).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// The server refuses.
#[derive(Debug)]
pub(crate) struct Refused;

impl World {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { objects: BTreeMap::new(), revision: 1, now }
    }

    /// Puts an object in as it is; its uid is its kind and name.
    pub(crate) fn put<K: Sourced>(&mut self, tree: Value) {
        let mut object: K = serde_json::from_value(tree).expect("an object");
        self.revision += 1;
        let revision = self.revision;
        let created = Time(self.now - jiff::SignedDuration::from_secs(100));
        let metadata = object.metadata_mut();
        let name = metadata.name.clone().unwrap_or_default();
        metadata.uid.get_or_insert_with(|| format!("{}-{name}", K::KIND));
        metadata.resource_version = Some(revision.to_string());
        metadata.creation_timestamp.get_or_insert(created);
        metadata.generation.get_or_insert(1);
        self.insert(object.into_any());
    }

    fn insert(&mut self, object: AnyObject) {
        let metadata = object.metadata();
        let place = (
            object.which(),
            metadata.namespace.clone().unwrap_or_default(),
            metadata.name.clone().unwrap_or_default(),
        );
        self.objects.insert(place, object);
    }

    /// The objects of one kind, by namespace and name.
    pub(crate) fn all<K: Sourced>(&self) -> Vec<K> {
        self.objects.values().filter_map(|object| object.downcast::<K>()).cloned().collect()
    }

    pub(crate) fn keys(&self, controller: &dyn Controller) -> Vec<Key> {
        let primary = controller.watches()[0].which;
        let all = self.objects.keys().filter(|(which, ..)| *which == primary);
        all.map(|(_, namespace, name)| Key::new(namespace, name)).collect()
    }

    pub(crate) fn look<T>(&self, shuffle: usize, f: impl FnOnce(&Look<'_>) -> T) -> T {
        let sources = Sources::new(&mut Tables { world: self, shuffle });
        let facts = Facts { root_ca: "PEM".to_owned() };
        let inventory = Contents(self.objects.keys().cloned().collect());
        f(&Look {
            sources: &sources,
            now: self.now,
            inventory: &inventory,
            failure: None,
            facts: &facts,
        })
    }

    pub(crate) fn apply(&mut self, action: Action) -> Result<(), Refused> {
        match action {
            Action::Create { object, .. } => self.create(object),
            Action::Update { object, .. } => self.replace(&object, false),
            Action::UpdateStatus { object } | Action::UpdateStatusIfNone { object, .. } => {
                self.replace(&object, true)
            }
            Action::Finalize { object } => {
                self.objects.remove(&place_of(&object));
                Ok(())
            }
            Action::Apply { object, subresource, manager } => {
                self.claim(&object, subresource, manager)
            }
            Action::Patch { target, patch, .. } => self.patch(&target, patch),
            Action::Delete { target, grace_secs, .. } => {
                self.delete(&target, grace_secs);
                Ok(())
            }
            Action::DeleteAll { resource, namespace } => {
                self.objects
                    .retain(|(which, ns, _), _| which.resource() != resource || *ns != namespace);
                Ok(())
            }
            // Here everything is allowed.
            Action::Approve { approvals } => {
                let first = approvals.into_iter().next().ok_or(Refused)?;
                self.replace(&first.object, true)
            }
            Action::Sign { mut request, .. } => {
                let signed = k8s_openapi::ByteString(b"signed".to_vec());
                request.status.get_or_insert_default().certificate = Some(signed);
                self.replace(&request.into_any(), true)
            }
            Action::IssueToken { mut secret, .. } => {
                let token = k8s_openapi::ByteString(b"token".to_vec());
                secret.data.get_or_insert_default().insert("token".to_owned(), token);
                self.replace(&secret.into_any(), false)
            }
            Action::Event(_) => Ok(()),
        }
    }

    fn create(&mut self, mut object: AnyObject) -> Result<(), Refused> {
        self.revision += 1;
        let revision = self.revision;
        let metadata = object.metadata_mut();
        if metadata.name.as_deref().unwrap_or("").is_empty() {
            let prefix = metadata.generate_name.clone().ok_or(Refused)?;
            metadata.name = Some(format!("{prefix}{revision:05}"));
        }
        metadata.uid = Some(format!("made-{revision}"));
        metadata.creation_timestamp = Some(Time(self.now));
        metadata.resource_version = Some(revision.to_string());
        metadata.generation = Some(1);
        if self.objects.contains_key(&place_of(&object)) {
            return Err(Refused);
        }
        self.insert(object);
        Ok(())
    }

    fn replace(&mut self, object: &AnyObject, is_status: bool) -> Result<(), Refused> {
        let known = self.objects.get(&place_of(object)).ok_or(Refused)?;
        if known.metadata().resource_version != object.metadata().resource_version {
            return Err(Refused);
        }
        let (old, mut new) = (tree(known), tree(object));
        if is_status {
            let status = new["status"].take();
            let kept = ["annotations", "finalizers"].map(|name| new["metadata"][name].take());
            let [notes, finalizers] = kept;
            new.clone_from(&old);
            new["status"] = status;
            new["metadata"]["annotations"] = notes;
            new["metadata"]["finalizers"] = finalizers;
        } else if old.get("status").is_some() {
            new["status"] = old["status"].clone();
        }
        self.write(object.which(), &old, new);
        Ok(())
    }

    fn patch(&mut self, target: &Target, patch: Change) -> Result<(), Refused> {
        let known = self.find(target).ok_or(Refused)?;
        let (which, old) = (known.which(), tree(known));
        let mut new = old.clone();
        let (Change::Merge(patch) | Change::Strategic(patch)) = patch else { return Err(Refused) };
        let revision = &patch["metadata"]["resourceVersion"];
        if revision.is_string() && *revision != old["metadata"]["resourceVersion"] {
            return Err(Refused);
        }
        merge(&mut new, patch);
        self.write(which, &old, new);
        Ok(())
    }

    /// Fields are known by their first name here, and whoever claims one owns it alone.
    fn claim(
        &mut self,
        object: &AnyObject,
        subresource: &str,
        manager: &str,
    ) -> Result<(), Refused> {
        let known = self.objects.get(&place_of(object)).ok_or(Refused)?;
        if known.metadata().uid != object.metadata().uid {
            return Err(Refused);
        }
        let (old, mut given) = (tree(known), tree(object));
        let given = given.as_object_mut().ok_or(Refused)?;
        given.retain(|name, _| {
            let is_told = !["apiVersion", "kind", "metadata"].contains(&name.as_str());
            is_told && (subresource.is_empty() || name == subresource)
        });
        let mut new = old.clone();
        let mut managed = old["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        let before = managed.iter().position(|entry| entry["manager"] == manager);
        let owned = before.map(|at| managed.remove(at)["fieldsV1"].take()).unwrap_or_default();
        for name in owned.as_object().into_iter().flatten().map(|(name, _)| &name["f:".len()..]) {
            if !given.contains_key(name) {
                new.as_object_mut().ok_or(Refused)?.remove(name);
            }
        }
        let fields: BTreeMap<_, _> =
            given.keys().map(|name| (format!("f:{name}"), json!({}))).collect();
        if !fields.is_empty() {
            managed.push(json!({"manager": manager, "operation": "Apply", "fieldsV1": fields}));
        }
        new["metadata"]["managedFields"] = json!(managed);
        let given = Value::Object(std::mem::take(given));
        merge(&mut new, given);
        self.write(object.which(), &old, new);
        Ok(())
    }

    fn write(&mut self, which: Which, old: &Value, mut new: Value) {
        if *old == new {
            return;
        }
        self.revision += 1;
        new["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        if old["spec"] != new["spec"] {
            new["metadata"]["generation"] = json!(self.revision);
        }
        let object = which.read(new).expect("it was an object before");
        let metadata = object.metadata();
        let is_done = metadata.deletion_timestamp.is_some()
            && metadata.finalizers.iter().flatten().next().is_none()
            && object.downcast::<k8s_openapi::api::core::v1::Pod>().is_none_or(|pod| {
                crate::pods::node_name(pod).is_empty() || crate::pods::is_finished(pod)
            });
        if is_done {
            self.objects.remove(&place_of(&object));
        } else {
            self.insert(object);
        }
    }

    fn delete(&mut self, target: &Target, grace_secs: Option<i64>) {
        let now = self.now;
        self.revision += 1;
        let revision = self.revision;
        let Some(place) = self.find(target).map(place_of) else { return };
        let Some(object) = self.objects.get_mut(&place) else { return };
        let is_graceful = grace_secs != Some(0)
            && object.downcast::<k8s_openapi::api::core::v1::Pod>().is_some_and(|pod| {
                !crate::pods::node_name(pod).is_empty() && !crate::pods::is_finished(pod)
            });
        let metadata = object.metadata_mut();
        if is_graceful || metadata.finalizers.iter().flatten().next().is_some() {
            metadata.deletion_timestamp.get_or_insert(Time(now));
            metadata.deletion_grace_period_seconds = Some(grace_secs.unwrap_or(30));
            metadata.resource_version = Some(revision.to_string());
        } else {
            self.objects.remove(&place);
        }
    }

    fn find(&self, target: &Target) -> Option<&AnyObject> {
        self.objects.values().find(|object| {
            let metadata = object.metadata();
            object.which().resource() == target.resource
                && metadata.uid.as_deref() == Some(&target.uid)
        })
    }

    /// Whether an action writes to what belongs to somebody else.
    pub(crate) fn is_foreign(&self, action: &Action) -> bool {
        let foreign = |metadata: &ObjectMeta| {
            metadata.owner_references.iter().flatten().any(|owner| owner.uid == FOREIGN)
        };
        match action {
            Action::Update { object, .. } | Action::Apply { object, subresource: "", .. } => {
                let known = self.objects.get(&place_of(object));
                known.is_some_and(|known| foreign(known.metadata()))
            }
            // A Pod's eviction and its state on a dead node are nobody's property.
            Action::Patch { target, subresource: "", .. } => {
                self.find(target).is_some_and(|object| foreign(object.metadata()))
            }
            Action::Create { object, .. } => self.objects.contains_key(&place_of(object)),
            _ => false,
        }
    }

    /// Somebody else is at work, too: revisions move, a Pod goes, another becomes ready.
    pub(crate) fn disturb(&mut self) {
        let places: Vec<Place> = self.objects.keys().cloned().collect();
        for place in places.iter().step_by(3) {
            self.revision += 1;
            let revision = self.revision.to_string();
            if let Some(object) = self.objects.get_mut(place) {
                object.metadata_mut().resource_version = Some(revision);
            }
        }
        let pod = places.iter().find(|(which, ..)| *which == Which::Pod);
        if let Some(pod) = pod {
            self.objects.remove(pod);
        }
    }

    pub(crate) fn touch_foreign(&mut self) {
        for object in self.objects.values_mut() {
            let metadata = object.metadata_mut();
            if metadata.owner_references.iter().flatten().any(|owner| owner.uid == FOREIGN) {
                let notes = metadata.annotations.get_or_insert_default();
                notes.insert("touched".to_owned(), "yes".to_owned());
            }
            self.revision += 1;
            metadata.resource_version = Some(self.revision.to_string());
        }
    }
}

fn place_of(object: &AnyObject) -> Place {
    let metadata = object.metadata();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    (object.which(), text(&metadata.namespace), text(&metadata.name))
}

fn tree(object: &AnyObject) -> Value {
    serde_json::to_value(object).expect("objects are JSON")
}

/// A merge that knows the list keys that controllers use: `uid` of owners and `type` of conditions.
fn merge(into: &mut Value, patch: Value) {
    match patch {
        Value::Object(members) => {
            if !into.is_object() {
                *into = json!({});
            }
            for (key, value) in members {
                if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
                    let gone = value.as_array().cloned().unwrap_or_default();
                    if let Some(items) = into[list].as_array_mut() {
                        items.retain(|item| !gone.contains(item));
                    }
                } else if value.is_null() {
                    into.as_object_mut().expect("made above").remove(&key);
                } else {
                    merge(&mut into[&key], value);
                }
            }
        }
        Value::Array(items) => {
            let key = ["type", "uid"].into_iter().find(|key| {
                items.first().is_some_and(|item| item.get(*key).is_some())
                    && items[0].get("key").is_none()
            });
            let Some(key) = key else {
                *into = Value::Array(items);
                return;
            };
            let mut list = into.as_array().cloned().unwrap_or_default();
            for item in items {
                let same = list.iter().position(|known| known[key] == item[key]);
                match (same, item.get("$patch").is_some()) {
                    (Some(at), true) => drop(list.remove(at)),
                    (Some(at), false) => merge(&mut list[at], item),
                    (None, true) => {}
                    (None, false) => list.push(item),
                }
            }
            *into = Value::Array(list);
        }
        other => *into = other,
    }
}

#[derive(Debug)]
struct Contents(Vec<Place>);

impl Inventory for Contents {
    fn contents(&self, namespace: &str) -> Option<Vec<Content>> {
        let kinds = [Which::Pod, Which::Service, Which::ConfigMap];
        let contents = kinds.map(|kind| {
            let here = |(which, ns, _): &&Place| *which == kind && ns == namespace;
            let count = self.0.iter().filter(here).count();
            let resource = kind.resource();
            Content { resource, count, staying: count, finalizers: BTreeMap::new() }
        });
        Some(contents.into())
    }

    /// Objects of custom kinds are not among those of this world.
    fn instances(&self, resource: &GroupResource) -> Option<Instances> {
        let GroupResource { group, resource } = resource.clone();
        let resource = GroupVersionResource { group, version: "v1".into(), resource };
        Some(Instances { resource, count: 0, staying: BTreeSet::new() })
    }
}

struct Tables<'a> {
    world: &'a World,
    shuffle: usize,
}

impl Fill for Tables<'_> {
    fn fill<K>(&mut self, which: Which) -> Source<K>
    where
        K: Sourced,
        K::Scope: 'static,
    {
        let all = self.world.objects.iter().filter(|((known, ..), _)| *known == which);
        let mut objects: Vec<Arc<K>> =
            all.filter_map(|(_, object)| object.downcast::<K>()).cloned().map(Arc::new).collect();
        match self.shuffle {
            0 => {}
            1 => objects.reverse(),
            n => {
                let count = objects.len().max(1);
                objects.rotate_left(n % count);
            }
        }
        Arc::new(Table(objects))
    }
}

struct Table<K>(Vec<Arc<K>>);

impl<K: Sourced> Table<K> {
    fn such(&self, is: impl Fn(&ObjectMeta) -> bool) -> Vec<Arc<K>> {
        self.0.iter().filter(|object| is(object.metadata())).cloned().collect()
    }
}

impl<K: Sourced> Reads<K> for Table<K> {
    fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        let is = |m: &ObjectMeta| {
            m.name.as_deref() == Some(name) && m.namespace.as_deref().unwrap_or("") == namespace
        };
        self.such(is).pop()
    }

    fn all(&self) -> Vec<Arc<K>> {
        self.0.clone()
    }

    fn in_namespace(&self, namespace: &str) -> Vec<Arc<K>> {
        self.such(|metadata| metadata.namespace.as_deref().unwrap_or("") == namespace)
    }

    fn owned_by(&self, uid: &str) -> Vec<Arc<K>> {
        self.such(|metadata| metadata.owner_references.iter().flatten().any(|o| o.uid == uid))
    }

    fn labelled(&self, namespace: &str, key: &str, value: &str) -> Vec<Arc<K>> {
        self.such(|metadata| {
            metadata.namespace.as_deref().unwrap_or("") == namespace
                && metadata.labels.as_ref().and_then(|l| l.get(key)).is_some_and(|v| v == value)
        })
    }
}
