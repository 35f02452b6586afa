//! Who asks for certificates and who gets them: the group `certificates.k8s.io`.

pub mod pkcs10;
mod pod_request;
mod signing_request;
mod trust_bundle;
pub mod x509;
