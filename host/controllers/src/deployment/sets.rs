//! The `ReplicaSets` of one Deployment, newest and old, and what becomes of them in one plan.
//!
//! Changes are collected here and become one update for each `ReplicaSet` and one for the status, so
//! that a plan never writes an object twice.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet, ReplicaSetSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::{bounds, hash, status};
use crate::{Action, Announce, Failure, Plan, Sourced, Target, Verb, ownership};

pub(super) const HASH_LABEL: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations that are about one object and are not copied to the other.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];
/// Characters of the history annotation.
const HISTORY_MAX: usize = 2000;
/// The longest name of an object.
const NAME_MAX: usize = 253;

/// One `ReplicaSet` as it was seen and as it shall be.
#[derive(Debug)]
pub(super) struct Draft {
    seen: Option<Arc<ReplicaSet>>,
    pub(super) set: ReplicaSet,
}

impl Draft {
    pub(super) fn name(&self) -> &str {
        self.set.metadata.name.as_deref().unwrap_or("")
    }

    pub(super) fn replicas(&self) -> i32 {
        self.set.spec.replicas.unwrap_or(1)
    }

    /// What was seen, whatever shall become of it.
    pub(super) fn replicas_seen(&self) -> i32 {
        let seen = self.seen.as_deref().unwrap_or(&self.set);
        seen.spec.replicas.unwrap_or(1)
    }

    pub(super) fn status(&self) -> &k8s_openapi::api::apps::v1::ReplicaSetStatus {
        static NONE: std::sync::OnceLock<k8s_openapi::api::apps::v1::ReplicaSetStatus> =
            std::sync::OnceLock::new();
        self.set.status.as_ref().unwrap_or_else(|| NONE.get_or_init(Default::default))
    }

    pub(super) fn available(&self) -> i32 {
        self.status().available_replicas.unwrap_or(0)
    }

    fn note(&self, key: &str) -> Option<&str> {
        self.set.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }

    pub(super) fn desired_note(&self) -> Option<i32> {
        self.note(DESIRED)?.parse().ok()
    }

    pub(super) fn max_note(&self) -> Option<i32> {
        self.note(MAX)?.parse().ok().filter(|max| *max >= 0)
    }

    fn revision(&self) -> Option<i64> {
        self.note(REVISION).map_or(Some(0), |text| text.parse().ok())
    }

    fn annotate(&mut self, key: &str, value: String) {
        self.set.metadata.annotations.get_or_insert_default().insert(key.to_owned(), value);
    }

    fn age(&self) -> (Option<Timestamp>, String) {
        let created = self.set.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (created, self.name().to_owned())
    }
}

/// All `ReplicaSets` of a Deployment.
#[derive(Debug)]
pub(super) struct Sets<'a> {
    seen: &'a Arc<Deployment>,
    /// The Deployment as it shall be: annotations and status.
    pub(super) deployment: Deployment,
    pub(super) now: Timestamp,
    /// Oldest first.
    pub(super) all: Vec<Draft>,
    newest: Option<usize>,
    /// Why the server refused the `ReplicaSet` that is missing.
    refused: Option<String>,
}

impl<'a> Sets<'a> {
    pub(super) fn new(
        seen: &'a Arc<Deployment>,
        members: Vec<Arc<ReplicaSet>>,
        now: Timestamp,
    ) -> Self {
        let draft = |set: Arc<ReplicaSet>| Draft { set: (*set).clone(), seen: Some(set) };
        let mut all: Vec<Draft> = members.into_iter().map(draft).collect();
        all.sort_by_key(Draft::age);
        let template = seen.spec.template.clone();
        let newest = all.iter().position(|draft| {
            draft
                .set
                .spec
                .template
                .as_ref()
                .is_some_and(|other| equal_but_for_hash(&template, other))
        });
        Self { seen, deployment: (**seen).clone(), now, all, newest, refused: None }
    }

    pub(super) fn newest(&self) -> Option<&Draft> {
        self.newest.and_then(|index| self.all.get(index))
    }

    pub(super) fn newest_index(&self) -> Option<usize> {
        self.newest
    }

    pub(super) fn old(&self) -> impl Iterator<Item = &Draft> {
        let newest = self.newest;
        self.all.iter().enumerate().filter(move |(i, _)| Some(*i) != newest).map(|(_, d)| d)
    }

    /// Indexes of the old ones that ask for Pods, oldest first.
    pub(super) fn active_old(&self) -> Vec<usize> {
        let is_old = |index: &usize| Some(*index) != self.newest;
        (0..self.all.len()).filter(is_old).filter(|i| self.all[*i].replicas() > 0).collect()
    }

    pub(super) fn total(&self) -> i32 {
        self.all.iter().map(Draft::replicas).sum()
    }

    pub(super) fn status_mut(&mut self) -> &mut DeploymentStatus {
        self.deployment.status.get_or_insert_default()
    }

    /// Gives the newest `ReplicaSet` the highest revision and the Deployment's annotations, and the
    /// Deployment its revision.
    pub(super) fn sync_revision(&mut self) {
        let revision = self.next_revision();
        let Some(index) = self.newest else { return };
        let min_ready = self.deployment.spec.min_ready_seconds;
        let draft = &mut self.all[index];
        annotate_newest(&self.deployment, draft, revision);
        draft.set.spec.min_ready_seconds = min_ready;
        let revision = draft.note(REVISION).map(str::to_owned);
        if let Some(revision) = revision {
            self.set_revision(revision);
        }
        status::found(self);
    }

    fn set_revision(&mut self, revision: String) {
        let notes = self.deployment.metadata.annotations.get_or_insert_default();
        notes.insert(REVISION.to_owned(), revision);
    }

    fn next_revision(&self) -> i64 {
        self.old().filter_map(Draft::revision).max().unwrap_or(0) + 1
    }

    /// Makes the `ReplicaSet` of a new template. If its name is taken by another one, the status
    /// counts the collision and the next look tries another name.
    pub(super) fn create_newest(&mut self, namesake: Option<&ReplicaSet>) {
        if namesake.is_some() {
            let count = &mut self.status_mut().collision_count;
            *count = Some(count.unwrap_or(0) + 1);
            return;
        }
        let revision = self.next_revision();
        let mut draft = Draft { seen: None, set: new_set(&self.deployment) };
        let total = self.total();
        let (want, surge) =
            (bounds::replicas(&self.deployment), bounds::max_surge(&self.deployment));
        let replicas = if bounds::is_recreate(&self.deployment) {
            want
        } else {
            (want + surge - total).clamp(0, want)
        };
        draft.set.spec.replicas = Some(replicas);
        annotate_newest(&self.deployment, &mut draft, revision);
        annotate_size(&mut draft, want, want + surge);
        if let Some(message) = self.refused.clone() {
            status::create_failed(self, draft.name(), &message);
        } else {
            self.set_revision(revision.to_string());
            status::created(self, draft.name());
        }
        self.newest = Some(self.all.len());
        self.all.push(draft);
    }

    /// Asks a `ReplicaSet` for another number of Pods. Unless `even_if_equal`, only a change counts.
    pub(super) fn scale(&mut self, index: usize, replicas: i32, even_if_equal: bool) -> bool {
        let want = bounds::replicas(&self.deployment);
        let max = want + bounds::max_surge(&self.deployment);
        let draft = &mut self.all[index];
        let changed = draft.replicas() != replicas;
        if changed || even_if_equal {
            draft.set.spec.replicas = Some(replicas);
            annotate_size(draft, want, max);
        }
        changed
    }

    /// Deletes the oldest `ReplicaSets` that ask for nothing, beyond the history limit.
    pub(super) fn forget_history(&self, plan: &mut Plan) {
        let Some(limit) = bounds::history_limit(&self.deployment) else { return };
        let alive = |draft: &&Draft| draft.set.metadata.deletion_timestamp.is_none();
        let mut old: Vec<&Draft> = self.old().filter(alive).collect();
        let excess = old.len().saturating_sub(limit);
        old.sort_by_key(|draft| (draft.revision().unwrap_or(0), draft.age()));
        for draft in old.into_iter().take(excess) {
            let generation = draft.set.metadata.generation.unwrap_or(0);
            let observed = draft.status().observed_generation.unwrap_or(0);
            let busy = draft.status().replicas != 0 || draft.replicas() != 0;
            if !busy && generation <= observed {
                plan.act(Action::Delete {
                    target: Target::of(&draft.set),
                    propagation: None,
                    grace_secs: None,
                    announce: None,
                });
            }
        }
    }

    /// Takes note if the last plan could not create the `ReplicaSet` that is still missing.
    pub(super) fn note_failure(&mut self, last: Option<&Failure>) {
        let on_sets =
            |last: &&Failure| last.verb == Verb::Create && last.resource.resource == "replicasets";
        if self.newest.is_none() {
            self.refused = last.filter(on_sets).map(|last| last.message.clone());
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.refused.is_some()
    }

    /// The actions: `ReplicaSets` first, the status last.
    pub(super) fn finish(self, mut plan: Plan) -> Plan {
        // What shrinks goes before what grows, so that a crash in between never exceeds the surge.
        let mut drafts = self.all;
        drafts.sort_by_key(|draft| Reverse(draft.replicas_seen() > draft.replicas()));
        for draft in drafts {
            let name = draft.name().to_owned();
            let (from, to) = (draft.replicas_seen(), draft.replicas());
            match draft.seen {
                None => {
                    let message = format!("Scaled up replica set {name} from 0 to {to}");
                    let failed = format!("Failed to create new replica set \"{name}\": {{}}");
                    plan.act(Action::Create {
                        announce: Some(Announce {
                            success: (to > 0).then_some(("ScalingReplicaSet", message)),
                            failure: Some(("ReplicaSetCreateError", failed)),
                            ..Announce::both(&**self.seen, ("", ""), ("", ""))
                        }),
                        object: draft.set.into_any(),
                    });
                }
                Some(seen) if *seen != draft.set => {
                    let way = if to > from { "up" } else { "down" };
                    let message = format!("Scaled {way} replica set {name} from {from} to {to}");
                    let told = Announce::success(&**self.seen, "ScalingReplicaSet", message);
                    plan.act(Action::Update {
                        announce: (from != to).then_some(told),
                        object: draft.set.into_any(),
                    });
                }
                Some(_) => {}
            }
        }
        plan.status_if_changed(&**self.seen, self.deployment);
        plan
    }
}

/// The name of the `ReplicaSet` that a Deployment's present template would get.
pub(super) fn next_name(deployment: &Deployment) -> String {
    let hash = template_hash(deployment);
    let mut name = deployment.metadata.name.clone().unwrap_or_default();
    name.truncate(NAME_MAX - 1 - hash.len());
    format!("{name}-{hash}")
}

fn template_hash(deployment: &Deployment) -> String {
    let collisions = deployment.status.as_ref().and_then(|status| status.collision_count);
    hash::template_hash(&deployment.spec.template, collisions)
}

fn new_set(deployment: &Deployment) -> ReplicaSet {
    let spec = &deployment.spec;
    let hash = template_hash(deployment);
    let mut template = spec.template.clone();
    let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
    labels.insert(HASH_LABEL.to_owned(), hash.clone());
    let labels = labels.clone();
    let mut selector: LabelSelector = spec.selector.clone();
    selector.match_labels.get_or_insert_default().insert(HASH_LABEL.to_owned(), hash);
    ReplicaSet {
        metadata: ObjectMeta {
            name: Some(next_name(deployment)),
            namespace: deployment.metadata.namespace.clone(),
            labels: Some(labels),
            owner_references: Some(vec![ownership::controller_reference(deployment)]),
            ..ObjectMeta::default()
        },
        spec: ReplicaSetSpec {
            replicas: Some(0),
            min_ready_seconds: spec.min_ready_seconds,
            selector,
            template: Some(template),
        },
        status: None,
    }
}

fn annotate_size(draft: &mut Draft, desired: i32, max: i32) {
    draft.annotate(DESIRED, desired.to_string());
    draft.annotate(MAX, max.to_string());
}

/// Copies the Deployment's annotations and raises the revision; what the revision was before is
/// remembered when an old template comes back.
fn annotate_newest(deployment: &Deployment, draft: &mut Draft, revision: i64) {
    for (key, value) in deployment.metadata.annotations.iter().flatten() {
        if !OWN.contains(&key.as_str()) && draft.note(key) != Some(value) {
            draft.annotate(key, value.clone());
        }
    }
    let Some(known) = draft.revision() else { return };
    if known >= revision {
        return;
    }
    if let Some(before) = draft.note(REVISION).map(str::to_owned) {
        let mut history: Vec<String> = draft
            .note(HISTORY)
            .filter(|history| !history.is_empty())
            .map(|history| history.split(',').map(str::to_owned).collect())
            .unwrap_or_default();
        history.push(before);
        while history.join(",").len() > HISTORY_MAX {
            history.remove(0);
        }
        draft.annotate(HISTORY, history.join(","));
    }
    draft.annotate(REVISION, revision.to_string());
}

fn equal_but_for_hash(a: &PodTemplateSpec, b: &PodTemplateSpec) -> bool {
    let stripped = |template: &PodTemplateSpec| {
        let mut metadata = template.metadata.clone().unwrap_or_default();
        metadata.creation_timestamp = None;
        if let Some(labels) = &mut metadata.labels {
            labels.remove(HASH_LABEL);
        }
        let is_empty = metadata.labels.as_ref().is_some_and(BTreeMap::is_empty);
        if is_empty {
            metadata.labels = None;
        }
        metadata
    };
    a.spec == b.spec && stripped(a) == stripped(b)
}
