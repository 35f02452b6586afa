//! How traffic gets in and where it may go: the group `networking.k8s.io`.

mod ingress;
mod ingress_class;
mod ip_address;
mod network_policy;
mod service_cidr;

use meta::names;

use crate::check::{At, Errors};

/// What is wrong with a kind, resource or name in a reference.
fn required_segment(errors: &mut Errors, at: &At<'_>, text: &str) {
    if text.is_empty() {
        errors.required(at, "");
    } else {
        errors.invalid_each(at, text, names::is_path_segment_name(text));
    }
}
