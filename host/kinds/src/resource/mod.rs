//! Devices, and who may use them: the group `resource.k8s.io`.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/>.

mod claim;
mod config;
mod device_class;
mod device_taint_rule;
mod list;
mod names;
mod request;
mod resource_claim;
mod resource_claim_template;
mod resource_slice;
mod slice;
mod status;

pub(crate) use status::RESULTS_MAX;
