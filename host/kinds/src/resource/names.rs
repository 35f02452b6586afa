//! What drivers, pools, requests and attributes may be called.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::resource::v1::DeviceClaim;
use meta::names;

use super::list;
use crate::check::{At, Errors};
use crate::wire::OrEmpty;

pub(super) use crate::core::pod::validate::volume::csi_driver_name as driver;

const DOMAIN_BYTES_MAX: usize = 63;
const ID_BYTES_MAX: usize = 32;
const POOL_BYTES_MAX: usize = 253;

/// What is wrong with the name of a driver in a configuration or an allocation.
pub(super) fn used_driver(errors: &mut Errors, at: &At<'_>, name: &str) {
    if name.is_empty() {
        errors.required(at, "");
        return;
    }
    if !names::is_dns1123_subdomain(&name.to_lowercase()).is_empty() {
        let message = names::regex_error(
            "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character",
            "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
            &["Example.com"],
        );
        errors.invalid(at, name, message);
    }
    if name.chars().count() > DOMAIN_BYTES_MAX {
        errors.too_long_characters(at, DOMAIN_BYTES_MAX);
    }
}

/// What is wrong with the name of a pool: one or more subdomains between slashes.
pub(super) fn pool(errors: &mut Errors, at: &At<'_>, name: &str) {
    if name.is_empty() {
        errors.required(at, "");
        return;
    }
    if name.len() > POOL_BYTES_MAX {
        errors.too_long(at, POOL_BYTES_MAX);
    }
    for part in name.split('/') {
        errors.invalid_each(at, part, names::is_dns1123_subdomain(part));
    }
}

/// What is wrong with the name of a pool in an allocation.
pub(super) fn used_pool(errors: &mut Errors, at: &At<'_>, name: &str) {
    if name.is_empty() {
        errors.required(at, "");
        return;
    }
    if name.len() > POOL_BYTES_MAX {
        errors.too_long(at, POOL_BYTES_MAX);
    }
    for (index, part) in name.split('/').enumerate() {
        if part.is_empty() {
            errors.invalid(at, name, format!("segment {index}: must not be empty"));
            continue;
        }
        for message in names::is_dns1123_subdomain(part) {
            errors.invalid(at, part, format!("segment {index}: {message}"));
        }
    }
}

/// What is wrong with the name of a device, a request or a set of counters.
pub(super) fn label(errors: &mut Errors, at: &At<'_>, name: &str) {
    errors.invalid_each(at, name, names::is_dns1123_label(name));
}

/// What is wrong with the name of an attribute or a capacity, with a domain or without.
pub(super) fn qualified(errors: &mut Errors, at: &At<'_>, name: &str) {
    match name.split('/').collect::<Vec<_>>()[..] {
        [id] => identifier(errors, at, id),
        [domain, id] => {
            if domain.is_empty() {
                errors.invalid(at, "", "the domain must not be empty");
            } else {
                driver(errors, at, domain);
            }
            if id.is_empty() {
                errors.invalid(at, "", "the name must not be empty");
            } else {
                identifier(errors, at, id);
            }
        }
        // Kubernetes lets more slashes pass.
        _ => {}
    }
}

/// What is wrong with the name of an attribute that must have a domain.
pub(super) fn fully_qualified(errors: &mut Errors, at: &At<'_>, name: &str) {
    match name.split('/').collect::<Vec<_>>()[..] {
        [id] => {
            identifier(errors, at, id);
            let detail = "a fully qualified name must be a domain and a name separated by a slash";
            errors.invalid(at, name, detail);
        }
        [domain, id] => {
            if domain.is_empty() {
                errors.invalid(at, "", "prefix must not be empty");
            } else {
                if domain.len() > DOMAIN_BYTES_MAX {
                    errors.too_long(at, DOMAIN_BYTES_MAX);
                }
                for message in names::is_dns1123_subdomain(domain) {
                    errors.invalid(at, domain, format!("prefix: {message}"));
                }
            }
            if id.is_empty() {
                errors.invalid(at, "", "name must not be empty");
            } else {
                identifier(errors, at, id);
            }
        }
        _ => {}
    }
}

fn identifier(errors: &mut Errors, at: &At<'_>, id: &str) {
    if id.len() > ID_BYTES_MAX {
        errors.too_long(at, ID_BYTES_MAX);
    }
    errors.invalid_each(at, id, names::is_c_identifier(id));
}

/// What is wrong with the id of a share of a device.
pub(super) fn share_id(errors: &mut Errors, at: &At<'_>, id: &str) {
    let is_uuid = id.len() == 36
        && id.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    if !is_uuid {
        errors.invalid(at, id, "must be a lowercase UUID in 8-4-4-4-12 format");
    }
}

/// The names of the requests of a claim, each with those of its alternatives.
pub(super) struct RequestNames<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl<'a> RequestNames<'a> {
    pub(super) fn of(claim: &'a DeviceClaim) -> Self {
        let requests = claim.requests.or_empty().iter();
        Self(
            requests
                .map(|request| {
                    let alternatives = request.first_available.or_empty().iter();
                    (request.name.as_str(), alternatives.map(|sub| sub.name.as_str()).collect())
                })
                .collect(),
        )
    }

    fn contains(&self, name: &str) -> bool {
        match name.split_once('/') {
            None => self.0.contains_key(name),
            Some((name, sub)) => self.0.get(name).is_some_and(|subs| subs.contains(sub)),
        }
    }

    /// What is wrong with a reference to a request.
    pub(super) fn check(&self, errors: &mut Errors, at: &At<'_>, name: &str) {
        let parts: Vec<&str> = name.split('/').collect();
        let is_form = parts.len() <= 2;
        for part in parts.into_iter().filter(|_| is_form) {
            label(errors, at, part);
        }
        if !is_form || !self.contains(name) {
            let detail = "must be the name of a request in the claim or the name of a request and \
                          a subrequest separated by '/'";
            errors.invalid(at, name, detail);
        }
    }

    /// What is wrong with a list of references.
    pub(super) fn check_all(&self, errors: &mut Errors, all: &At<'_>, names: &[String]) {
        list::each(errors, all, names, super::claim::REQUESTS_MAX, |errors, at, name| {
            self.check(errors, at, name);
        });
    }
}

/// Each reference may stand in a list once.
pub(super) fn each_once(errors: &mut Errors, all: &At<'_>, names: &[String]) {
    for (index, name) in list::repeated(names, Clone::clone) {
        errors.duplicate(&all.index(index), name);
    }
}
