//! What may be done to Pods: the group `policy`.

mod pod_disruption_budget;
