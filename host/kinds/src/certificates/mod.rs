//! Who asks for certificates and who gets them: the group `certificates.k8s.io`.

pub mod pkcs10;
mod signing_request;
