//! Which policies and webhooks there are, kept up to date as they change and compiled when they are first needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use meta::{GroupResource, Key, Revision};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use store::{Snapshot, Store, Watch};

use super::OWN_GROUP;
use super::compiled::{Binding, Mutating, Validating, Webhook};

const RESOURCES: [&str; 6] = [
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
];

/// What is configured at a moment.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    /// Each policy with its bindings, both in the order of their names.
    pub(super) mutating_policies: Vec<Bound<Mutating>>,
    pub(super) validating_policies: Vec<Bound<Validating>>,
    /// In the order of their configurations' names, and in the order of each.
    pub(super) mutating_webhooks: Vec<Arc<Webhook>>,
    pub(super) validating_webhooks: Vec<Arc<Webhook>>,
    parts: Parts,
}

/// A policy and where it holds.
#[derive(Debug)]
pub(super) struct Bound<P> {
    pub(super) policy: Arc<P>,
    pub(super) bindings: Vec<Arc<Binding>>,
}

impl Configured {
    pub(super) fn is_empty(&self) -> bool {
        !self.mutates() && !self.validates()
    }

    pub(super) fn mutates(&self) -> bool {
        !self.mutating_policies.is_empty() || !self.mutating_webhooks.is_empty()
    }

    pub(super) fn validates(&self) -> bool {
        !self.validating_policies.is_empty() || !self.validating_webhooks.is_empty()
    }
}

/// Objects in the form in which they are used, by name. What has not changed is taken over from before, with what was compiled of it.
#[derive(Debug, Default)]
struct Parts {
    mutating_policies: Known<Mutating>,
    mutating_bindings: Known<Binding>,
    mutating_webhooks: Known<Vec<Arc<Webhook>>>,
    validating_policies: Known<Validating>,
    validating_bindings: Known<Binding>,
    validating_webhooks: Known<Vec<Arc<Webhook>>>,
}

type Known<T> = BTreeMap<String, (Revision, Arc<T>)>;

/// Keeps what is configured.
#[derive(Debug, Default)]
pub(crate) struct Hooks(Mutex<Followed>);

#[derive(Debug, Default)]
struct Followed {
    watches: Vec<Watch>,
    current: Arc<Configured>,
}

impl Hooks {
    /// What is configured now.
    pub(crate) fn current(&self, store: &Store) -> Arc<Configured> {
        let mut followed = self.0.lock();
        if followed.watches.is_empty() || followed.has_changed() {
            followed.read(store);
        }
        Arc::clone(&followed.current)
    }
}

impl Followed {
    /// Whether anything happened since the last look. A watch that was left behind counts as a change.
    fn has_changed(&mut self) -> bool {
        let mut changed = false;
        let mut lost = false;
        for watch in &mut self.watches {
            loop {
                match watch.try_next() {
                    Ok(None) => break,
                    Ok(Some(_)) => changed = true,
                    Err(_) => {
                        lost = true;
                        break;
                    }
                }
            }
        }
        if lost {
            self.watches.clear();
        }
        changed || lost
    }

    fn read(&mut self, store: &Store) {
        let snapshot = store.snapshot();
        if self.watches.is_empty() {
            let prefixes = RESOURCES.iter().map(|name| prefix(name));
            // Without a watch everything is read again the next time.
            self.watches = prefixes
                .filter_map(|prefix| store.watch(snapshot.revision(), &prefix).ok())
                .collect();
            if self.watches.len() < RESOURCES.len() {
                self.watches.clear();
            }
        }
        self.current = Arc::new(configured(&snapshot, &self.current.parts));
    }
}

fn prefix(resource: &'static str) -> String {
    Key::prefix(&GroupResource::new(OWN_GROUP, resource), None)
}

fn configured(snapshot: &Snapshot, before: &Parts) -> Configured {
    let [policies, bindings, mutating, validating, validating_bindings, validating_webhooks] =
        RESOURCES;
    let parts = Parts {
        mutating_policies: known(snapshot, policies, &before.mutating_policies, Mutating::new),
        mutating_bindings: known(
            snapshot,
            bindings,
            &before.mutating_bindings,
            Binding::of_mutating,
        ),
        mutating_webhooks: known(
            snapshot,
            mutating,
            &before.mutating_webhooks,
            Webhook::all_mutating,
        ),
        validating_policies: known(
            snapshot,
            validating,
            &before.validating_policies,
            Validating::new,
        ),
        validating_bindings: known(
            snapshot,
            validating_bindings,
            &before.validating_bindings,
            Binding::of_validating,
        ),
        validating_webhooks: known(
            snapshot,
            validating_webhooks,
            &before.validating_webhooks,
            Webhook::all_validating,
        ),
    };
    Configured {
        mutating_policies: bound(&parts.mutating_policies, &parts.mutating_bindings),
        validating_policies: bound(&parts.validating_policies, &parts.validating_bindings),
        mutating_webhooks: webhooks(&parts.mutating_webhooks),
        validating_webhooks: webhooks(&parts.validating_webhooks),
        parts,
    }
}

/// The objects of a resource; only those that changed are read.
fn known<O: DeserializeOwned, T>(
    snapshot: &Snapshot,
    resource: &'static str,
    before: &Known<T>,
    read: impl Fn(O) -> T,
) -> Known<T> {
    let prefix = prefix(resource);
    let mut found = Known::new();
    for entry in snapshot.range(&prefix, None) {
        let name = entry.key.name().to_owned();
        if let Some((_, same)) = before.get(&name).filter(|(at, _)| *at == entry.revision) {
            found.insert(name, (entry.revision, Arc::clone(same)));
            continue;
        }
        match serde_json::from_slice::<O>(&entry.body) {
            Ok(object) => {
                found.insert(name, (entry.revision, Arc::new(read(object))));
            }
            Err(error) => tracing::error!(%error, resource, name, "a stored object is damaged"),
        }
    }
    found
}

fn bound<P>(policies: &Known<P>, bindings: &Known<Binding>) -> Vec<Bound<P>> {
    let mut of: BTreeMap<&str, Vec<Arc<Binding>>> = BTreeMap::new();
    for (_, binding) in bindings.values() {
        of.entry(&binding.policy).or_default().push(Arc::clone(binding));
    }
    // A policy without a binding means nobody.
    policies
        .iter()
        .filter_map(|(name, (_, policy))| {
            let bindings = of.remove(name.as_str())?;
            Some(Bound { policy: Arc::clone(policy), bindings })
        })
        .collect()
}

fn webhooks(known: &Known<Vec<Arc<Webhook>>>) -> Vec<Arc<Webhook>> {
    known.values().flat_map(|(_, hooks)| hooks.iter().cloned()).collect()
}
