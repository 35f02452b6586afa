//! Who serves which group and version: the group `apiregistration.k8s.io`.

mod api_service;
