//! `ServiceCIDR`: ranges from which Services get their addresses.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-cidr-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::networking::v1::{ServiceCIDR, ServiceCIDRSpec};
use meta::Tree;
use meta::field::{BadValue, FieldError};

use crate::address;
use crate::check::{At, Errors, IMMUTABLE, json};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, PrefixRule, conditions, metadata};

impl Kind for ServiceCIDR {
    const INFO: KindInfo = KindInfo {
        singular: "servicecidr",
        type_name: "io.k8s.api.networking.v1.ServiceCIDR",
        status: true,
        unowned: &[("status", &["metadata", "spec"])],
        columns: &[columns::NAME, Column::of::<ServiceCIDRSpec>("CIDRs", "cidrs"), columns::AGE],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::cluster::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        conditions::mark_missing_times(tree.pointer_mut("/status/conditions"));
    });

    /// Whoever reports the status has no say in the metadata.
    fn on_status_update(&mut self, old: &Self) {
        metadata::keep_for_status(&mut self.metadata, &old.metadata);
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_ranges(&mut errors, self);
        errors.into_list()
    }

    /// The only change is that a second family is added.
    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let (new, old) = (ranges(self), ranges(old));
        let at = SPEC.field("cidrs");
        let adds_one = old.len() == 1 && new.len() == 2;
        if adds_one || old.len() == new.len() {
            for (index, (new, old)) in new.iter().zip(old).enumerate() {
                if new != old {
                    errors.invalid(&at.index(index), new, IMMUTABLE);
                }
            }
        } else {
            errors.invalid(&at, new, IMMUTABLE);
        }
        if adds_one {
            validate_ranges(&mut errors, self);
        }
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(ranges(self).join(",")),
            columns::age(&self.metadata, now),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");
const RANGES_MAX: usize = 2;

fn ranges(cidr: &ServiceCIDR) -> &[String] {
    cidr.spec.as_ref().map(|spec| spec.cidrs.or_empty()).unwrap_or_default()
}

fn validate_ranges(errors: &mut Errors, cidr: &ServiceCIDR) {
    let (ranges, all) = (ranges(cidr), SPEC.field("cidrs"));
    if ranges.is_empty() {
        errors.required(&all, "at least one CIDR required");
        return;
    }
    if ranges.len() > RANGES_MAX {
        let shown = BadValue::Json(format!("{{\"CIDRs\":{}}}", json(&ranges)));
        errors.invalid(&all, shown, "may only hold up to 2 values");
        return;
    }
    for (index, range) in ranges.iter().enumerate() {
        address::validate_canonical_range(errors, &all.index(index), range);
    }
    let families = ranges.iter().filter_map(|range| address::parse_range(range));
    let are_v6: Vec<bool> = families.map(|range| range.addr().is_ipv6()).collect();
    if matches!(are_v6[..], [first, second] if first == second) {
        let detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and \
                      2001:db8::/64";
        errors.invalid(&all, ranges, detail);
    }
}
