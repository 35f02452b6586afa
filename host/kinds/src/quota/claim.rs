//! What a claim for a volume uses: its storage, counted for all classes together and for its own.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, ScopedResourceSelectorRequirement};
use meta::quantity::Quantity;

use super::{one, scope};
use crate::core::volume_claim;
use crate::resources::{self, Amounts};
use crate::wire::OrEmpty;

const CLAIMS: &str = "persistentvolumeclaims";
const STORAGE: &str = "requests.storage";
/// Comes between the name of a class and what is limited of it.
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

/// Whether claims use the resource.
pub(super) fn uses(resource: &str) -> bool {
    let of_class = resource.rsplit_once(OF_CLASS).map(|(_, resource)| resource);
    matches!(of_class.unwrap_or(resource), CLAIMS | STORAGE)
}

pub(super) fn usage(claim: &PersistentVolumeClaim) -> Amounts {
    let class = volume_claim::class(claim).filter(|class| !class.is_empty());
    let mut usage = Amounts::new();
    let mut charge = |resource: &str, amount: Quantity| {
        if let Some(class) = class {
            usage.insert(format!("{class}{OF_CLASS}{resource}"), amount.clone());
        }
        usage.insert(resource.to_owned(), amount);
    };
    charge(CLAIMS, one());
    if let Some(storage) = storage(claim) {
        charge(STORAGE, storage);
    }
    usage
}

/// What was asked for, or what is being made if that is more, in whole bytes.
fn storage(claim: &PersistentVolumeClaim) -> Option<Quantity> {
    let requests = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?;
    let whole = |amount: Quantity| {
        if amount.counts_in(0) {
            return amount;
        }
        Quantity::new(i128::from(amount.value()), 0, amount.format())
    };
    let asked = whole(resources::parse(requests.get("storage")?));
    let made = claim.status.as_ref().and_then(|status| status.allocated_resources.as_ref());
    match made.and_then(|made| made.get("storage")).map(resources::parse) {
        Some(made) if made > asked => Some(whole(made)),
        _ => Some(asked),
    }
}

/// Whether a claim is in the scope, because of any class of attributes that it has, gets or wants.
pub(super) fn is_in(
    requirement: &ScopedResourceSelectorRequirement,
    claim: &PersistentVolumeClaim,
) -> bool {
    if requirement.scope_name != "VolumeAttributesClass" {
        return false;
    }
    let status = claim.status.as_ref();
    let wanted = claim.spec.as_ref().map(|spec| spec.volume_attributes_class_name.or_empty());
    let current = status.map(|status| status.current_volume_attributes_class_name.or_empty());
    let next = status
        .and_then(|status| status.modify_volume_status.as_ref())
        .map(|change| change.target_volume_attributes_class_name.or_empty());
    let names: Vec<&str> =
        [wanted, current, next].into_iter().flatten().filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return scope::selects(requirement, None);
    }
    names.into_iter().any(|name| scope::selects(requirement, Some(name)))
}
