//! Each Service gets its addresses: free ones of the cluster's ranges, or those it asks for if they are free.
//!
//! The ranges are those the server is started with, and the `ServiceCIDR` objects that are ready and stay.
//! An address that is taken is an `IPAddress` object, made and removed in the transaction of its Service, so that no address is ever given twice
//! or lost. See <https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/>.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use k8s_openapi::api::networking::v1::ServiceCIDR;
use kinds::Object;
use meta::field::Path;
use meta::{FieldError, GroupResource, Key, StatusError, Tree};
use serde_json::json;
use store::Op;

use super::made::{self, Made};
use super::{Attempted, Plugin};

const NONE: &str = "None";
/// So many random addresses are tried before the range is searched from its start.
const RANDOM_PICKS: usize = 32;

pub(super) struct ServiceAddresses;

impl Plugin for ServiceAddresses {
    /// An update that says nothing about addresses keeps them.
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let (Some(new), Some(old)) = (service(object), attempted.old.and_then(service_ref)) else {
            return Ok(());
        };
        let (Some(new), Some(old)) = (new.spec.as_mut(), old.spec.as_ref()) else { return Ok(()) };
        if !has_address(new) || !has_address(old) {
            return Ok(());
        }
        if new.cluster_ip.as_deref().unwrap_or_default().is_empty()
            && new.cluster_ips.as_ref().is_none_or(Vec::is_empty)
        {
            new.cluster_ip.clone_from(&old.cluster_ip);
        }
        if new.cluster_ips.as_ref().is_none_or(Vec::is_empty) && new.cluster_ip == old.cluster_ip {
            new.cluster_ips.clone_from(&old.cluster_ips);
        }
        Ok(())
    }

    fn reserve(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&mut dyn Object>,
        ops: &mut Vec<Op>,
    ) -> Result<(), StatusError> {
        if !attempted.is("", "services") || !attempted.subresource.is_empty() {
            return Ok(());
        }
        let before = attempted.old.and_then(service_ref).map(addresses).unwrap_or_default();
        let mut after = Vec::new();
        let new = match new {
            Some(new) => {
                if service_ref(new).is_some_and(|new| new.spec.as_ref().is_some_and(has_address)) {
                    check_before(attempted, new)?;
                }
                Some(new)
            }
            None => None,
        };
        if let Some(service) = new.and_then(service) {
            let name = service.metadata.name.clone().unwrap_or_default();
            assign(attempted, &name, service.spec.get_or_insert_default(), &before)?;
            after = addresses(service);
            for address in after.iter().filter(|address| !before.contains(address)) {
                ops.push(take(attempted, &name, *address));
            }
        }
        let freed = before.iter().filter(|address| !after.contains(address));
        ops.extend(freed.filter_map(|address| {
            made::delete(attempted.snapshot, &resource(), &address.to_string())
        }));
        Ok(())
    }
}

/// Nothing is given to a Service whose wishes about addresses make no sense.
fn check_before(attempted: &Attempted<'_>, new: &dyn Object) -> Result<(), StatusError> {
    let errors = match attempted.old {
        Some(old) => new.validate_update(old),
        None => new.validate(),
    };
    let about = |error: &FieldError| {
        error.path.starts_with("spec.clusterIP") || error.path.starts_with("spec.ipFamil")
    };
    let errors: Vec<FieldError> = errors.into_iter().filter(about).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let name = new.metadata().name.as_deref().unwrap_or_default();
    Err(StatusError::invalid(&attempted.info.group_kind(), name, &errors))
}

fn service(object: &mut dyn Object) -> Option<&mut Service> {
    object.as_any_mut().downcast_mut()
}

fn service_ref(object: &dyn Object) -> Option<&Service> {
    object.as_any().downcast_ref()
}

fn resource() -> GroupResource {
    GroupResource::new("networking.k8s.io", "ipaddresses")
}

fn has_address(spec: &ServiceSpec) -> bool {
    spec.type_.as_deref() != Some("ExternalName")
}

/// The addresses that a Service holds.
fn addresses(service: &Service) -> Vec<IpAddr> {
    let spec = service.spec.as_ref().filter(|spec| has_address(spec));
    let given = spec.and_then(|spec| spec.cluster_ips.as_deref()).unwrap_or_default();
    given.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Fills in families and addresses.
fn assign(
    attempted: &Attempted<'_>,
    name: &str,
    spec: &mut ServiceSpec,
    before: &[IpAddr],
) -> Result<(), StatusError> {
    // What it says of addresses all the same is for its own rules to refuse.
    if !has_address(spec) {
        return Ok(());
    }
    let given = spec.cluster_ips.get_or_insert_default();
    if given.is_empty()
        && let Some(one) = spec.cluster_ip.clone().filter(|one| !one.is_empty())
    {
        given.push(one);
    }
    // What is no address at all is for the Service's own rules to refuse.
    if given.iter().any(|text| text != NONE && text.parse::<IpAddr>().is_err()) {
        return Ok(());
    }
    let headless = given.first().is_some_and(|first| first == NONE);
    families(attempted, name, spec, headless)?;
    if headless {
        spec.cluster_ip = Some(NONE.to_owned());
        return Ok(());
    }
    let families = spec.ip_families.clone().unwrap_or_default();
    let given = spec.cluster_ips.get_or_insert_default();
    for text in given.iter() {
        if let Ok(address) = text.parse::<IpAddr>() {
            check_free(attempted, name, given, address, before)?;
        }
    }
    for family in families.iter().skip(given.len()) {
        let address = pick(attempted, family == "IPv6").ok_or_else(|| {
            let text = format!("failed to allocate a serviceIP: range is full ({family})");
            StatusError::internal(text)
        })?;
        given.push(address.to_string());
    }
    spec.cluster_ip = given.first().cloned();
    Ok(())
}

/// Of which families the addresses are. What was not said follows from the addresses, from how the Service was before, and from what the
/// cluster serves.
///
/// See <https://kubernetes.io/docs/concepts/services-networking/dual-stack/>.
fn families(
    attempted: &Attempted<'_>,
    name: &str,
    spec: &mut ServiceSpec,
    headless: bool,
) -> Result<(), StatusError> {
    let served: Vec<&str> = attempted.state.config.service_ranges.iter().map(family).collect();
    let old = attempted.old.and_then(service_ref).and_then(|old| old.spec.as_ref());
    if old.is_some_and(|old| prefers_what_it_has(spec, old)) {
        return Ok(());
    }
    // Whoever makes the endpoints of a Service that has neither address nor selector may use either family.
    let is_anything = headless && spec.selector.as_ref().is_none_or(BTreeMap::is_empty);
    let policy = spec.ip_family_policy.get_or_insert_with(|| {
        let usual = if is_anything { REQUIRE_DUAL } else { SINGLE };
        old.and_then(|old| old.ip_family_policy.clone()).unwrap_or_else(|| usual.to_owned())
    });
    let policy = policy.clone();
    let mut errors = Vec::new();
    if let Some(old) = old {
        release(&mut errors, &policy, spec, old);
    }
    if policy == SINGLE {
        refuse_second(&mut errors, &policy, spec);
    }
    infer(&mut errors, &served, spec);
    let refused =
        |errors: &[FieldError]| StatusError::invalid(&attempted.info.group_kind(), name, errors);
    if !errors.is_empty() {
        return Err(refused(&errors));
    }
    let at = Path::new("spec");
    let families = spec.ip_families.get_or_insert_default();
    if !is_anything {
        if policy == REQUIRE_DUAL && served.len() < 2 {
            let detail = "this cluster is not configured for dual-stack services";
            errors.push(FieldError::invalid(&at.child("ipFamilyPolicy"), &policy, detail));
        }
        for (index, own) in
            families.iter().enumerate().filter(|(_, own)| !served.contains(&own.as_str()))
        {
            let at = at.child("ipFamilies").index(index);
            errors.push(FieldError::invalid(&at, own, "not configured on this cluster"));
        }
        if !errors.is_empty() {
            return Err(refused(&errors));
        }
    }
    if families.is_empty() {
        families.push(served.first().copied().unwrap_or("IPv4").to_owned());
    }
    if policy != SINGLE && families.len() == 1 && (is_anything || served.len() == 2) {
        families.push(if families[0] == "IPv4" { "IPv6" } else { "IPv4" }.to_owned());
    }
    Ok(())
}

const SINGLE: &str = "SingleStack";
const PREFER_DUAL: &str = "PreferDualStack";
const REQUIRE_DUAL: &str = "RequireDualStack";

/// A Service that takes what the cluster has stays as it is when the cluster gets more.
fn prefers_what_it_has(new: &ServiceSpec, old: &ServiceSpec) -> bool {
    new.ip_family_policy.as_deref() == Some(PREFER_DUAL)
        && old.ip_family_policy.as_deref().is_none_or(|policy| policy == PREFER_DUAL)
        && new.type_ == old.type_
        && new.cluster_ips == old.cluster_ips
        && new.ip_families == old.ip_families
}

/// Whoever asks for one family gives up the second address; nothing else does.
fn release(errors: &mut Vec<FieldError>, policy: &str, new: &mut ServiceSpec, old: &ServiceSpec) {
    let single = policy == SINGLE;
    for (new, old, what) in [
        (&mut new.cluster_ips, &old.cluster_ips, "cluster IP"),
        (&mut new.ip_families, &old.ip_families, "IP family"),
    ] {
        let Some(list) = new.as_mut().filter(|list| !list.is_empty()) else { continue };
        if single && old.as_ref() == Some(list) {
            list.truncate(1);
        } else if !single && list.len() < old.as_ref().map_or(0, Vec::len) {
            let at = Path::of(["spec", "ipFamilyPolicy"]);
            let detail = format!("must be 'SingleStack' to release the secondary {what}");
            errors.push(FieldError::invalid(&at, policy, detail));
        }
    }
}

fn refuse_second(errors: &mut Vec<FieldError>, policy: &str, spec: &ServiceSpec) {
    for (list, what) in [(&spec.cluster_ips, "cluster IPs"), (&spec.ip_families, "IP families")] {
        if list.as_ref().is_some_and(|list| list.len() == 2) {
            let detail = format!(
                "must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
            );
            let at = Path::of(["spec", "ipFamilyPolicy"]);
            errors.push(FieldError::invalid(&at, policy, detail));
        }
    }
}

/// Adds the families of addresses that are given without one.
fn infer(errors: &mut Vec<FieldError>, served: &[&str], spec: &mut ServiceSpec) {
    let given = spec.cluster_ips.as_deref().unwrap_or_default();
    let families = spec.ip_families.get_or_insert_default();
    for (index, text) in given.iter().enumerate().take_while(|(_, text)| *text != NONE) {
        let Ok(address) = text.parse() else { continue };
        let family = family_of(address);
        if index < families.len() {
            continue;
        }
        if served.contains(&family) {
            families.push(family.to_owned());
        } else {
            let at = Path::of(["spec", "clusterIPs"]).index(index);
            let detail = format!("{family} is not configured on this cluster");
            errors.push(FieldError::invalid(&at, given, detail));
        }
    }
}

fn family(range: &IpNet) -> &'static str {
    family_of(range.addr())
}

const fn family_of(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

/// An address that a Service asks for must be in a range and free, or its own.
fn check_free(
    attempted: &Attempted<'_>,
    name: &str,
    given: &[String],
    address: IpAddr,
    before: &[IpAddr],
) -> Result<(), StatusError> {
    if before.contains(&address) {
        return Ok(());
    }
    let ranges = ranges(attempted);
    let why = if !ranges.iter().any(|range| is_given_out(range, address)) {
        match ranges.iter().find(|range| range.addr().is_ipv4() == address.is_ipv4()) {
            Some(range) if attempted.dry_run => format!(
                "the provided IP ({address}) is not in the valid range. The range of valid IPs is {range}"
            ),
            _ => "the provided network does not match the current range".to_owned(),
        }
    } else if !attempted.dry_run && !is_free(attempted, address) {
        "provided IP is already allocated".to_owned()
    } else {
        return Ok(());
    };
    let path = Path::of(["spec", "clusterIPs"]);
    let detail = format!("failed to allocate IP {address}: {why}");
    let error = FieldError::invalid(&path, given, detail);
    Err(StatusError::invalid(&attempted.info.group_kind(), name, &[error]))
}

/// Whether a range has an address to give. The first, and the last of IPv4, stand for all of them.
fn is_given_out(range: &IpNet, address: IpAddr) -> bool {
    let is_last = address.is_ipv4() && address == range.broadcast();
    range.contains(&address) && address != range.network() && !is_last
}

fn is_free(attempted: &Attempted<'_>, address: IpAddr) -> bool {
    attempted.snapshot.get(Key::new(&resource(), "", &address.to_string()).as_str()).is_none()
}

/// From where addresses are given out, the range that the server is started with first.
fn ranges(attempted: &Attempted<'_>) -> Vec<IpNet> {
    let mut ranges = attempted.state.config.service_ranges.clone();
    let prefix = Key::prefix(&GroupResource::new("networking.k8s.io", "servicecidrs"), Some(""));
    for entry in attempted.snapshot.range(&prefix, None) {
        let Ok(cidr) = serde_json::from_slice::<ServiceCIDR>(&entry.body) else { continue };
        let conditions = cidr.status.as_ref().and_then(|status| status.conditions.as_deref());
        let mut conditions = conditions.unwrap_or_default().iter();
        let is_ready = conditions.any(|known| known.type_ == "Ready" && known.status == "True");
        if !is_ready || cidr.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let own = cidr.spec.and_then(|spec| spec.cidrs).unwrap_or_default();
        let own = own.iter().filter_map(|text| text.parse::<IpNet>().ok());
        ranges.extend(own.filter(|range| !attempted.state.config.service_ranges.contains(range)));
    }
    ranges
}

/// A free address of the first range that has one.
fn pick(attempted: &Attempted<'_>, ipv6: bool) -> Option<IpAddr> {
    let ranges = ranges(attempted);
    let mut ranges = ranges.iter().filter(|range| range.addr().is_ipv6() == ipv6);
    ranges.find_map(|range| pick_from(attempted, range))
}

/// A free address. The lower part of a range is left for addresses that people choose, until the rest is full.
fn pick_from(attempted: &Attempted<'_>, range: &IpNet) -> Option<IpAddr> {
    let size = size(range);
    let lower = (size / 16).clamp(16, 256).min(size / 2);
    let random = (0..RANDOM_PICKS).map(|_| lower + rand::random_range(0..(size - lower).max(1)));
    let rest = (lower..size).chain(1..lower);
    random
        .chain(rest)
        .filter_map(|offset| nth(range, offset))
        .find(|address| is_free(attempted, *address))
}

/// How many addresses of a range are given out; a large range is used only at its beginning.
fn size(range: &IpNet) -> u64 {
    let bits = u32::from(range.max_prefix_len() - range.prefix_len()).min(20);
    // The last address of an IPv4 range is its broadcast address.
    (1u64 << bits) - u64::from(range.addr().is_ipv4())
}

fn nth(range: &IpNet, offset: u64) -> Option<IpAddr> {
    if offset == 0 {
        return None;
    }
    match range {
        IpNet::V4(range) => {
            let base = u32::from(range.network());
            Some(IpAddr::V4(Ipv4Addr::from(base.checked_add(u32::try_from(offset).ok()?)?)))
        }
        IpNet::V6(range) => {
            let base = u128::from(range.network());
            Some(IpAddr::V6(Ipv6Addr::from(base.checked_add(u128::from(offset))?)))
        }
    }
}

fn take(attempted: &Attempted<'_>, service: &str, address: IpAddr) -> Op {
    let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
    let tree: Tree = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": { "labels": {
            "ipaddress.kubernetes.io/ip-family": family,
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        } },
        "spec": { "parentRef": { "resource": "services", "namespace": attempted.namespace, "name": service } },
    });
    let name = address.to_string();
    made::put(
        attempted,
        Made {
            resource: resource(),
            namespace: "",
            name: &name,
            tree,
            manager: Some("kube-apiserver"),
        },
    )
}
