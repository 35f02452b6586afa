//! Kinds that users define: the group `apiextensions.k8s.io`.

mod custom_resource_definition;
