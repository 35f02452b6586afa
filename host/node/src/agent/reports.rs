//! Telling the API server: the newest status of each Pod, many Pods at a time, one request for each Pod at a time.
//!
//! A Pod that changes while its report is under way is reported again afterwards, with what is true then. A Pod that has just begun waits a moment, since its next
//! status is usually there before anybody could read the first. The same status goes to the Pod's record.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use api::{Error, Patch, WriteParams};
use jiff::Timestamp;
use k8s_openapi::api::core::v1 as core;
use serde_json::{Value, json};

use super::slot::Slot;
use super::{Agent, Body, Due, Message, Uid};
use crate::pod::{after, status};

/// Requests under way.
const IN_FLIGHT_MAX: usize = 64;
/// How long a Pod that has just begun waits for its next status.
const BEGINNING_MILLIS: i64 = 1000;
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    /// The Pod is gone or another one has its name.
    Unknown,
    /// Later again.
    Failed,
}

/// Pods whose status is to be sent.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Uid>,
    in_flight: usize,
    /// After a failure nothing is sent until then, so that a server that comes back is not flooded.
    paused_until: Option<Timestamp>,
    pause: Option<Duration>,
}

impl Queue {
    /// Puts a Pod in line, once.
    pub(super) fn push(&mut self, slots: &mut HashMap<Uid, Slot>, uid: &Uid) {
        let Some(slot) = slots.get_mut(uid) else { return };
        slot.report.is_stale = true;
        if !slot.report.is_queued && !slot.report.is_in_flight {
            slot.report.is_queued = true;
            self.waiting.push_back(Arc::clone(uid));
        }
    }
}

impl Agent {
    /// The status of a Pod has changed.
    pub(super) fn report(&mut self, uid: &Uid) {
        let now = self.shared.now();
        let Some(slot) = self.slots.get_mut(uid) else { return };
        let listed = slot.listed(uid, self.shared.machine.ip);
        self.shared.directory.set(slot.namespace(), slot.name(), listed);
        if slot.is_just_beginning() && !slot.report.is_queued {
            slot.report.is_stale = true;
            self.alarms.set(after(now, BEGINNING_MILLIS), Due::Report, uid);
            return;
        }
        self.reports.push(&mut self.slots, uid);
    }

    pub(super) fn send_reports(&mut self) {
        let now = self.shared.now();
        if self.reports.paused_until.is_some_and(|until| now < until) {
            return;
        }
        while self.reports.in_flight < IN_FLIGHT_MAX {
            let Some(uid) = self.reports.waiting.pop_front() else { return };
            let Some(slot) = self.slots.get_mut(&uid) else { continue };
            slot.report.is_queued = false;
            if !slot.report.is_stale {
                continue;
            }
            slot.report.is_stale = false;
            slot.report.is_in_flight = true;
            self.reports.in_flight += 1;
            let around = status::Surroundings {
                pod: &slot.object,
                host_ip: Some(self.shared.machine.ip),
                now,
            };
            let status = status::status(&slot.state, &around);
            let is_known = !slot.state.deleting.is_some_and(|deleting| deleting.is_removed);
            self.send(&uid, status, is_known);
        }
    }

    fn send(&self, uid: &Uid, status: core::PodStatus, is_known: bool) {
        let Some(slot) = self.slots.get(uid) else { return };
        let (client, records) = (self.shared.client.clone(), self.records.clone());
        let (object, uid, sender) =
            (Arc::clone(&slot.object), Arc::clone(uid), self.sender.clone());
        let is_static = slot.is_static;
        self.tasks.spawn(async move {
            let body = patch((!is_static).then_some(&*uid), &status);
            // A file is a record by itself.
            if !is_static {
                let mut record = (*object).clone();
                record.status = Some(status);
                let saved = tokio::task::spawn_blocking(move || records.save(&record)).await;
                if let Ok(Err(error)) = saved {
                    tracing::warn!(%error, "cannot write a Pod's record");
                }
            }
            let outcome = if is_known {
                let pods = client.api::<core::Pod>(object.metadata.namespace.as_deref());
                let name = object.metadata.name.as_deref().unwrap_or_default();
                let patch = Patch::Strategic(body);
                match pods.patch_status(name, &patch, &WriteParams::default()).await {
                    Ok(_) => Outcome::Written,
                    Err(Error::NotFound(_) | Error::Conflict(_)) => Outcome::Unknown,
                    Err(error) => {
                        tracing::debug!(
                            error = &error as &dyn std::error::Error,
                            pod = name,
                            "cannot write a Pod's status"
                        );
                        Outcome::Failed
                    }
                }
            } else {
                Outcome::Written
            };
            // The loop is gone only when the process ends.
            let _ = sender.send(Message { uid, body: Body::Reported(outcome) }).await;
        });
    }

    pub(super) fn reported(&mut self, uid: &Uid, outcome: Outcome) {
        let now = self.shared.now();
        self.reports.in_flight = self.reports.in_flight.saturating_sub(1);
        let Some(slot) = self.slots.get_mut(uid) else { return };
        slot.report.is_in_flight = false;
        match outcome {
            Outcome::Written => {
                self.reports.pause = None;
                if slot.report.is_stale {
                    self.report(uid);
                } else if slot.is_delete_pending {
                    self.delete_object(uid);
                }
            }
            // The watch will say what has happened to it.
            Outcome::Unknown => slot.report.is_stale = false,
            Outcome::Failed => {
                let pause =
                    self.reports.pause.map_or(RETRY_MIN, |pause| (pause * 2).min(RETRY_MAX));
                self.reports.pause = Some(pause);
                let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                let until = after(now, millis);
                self.reports.paused_until = Some(until);
                self.reports.push(&mut self.slots, uid);
                self.alarms.set(until, Due::Report, uid);
            }
        }
    }
}

/// The status as a patch of the Pod with this uid; a mirror has another one. What the node no longer says must go, and a strategic merge removes only what is null.
fn patch(uid: Option<&str>, status: &core::PodStatus) -> Value {
    // Wire types have string keys, so that encoding cannot fail.
    let mut tree = serde_json::to_value(status).unwrap_or_default();
    let clear = |tree: &mut Value, names: &[&str]| {
        if let Some(map) = tree.as_object_mut() {
            for name in names {
                map.entry(*name).or_insert(Value::Null);
            }
        }
    };
    clear(&mut tree, &["reason", "message"]);
    for condition in tree["conditions"].as_array_mut().into_iter().flatten() {
        clear(condition, &["reason", "message"]);
    }
    match uid {
        Some(uid) => json!({ "metadata": { "uid": uid }, "status": tree }),
        None => json!({ "status": tree }),
    }
}
