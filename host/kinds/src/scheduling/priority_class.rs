//! `PriorityClass`: a name for how important Pods are.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#priorityclass>.

use jiff::Timestamp;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use meta::Tree;
use meta::field::FieldError;

use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::core::pod::validate::PREEMPTION_POLICIES;
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo, PrefixRule};

/// The classes of Kubernetes' own Pods, with their values. They are there from the first start, and stay.
pub const SYSTEM_PRIORITY_CLASSES: [(&str, i32); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];
const SYSTEM_PREFIX: &str = "system-";
const USER_VALUE_MAX: i32 = 1_000_000_000;

impl Kind for PriorityClass {
    const INFO: KindInfo = KindInfo {
        singular: "priorityclass",
        short_names: &["pc"],
        type_name: "io.k8s.api.scheduling.v1.PriorityClass",
        generation: Generation::First,
        columns: &[
            columns::NAME,
            Column::of::<Self>("Value", "value").integer(),
            Column::of::<Self>("Global-Default", "globalDefault").boolean(),
            columns::AGE,
            Column::of::<Self>("PreemptionPolicy", "preemptionPolicy"),
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        self.preemption_policy.get_or_insert_with(|| "PreemptLowerPriority".to_owned());
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let name = self.metadata.name.or_empty();
        if name.starts_with(SYSTEM_PREFIX) {
            if let Err(text) = agrees_with_system(name, self) {
                let metadata = At::root("metadata");
                let detail = format!(
                    "priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system \
                     use only. error: {text}"
                );
                errors.forbidden(&metadata.field("name"), detail);
            }
        } else if value(self) > USER_VALUE_MAX {
            let detail =
                format!("maximum allowed value of a user defined priority is {USER_VALUE_MAX}");
            errors.forbidden(&At::root("value"), detail);
        }
        if let Some(policy) = &self.preemption_policy {
            errors.required_one_of(&At::root("preemptionPolicy"), policy, PREEMPTION_POLICIES);
        }
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        if value(self) != value(old) {
            errors.forbidden(&At::root("value"), "may not be changed in an update.");
        }
        let at = At::root("preemptionPolicy");
        errors.immutable(&at, &self.preemption_policy, &old.preemption_policy);
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(value(self)),
            Tree::from(self.global_default.unwrap_or_default()),
            columns::age(&self.metadata, now),
            Tree::from(self.preemption_policy.or_empty()),
        ]
    }
}

fn value(class: &PriorityClass) -> i32 {
    class.value.unwrap_or_default()
}

/// Names of the system stand for what the system made.
fn agrees_with_system(name: &str, class: &PriorityClass) -> Result<(), String> {
    let known = SYSTEM_PRIORITY_CLASSES.iter().find(|(known, _)| *known == name);
    let Some((_, known)) = known else {
        return Err(format!("{name} is not a known system priority class"));
    };
    if value(class) != *known {
        return Err(format!("value of {name} PriorityClass must be {known}"));
    }
    if class.global_default == Some(true) {
        return Err(format!("globalDefault of {name} PriorityClass must be false"));
    }
    Ok(())
}
