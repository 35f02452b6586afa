//! Kinds that users define: the group `apiextensions.k8s.io`.

mod approval;
mod conversion;
mod custom_resource_definition;
mod defaults;
mod list_types;
mod names;
mod open_api;
mod ratchet;
mod rules;
mod shown;
mod spec;
mod structural;
#[cfg(test)]
mod tests;
mod version;
mod walk;
mod warnings;
mod zeros;

pub use approval::Approval;
