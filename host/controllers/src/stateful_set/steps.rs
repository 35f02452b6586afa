//! What is done next about the Pods of a set: made and replaced from the lowest number up, taken away and brought to a new template from the
//! highest down. In order, everything waits for the Pod before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use serde_json::{Map, json};

use super::claims::{self, Claims};
use super::member::{self, ordinal, pod_name, range, revision_of};
use crate::deployment::bounds::scaled;
use crate::pods::{self, Availability};
use crate::replicas::BURST;
use crate::{Action, Announce, Change, Plan, Sourced as _, Target};

/// What the steps look at.
pub(super) struct Steps<'a> {
    pub(super) set: &'a StatefulSet,
    /// Name of the revision of the present template.
    pub(super) update: &'a str,
    /// Name of the revision that Pods below the partition are of, and its template.
    pub(super) current: &'a str,
    pub(super) template_before: &'a PodTemplateSpec,
    pub(super) claims: &'a Claims,
    /// Names that some Pod has, member or not.
    pub(super) taken: &'a BTreeSet<String>,
    pub(super) now: Timestamp,
}

/// Whether there is more to do in this plan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    /// The rest waits for what is seen of this.
    Wait,
}

impl Steps<'_> {
    pub(super) fn take(&self, members: &[Arc<Pod>], plan: &mut Plan) {
        let (start, end) = range(self.set);
        let (mut replicas, mut condemned) = (BTreeMap::new(), BTreeMap::new());
        for pod in members {
            let Some(number) = ordinal(self.set, pod) else { continue };
            let stays = (start..end).contains(&number);
            if stays { &mut replicas } else { &mut condemned }.insert(number, pod);
        }
        let mut acted = plan.actions.len();
        for number in start..end {
            let next = self.replica(number, replicas.get(&number).copied(), plan);
            if next == Next::Wait && self.in_order() || plan.actions.len() - acted >= BURST {
                return;
            }
        }
        for (number, pod) in condemned.iter().rev() {
            self.own_claims(pod, *number, plan);
        }
        acted = plan.actions.len();
        // In order, a Pod that serves goes only if all below it do.
        let first_out = condemned.values().find(|pod| !self.is_available(pod));
        for pod in condemned.values().rev() {
            let is_first = first_out.is_some_and(|first| Arc::ptr_eq(first, pod));
            self.remove(pod, is_first, plan);
            if self.in_order() || plan.actions.len() - acted >= BURST {
                return;
            }
        }
        self.roll_out(&replicas, plan);
    }

    fn in_order(&self) -> bool {
        self.set.spec.pod_management_policy.as_deref() != Some("Parallel")
    }

    /// Brings one Pod that shall be a step further.
    fn replica(&self, number: i32, pod: Option<&Arc<Pod>>, plan: &mut Plan) -> Next {
        let Some(pod) = pod else {
            // Who is no member has the name, or the claim is about to go: wait.
            let is_free = !self.taken.contains(&pod_name(self.set, number))
                && !claims::are_stale(self.set, self.claims, number);
            if is_free {
                self.create(number, plan);
            }
            return Next::Wait;
        };
        if pods::is_finished(pod) {
            // It ran to its end: it is made anew once it is gone.
            if !pods::is_going(pod) {
                plan.act(self.delete(pod));
            }
            return Next::Wait;
        }
        if pods::phase(pod) == "Pending" {
            self.create_claims(number, plan);
            self.own_claims(pod, number, plan);
        }
        if self.in_order() && !(self.is_available(pod) && pods::phase(pod) == "Running") {
            return Next::Wait;
        }
        if pods::phase(pod) != "Pending" {
            self.own_claims(pod, number, plan);
        }
        if !member::knows_its_name(pod) {
            plan.act(self.name(pod, number));
        }
        Next::GoOn
    }

    fn remove(&self, pod: &Arc<Pod>, is_first_out: bool, plan: &mut Plan) {
        let waits = self.in_order() && !self.is_available(pod) && !is_first_out;
        if !pods::is_going(pod) && !waits {
            plan.act(self.delete(pod));
        }
    }

    /// From the highest number down, as many at a time as may be unavailable.
    fn roll_out(&self, replicas: &BTreeMap<i32, &Arc<Pod>>, plan: &mut Plan) {
        let strategy = self.set.spec.update_strategy.as_ref();
        if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete") {
            return;
        }
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let most = rolling.and_then(|rolling| rolling.max_unavailable.as_ref());
        let asked = self.set.spec.replicas.unwrap_or(1);
        let most = scaled(most, asked, false).max(1);
        let serving = replicas.values().filter(|pod| self.is_available(pod)).count();
        let out = asked - i32::try_from(serving).unwrap_or(i32::MAX);
        let mut room = usize::try_from(most - out).unwrap_or(0);
        let (start, _) = range(self.set);
        let first = start.saturating_add(self.partition());
        let old = |pod: &&&Arc<Pod>| revision_of(pod) != self.update && !pods::is_going(pod);
        let pods: Vec<&Arc<Pod>> =
            replicas.range(first..).rev().map(|(_, pod)| pod).filter(old).copied().collect();
        for pod in pods {
            let serves = self.is_available(pod);
            // All at once, what does not serve costs nothing; in order, there is none.
            if serves && room == 0 || !serves && self.in_order() {
                continue;
            }
            room -= usize::from(serves);
            plan.act(self.delete(pod));
        }
    }

    fn partition(&self) -> i32 {
        let strategy = self.set.spec.update_strategy.as_ref();
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        rolling.and_then(|rolling| rolling.partition).unwrap_or(0)
    }

    fn create(&self, number: i32, plan: &mut Plan) {
        self.create_claims(number, plan);
        let (start, _) = range(self.set);
        let (template, revision) = if number < start.saturating_add(self.partition()) {
            (self.template_before, self.current)
        } else {
            (&self.set.spec.template, self.update)
        };
        plan.act(Action::Create {
            object: member::pod(self.set, template, revision, number).into_any(),
            announce: Some(self.told("create", &pod_name(self.set, number))),
        });
    }

    fn create_claims(&self, number: i32, plan: &mut Plan) {
        let set = self.set.metadata.name.as_deref().unwrap_or("");
        for template in claims::templates(self.set) {
            let name = claims::name(self.set, template, number);
            if !self.claims.contains_key(&name) {
                let pod = pod_name(self.set, number);
                let message = format!("create Claim {name} Pod {pod} in StatefulSet {set} success");
                plan.act(Action::Create {
                    object: claims::made(self.set, template, number).into_any(),
                    announce: Some(Announce::success(self.set, "SuccessfulCreate", message)),
                });
            }
        }
    }

    /// Lets the claims of a Pod go with whom they shall go.
    fn own_claims(&self, pod: &Pod, number: i32, plan: &mut Plan) {
        for claim in claims::of(self.set, self.claims, number) {
            if let Some(owned) = claims::owned(self.set, pod, number, claim) {
                plan.act(Action::Update { object: owned.into_any(), announce: None });
            }
        }
    }

    fn name(&self, pod: &Pod, number: i32) -> Action {
        let target = Target::of(pod);
        let labels: Map<_, _> = member::identity(self.set, number)
            .map(|(label, value)| (label.to_owned(), value.into()))
            .into_iter()
            .collect();
        let patch = json!({"metadata": {"uid": target.uid, "labels": labels}});
        Action::Patch {
            announce: Some(self.told("update", pod.metadata.name.as_deref().unwrap_or(""))),
            target,
            subresource: "",
            patch: Change::Merge(patch),
        }
    }

    fn delete(&self, pod: &Pod) -> Action {
        let name = pod.metadata.name.as_deref().unwrap_or("");
        Action::Delete {
            target: Target::of(pod),
            propagation: None,
            grace_secs: None,
            announce: Some(self.told("delete", name)),
        }
    }

    fn told(&self, verb: &str, pod: &str) -> Announce {
        let set = self.set.metadata.name.as_deref().unwrap_or("");
        let (success, failure) = match verb {
            "create" => ("SuccessfulCreate", "FailedCreate"),
            "update" => ("SuccessfulUpdate", "FailedUpdate"),
            _ => ("SuccessfulDelete", "FailedDelete"),
        };
        let good = format!("{verb} Pod {pod} in StatefulSet {set} successful");
        let bad = format!("{verb} Pod {pod} in StatefulSet {set} failed error: {{}}");
        Announce::both(self.set, (success, &good), (failure, &bad))
    }

    fn is_available(&self, pod: &Pod) -> bool {
        let min_ready = self.set.spec.min_ready_seconds.unwrap_or(0);
        !pods::is_going(pod)
            && pods::availability(pod, min_ready, self.now) == Availability::Available
    }
}
