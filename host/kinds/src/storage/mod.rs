//! Storage: the group `storage.k8s.io`.

mod csi_driver;
mod csi_node;
mod csi_storage_capacity;
mod parameters;
pub mod storage_class;
mod volume_attachment;
mod volume_attributes_class;
