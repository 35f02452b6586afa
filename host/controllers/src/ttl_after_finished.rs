//! Deletes Jobs some time after they finished, if they ask for it.
//!
//! Reads Jobs; deletes them with what they own.
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/>.

use jiff::SignedDuration;
use k8s_openapi::api::batch::v1::Job;

use crate::job::finished_at;
use crate::{Action, Controller, Key, Look, Plan, Propagation, Target, Watch};

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TtlAfterFinished;

impl Controller for TtlAfterFinished {
    fn name(&self) -> &'static str {
        "ttl-after-finished"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<Job>()]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let Some(job) = look.sources.jobs.get(&key.namespace, &key.name) else { return plan };
        let ttl = job.spec.as_ref().and_then(|spec| spec.ttl_seconds_after_finished);
        let (Some(ttl), Some(finished)) = (ttl, finished_at(&job)) else { return plan };
        if job.metadata.deletion_timestamp.is_some() {
            return plan;
        }
        let due = finished + SignedDuration::from_secs(i64::from(ttl));
        if due > look.now {
            plan.wake_in(due.duration_since(look.now).unsigned_abs());
        } else {
            plan.act(Action::Delete {
                target: Target::of(&*job),
                propagation: Some(Propagation::Foreground),
                grace_secs: None,
                announce: None,
            });
        }
        plan
    }
}
