//! What a claim for devices uses: the devices of each class that it may get at most.
//!
//! See <https://kubernetes.io/docs/concepts/policy/resource-quotas/#resource-quota-for-dra>.

use std::collections::BTreeMap;

use k8s_openapi::api::resource::v1::ResourceClaim;
use meta::quantity::Quantity;

use crate::resource::RESULTS_MAX;
use crate::resources::Amounts;
use crate::wire::OrEmpty;

/// Comes behind the name of a class.
const OF_CLASS: &str = ".deviceclass.resource.k8s.io/devices";

/// Whether claims use the resource.
pub(super) fn uses(resource: &str) -> bool {
    resource.ends_with(OF_CLASS)
}

pub(super) fn usage(claim: &ResourceClaim) -> Amounts {
    let devices = claim.spec.as_ref().and_then(|spec| spec.devices.as_ref());
    let requests = devices.map(|devices| devices.requests.or_empty()).unwrap_or_default();
    let mut most: BTreeMap<&str, i64> = BTreeMap::new();
    for request in requests {
        // Of alternatives one is chosen: of each class the largest counts.
        let mut of_request: BTreeMap<&str, i64> = BTreeMap::new();
        for wish in request.first_available.or_empty() {
            let count = devices_of(wish.allocation_mode.or_empty(), wish.count);
            let known = of_request.entry(&wish.device_class_name).or_default();
            *known = count.max(*known);
        }
        if let Some(wish) = &request.exactly {
            let count = devices_of(wish.allocation_mode.or_empty(), wish.count);
            of_request.insert(&wish.device_class_name, count);
        }
        for (class, count) in of_request {
            *most.entry(class).or_default() += count;
        }
    }
    most.into_iter()
        .map(|(class, count)| (format!("{class}{OF_CLASS}"), Quantity::units(count)))
        .collect()
}

/// All devices are as many as a claim can get.
fn devices_of(mode: &str, count: Option<i64>) -> i64 {
    match mode {
        "ExactCount" => count.unwrap_or(1),
        "All" => i64::try_from(RESULTS_MAX).unwrap_or(i64::MAX),
        _ => 0,
    }
}
