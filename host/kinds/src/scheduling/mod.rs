//! Which Pods go first: the group `scheduling.k8s.io`.

mod priority_class;

pub use priority_class::SYSTEM_PRIORITY_CLASSES;
