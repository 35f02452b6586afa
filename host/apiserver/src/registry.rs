//! The table of kinds that this server serves, by path: those that it knows by itself, and those that users define.
//!
//! Everything that depends on which kinds exist (routes, discovery, `OpenAPI`, Tables, storage keys) asks this table, so that a
//! kind is added in one place. A request takes the table as it is when it comes, and keeps to it.
//!
//! Definitions are objects in the store, and the table follows them when it is asked for: whoever has seen that a definition is established
//! finds its kinds served, on every server over the same store and after every start.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kinds::custom::{CustomKind, Definition};
use kinds::{AnyKind, KindInfo};
use meta::{GroupResource, Key, Revision};
use parking_lot::Mutex;
use store::{Snapshot, Store, Watch};

/// A kind of the table. Copies are cheap.
#[derive(Clone, Debug)]
pub(crate) enum KindRef {
    BuiltIn(&'static dyn AnyKind),
    Custom(CustomKind),
}

impl Deref for KindRef {
    type Target = dyn AnyKind;

    fn deref(&self) -> &Self::Target {
        match self {
            KindRef::BuiltIn(kind) => *kind,
            KindRef::Custom(kind) => kind,
        }
    }
}

/// Whether the server has kinds of a group by itself. About others it knows nothing, and says so in a plain way.
pub(crate) fn is_own_group(group: &str) -> bool {
    kinds::all().iter().any(|kind| kind.info().group == group)
}

impl KindRef {
    /// A kind that is always there.
    pub(crate) fn built_in(group: &str, version: &str, plural: &str) -> Option<KindRef> {
        kinds::find(group, version, plural).map(KindRef::BuiltIn)
    }
}

/// The kinds, ordered by group, version and plural name.
#[derive(Debug)]
pub(crate) struct Registry(Vec<KindRef>);

/// What a path says of a kind.
fn place(kind: &KindRef) -> (&'static str, &'static str, &'static str) {
    let info = kind.info();
    (info.group, info.version, info.plural)
}

impl Registry {
    fn new<'a>(definitions: impl Iterator<Item = &'a Arc<Definition>>) -> Registry {
        let mut all: Vec<_> = kinds::all().iter().map(|&kind| KindRef::BuiltIn(kind)).collect();
        let custom = definitions.flat_map(|definition| definition.kinds());
        all.extend(custom.map(|kind| KindRef::Custom(kind.clone())));
        // Nobody takes the place of a kind that the server knows by itself: those stand first, and sorting leaves them there.
        all.sort_by_key(place);
        all.dedup_by_key(|kind| place(kind));
        Registry(all)
    }

    /// The kind that a path names.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&KindRef> {
        let found = self.0.binary_search_by(|kind| place(kind).cmp(&(group, version, plural)));
        self.0.get(found.ok()?)
    }

    /// The kind of that name in a group and version, as objects name it.
    pub(crate) fn find_kind(&self, group: &str, version: &str, kind: &str) -> Option<&KindRef> {
        self.all().find(|candidate| {
            let info = candidate.info();
            info.group == group && info.version == version && info.kind == kind
        })
    }

    /// The kind under which a kind's objects are stored.
    pub(crate) fn stored_kind(&self, kind: &KindRef) -> KindRef {
        let stored = kind.info().stored_as;
        let found =
            stored.and_then(|stored| self.find(stored.group, stored.version, stored.plural));
        // A version in which objects are stored need not be served, and every version can store them.
        found.unwrap_or(kind).clone()
    }

    /// All kinds, ordered by group, version and plural name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &KindRef> {
        self.0.iter()
    }
}

impl Default for Registry {
    /// Only the kinds that are always there.
    fn default() -> Registry {
        Registry::new([].iter())
    }
}

/// Keeps the table.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Mutex<Followed>);

#[derive(Debug, Default)]
struct Followed {
    watch: Option<Watch>,
    definitions: Known,
    current: Arc<Registry>,
}

/// Definitions by name, as they were read, and what is served of them.
type Known = BTreeMap<String, (Revision, Option<Arc<Definition>>)>;

impl Kinds {
    /// The table as it is now.
    pub(crate) fn now(&self, store: &Store) -> Arc<Registry> {
        let mut followed = self.0.lock();
        if followed.has_changed() {
            followed.read(store);
        }
        Arc::clone(&followed.current)
    }
}

impl Followed {
    /// Whether anything happened since the last look. A watch that was left behind counts as a change, as does none.
    fn has_changed(&mut self) -> bool {
        let Some(watch) = &mut self.watch else { return true };
        let mut changed = false;
        loop {
            match watch.try_next() {
                Ok(None) => return changed,
                Ok(Some(_)) => changed = true,
                Err(_) => {
                    self.watch = None;
                    return true;
                }
            }
        }
    }

    fn read(&mut self, store: &Store) {
        let snapshot = store.snapshot();
        if self.watch.is_none() {
            // Without a watch everything is read again the next time.
            self.watch = store.watch(snapshot.revision(), &prefix()).ok();
        }
        let known = known(&snapshot, &self.definitions);
        let served = |known: &Known| -> Vec<Arc<Definition>> {
            known.values().filter_map(|(_, definition)| definition.clone()).collect()
        };
        let (before, after) = (served(&self.definitions), served(&known));
        let is_same = before.len() == after.len()
            && before.iter().zip(&after).all(|(before, after)| Arc::ptr_eq(before, after));
        if !is_same {
            self.current = Arc::new(Registry::new(after.iter()));
        }
        self.definitions = known;
    }
}

fn prefix() -> String {
    Key::prefix(&resource(), None)
}

/// Where the definition of a custom kind is stored.
pub(crate) fn definition_key(info: &KindInfo) -> Key {
    Key::new(&resource(), "", &format!("{}.{}", info.plural, info.group))
}

fn resource() -> GroupResource {
    GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions")
}

/// The definitions; only those that changed are read, and only what changed of them is made anew.
fn known(snapshot: &Snapshot, before: &Known) -> Known {
    let mut found = Known::new();
    for entry in snapshot.range(&prefix(), None) {
        let name = entry.key.name().to_owned();
        let known = before.get(&name);
        if let Some(same) = known.filter(|(at, _)| *at == entry.revision) {
            found.insert(name, same.clone());
            continue;
        }
        let known = known.and_then(|(_, definition)| definition.as_ref());
        let definition = match serde_json::from_slice::<CustomResourceDefinition>(&entry.body) {
            Ok(definition) => Definition::of(&definition, known),
            Err(error) => {
                tracing::error!(%error, name, "a stored definition is damaged");
                None
            }
        };
        found.insert(name, (entry.revision, definition));
    }
    found
}
