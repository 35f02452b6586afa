//! A Pod's priority is that of its class, and the class without a name is the cluster's default. There is one default at most, and the classes
//! of Kubernetes' own Pods stay.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/>.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kinds::Object;
use kinds::scheduling::SYSTEM_PRIORITY_CLASSES;
use meta::{GroupResource, Key, StatusError};

use super::{Attempted, Operation, Plugin};

const GROUP: &str = "scheduling.k8s.io";
const LOWER_PRIORITY: &str = "PreemptLowerPriority";

pub(super) struct Priority;

impl Plugin for Priority {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let Some(pod) =
            object.as_any_mut().downcast_mut::<Pod>().filter(|_| attempted.subresource.is_empty())
        else {
            return Ok(());
        };
        let spec = pod.spec.get_or_insert_default();
        if attempted.operation == Operation::Update {
            let old = attempted
                .old
                .and_then(|old| old.as_any().downcast_ref::<Pod>())
                .and_then(|old| old.spec.as_ref());
            if let Some(old) = old {
                spec.priority = spec.priority.or(old.priority);
                if spec.preemption_policy.is_none() {
                    spec.preemption_policy.clone_from(&old.preemption_policy);
                }
            }
            return Ok(());
        }
        let class = match spec.priority_class_name.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => Some(find(attempted, name)?),
            None => default_class(attempted),
        };
        let value = class.as_ref().and_then(|class| class.value).unwrap_or(0);
        let policy = class
            .as_ref()
            .and_then(|class| class.preemption_policy.clone())
            .unwrap_or_else(|| LOWER_PRIORITY.to_owned());
        if let Some(given) = spec.priority.filter(|given| *given != value) {
            return Err(attempted.forbid(&format!(
                "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {value} \
                 from the given PriorityClass name"
            )));
        }
        if let Some(given) = spec.preemption_policy.as_deref().filter(|given| *given != policy) {
            return Err(attempted.forbid(&format!(
                "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission controller computed \
                 {policy} from the given PriorityClass name"
            )));
        }
        if let Some(name) = class.and_then(|class| class.metadata.name) {
            spec.priority_class_name = Some(name);
        }
        spec.priority = Some(value);
        spec.preemption_policy = Some(policy);
        Ok(())
    }

    fn validate(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        if !attempted.is(GROUP, "priorityclasses") {
            return Ok(());
        }
        let is_system = |name: &str| SYSTEM_PRIORITY_CLASSES.iter().any(|(own, _)| *own == name);
        if attempted.operation == Operation::Delete && is_system(attempted.name) {
            let text = "this is a system priority class and cannot be deleted";
            return Err(attempted.forbid(text));
        }
        let class = new.and_then(|new| new.as_any().downcast_ref::<PriorityClass>());
        let Some(class) = class.filter(|class| class.global_default == Some(true)) else {
            return Ok(());
        };
        let default = default_class(attempted).and_then(|class| class.metadata.name);
        match default.filter(|name| class.metadata.name.as_ref() != Some(name)) {
            Some(name) => Err(attempted.forbid(&format!(
                "PriorityClass {name} is already marked as default. Only one default can exist"
            ))),
            None => Ok(()),
        }
    }
}

fn classes() -> GroupResource {
    GroupResource::new(GROUP, "priorityclasses")
}

fn find(attempted: &Attempted<'_>, name: &str) -> Result<PriorityClass, StatusError> {
    let key = Key::new(&classes(), "", name);
    let entry = attempted.snapshot.get(key.as_str());
    entry
        .and_then(|entry| serde_json::from_slice(&entry.body).ok())
        .ok_or_else(|| attempted.forbid(&format!("no PriorityClass with name {name} was found")))
}

/// Of several defaults the lowest one counts.
fn default_class(attempted: &Attempted<'_>) -> Option<PriorityClass> {
    attempted
        .snapshot
        .range(&Key::prefix(&classes(), Some("")), None)
        .filter_map(|entry| serde_json::from_slice::<PriorityClass>(&entry.body).ok())
        .filter(|class| class.global_default == Some(true))
        .min_by_key(|class| class.value)
}
