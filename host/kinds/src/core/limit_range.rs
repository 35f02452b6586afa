//! `LimitRange`: how much one Pod, container or claim of a namespace may ask for, and what it gets if it does not ask.
//!
//! See <https://kubernetes.io/docs/concepts/policy/limit-range/>.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem};
use meta::field::FieldError;
use meta::quantity::Quantity;
use meta::{Tree, names};

use crate::check::{At, Errors};
use crate::columns;
use crate::resources::{self, ResourceList};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo};

impl Kind for LimitRange {
    const INFO: KindInfo = KindInfo {
        singular: "limitrange",
        short_names: &["limits"],
        type_name: "io.k8s.api.core.v1.LimitRange",
        create_on_update: true,
        columns: columns::NAME_AND_CREATED_AT,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        for item in &mut self.spec.get_or_insert_default().limits {
            if item.type_ == CONTAINER {
                fill(&mut item.default, item.max.as_ref());
                let limits = item.default.clone();
                fill(&mut item.default_request, limits.as_ref());
                fill(&mut item.default_request, item.min.as_ref());
            }
            let lists = [
                &mut item.max,
                &mut item.min,
                &mut item.default,
                &mut item.default_request,
                &mut item.max_limit_request_ratio,
            ];
            lists.into_iter().flatten().for_each(resources::round_up);
        }
    }

    /// One that nobody named is called after its uid.
    fn on_create(&mut self) {
        if self.metadata.name.is_unset() {
            self.metadata.name.clone_from(&self.metadata.uid);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let spec = At::root("spec");
        let all = spec.field("limits");
        let mut seen = BTreeSet::new();
        let items = self.spec.as_ref().map(|spec| spec.limits.as_slice()).unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let at = all.index(index);
            let type_at = at.field("type");
            type_name(&mut errors, &type_at, &item.type_);
            if !seen.insert(&item.type_) {
                errors.duplicate(&type_at, &item.type_);
            }
            validate_item(&mut errors, &at, item);
        }
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Kind::validate(self)
    }

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        columns::name_and_created_at(&self.metadata)
    }
}

const POD: &str = "Pod";
const CONTAINER: &str = "Container";
const CLAIM: &str = "PersistentVolumeClaim";

/// Adds what `list` lacks.
fn fill(list: &mut Option<ResourceList>, from: Option<&ResourceList>) {
    for (name, quantity) in from.into_iter().flatten() {
        let list = list.get_or_insert_default();
        list.entry(name.clone()).or_insert_with(|| quantity.clone());
    }
}

fn type_name(errors: &mut Errors, at: &At<'_>, name: &str) {
    let messages = names::is_qualified_name(name);
    let is_known = matches!(name, POD | CONTAINER | CLAIM);
    if messages.is_empty() && !name.contains('/') && !is_known {
        errors.invalid(at, name, "must be a standard limit type or fully qualified");
    }
    errors.invalid_each(at, name, messages);
}

fn validate_item(errors: &mut Errors, at: &At<'_>, item: &LimitRangeItem) {
    let kind = item.type_.as_str();
    resource_names(errors, &at.field("max"), kind, item.max.as_ref());
    resource_names(errors, &at.field("min"), kind, item.min.as_ref());
    for (field, list) in [("default", &item.default), ("defaultRequest", &item.default_request)] {
        let at = at.field(field);
        if kind != POD {
            resource_names(errors, &at, kind, list.as_ref());
        } else if !list.is_unset() {
            errors.forbidden(&at, "may not be specified when `type` is 'Pod'");
        }
    }
    let mut bounds = [&item.min, &item.max].into_iter().flatten();
    if kind == CLAIM && !bounds.any(|list| list.contains_key("storage")) {
        let detail =
            "either minimum or maximum storage value is required, but neither was provided";
        errors.required(&at.field("limits"), detail);
    }
    let ratios_at = at.field("maxLimitRequestRatio");
    resource_names(errors, &ratios_at, kind, item.max_limit_request_ratio.as_ref());
    let lists = [&item.max, &item.min, &item.default, &item.default_request];
    let mut names: BTreeSet<&String> =
        lists.into_iter().flatten().flat_map(|list| list.keys()).collect();
    names.extend(item.max_limit_request_ratio.or_empty().keys());
    for name in names {
        Amounts::of(item, name).validate(errors, at, name);
    }
}

fn resource_names(errors: &mut Errors, at: &At<'_>, kind: &str, list: Option<&ResourceList>) {
    for name in list.into_iter().flat_map(|list| list.keys()) {
        if matches!(kind, POD | CONTAINER) {
            resources::check_container_name(errors, &at.key(name), name);
        } else {
            resources::check_name(errors, &at.key(name), name);
        }
    }
}

/// What an item says of one resource.
struct Amounts {
    min: Option<Quantity>,
    max: Option<Quantity>,
    limit: Option<Quantity>,
    request: Option<Quantity>,
    ratio: Option<Quantity>,
}

impl Amounts {
    fn of(item: &LimitRangeItem, name: &str) -> Self {
        let get = |list: &Option<ResourceList>| list.or_empty().get(name).map(resources::parse);
        // A Pod as a whole has no defaults.
        let default = |list| if item.type_ == POD { None } else { get(list) };
        Self {
            min: get(&item.min),
            max: get(&item.max),
            limit: default(&item.default),
            request: default(&item.default_request),
            ratio: get(&item.max_limit_request_ratio),
        }
    }

    fn validate(&self, errors: &mut Errors, at: &At<'_>, name: &str) {
        let Self { min, max, limit, request, ratio } = self;
        // Where it is wrong, the value shown there, and two amounts of which the first must not be greater.
        let orders = [
            ("min", min, ("min value", min), ("max value", max)),
            ("defaultRequest", request, ("min value", min), ("default request value", request)),
            ("defaultRequest", request, ("default request value", request), ("max value", max)),
            (
                "defaultRequest",
                request,
                ("default request value", request),
                ("default limit value", limit),
            ),
            ("default", min, ("min value", min), ("default value", limit)),
            ("default", max, ("default value", limit), ("max value", max)),
        ];
        for (field, shown, (less, a), (more, b)) in orders {
            if let (Some(shown), Some(a), Some(b)) = (shown, a, b)
                && a > b
            {
                let at = at.field(field);
                let detail = format!("{less} {a} is greater than {more} {b}");
                errors.invalid(&at.key(name), shown.to_string(), detail);
            }
        }
        if let Some(ratio) = ratio {
            let at = at.field("maxLimitRequestRatio");
            self.validate_ratio(errors, &at.key(name), ratio);
        }
        if let (Some(limit), Some(request)) = (limit, request)
            && !resources::is_overcommit_allowed(name)
            && limit != request
        {
            let at = at.field("defaultRequest");
            let detail = format!(
                "default value {limit} must equal to defaultRequest value {request} in {name}"
            );
            errors.invalid(&at.key(name), request.to_string(), detail);
        }
    }

    fn validate_ratio(&self, errors: &mut Errors, at: &At<'_>, ratio: &Quantity) {
        if *ratio < Quantity::units(1) {
            errors.invalid(at, ratio.to_string(), format!("ratio {ratio} is less than 1"));
        }
        if let (Some(min), Some(max)) = (&self.min, &self.max)
            && resources::compare_ratio(max, min, ratio).is_lt()
        {
            let highest = max.approximate() / min.approximate();
            let detail = format!("ratio {ratio} is greater than max/min = {highest:.6}");
            errors.invalid(at, ratio.to_string(), detail);
        }
    }
}
