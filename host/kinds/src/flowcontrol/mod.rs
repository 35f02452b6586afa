//! How requests share the API server when there are too many: the group `flowcontrol.apiserver.k8s.io`.
//!
//! See <https://kubernetes.io/docs/concepts/cluster-administration/flow-control/>.

pub mod bootstrap;
mod condition;
mod flow_schema;
mod priority_level_configuration;
mod rule;
