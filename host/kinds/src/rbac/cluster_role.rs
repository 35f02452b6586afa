//! `ClusterRole`: what may be done in the whole cluster, or in any namespace where it is bound. Its rules may be collected from others.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles>.

use jiff::Timestamp;
use k8s_openapi::api::rbac::v1::ClusterRole;
use meta::Tree;
use meta::field::FieldError;

use super::rule;
use crate::check::{At, Errors};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, NameRule, columns, label_selector};

impl Kind for ClusterRole {
    const INFO: KindInfo = KindInfo {
        singular: "clusterrole",
        type_name: "io.k8s.api.rbac.v1.ClusterRole",
        name_rule: NameRule::PathSegment,
        create_on_update: true,
        columns: columns::NAME_AND_CREATED_AT,
        ..KindInfo::cluster::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        rule::validate(&mut errors, self.rules.or_empty(), false);
        if let Some(aggregation) = &self.aggregation_rule {
            let root = At::root("aggregationRule");
            let at = root.field("clusterRoleSelectors");
            let selectors = aggregation.cluster_role_selectors.or_empty();
            if selectors.is_empty() {
                let text =
                    "at least one clusterRoleSelector required if aggregationRule is non-nil";
                errors.required(&at, text);
            }
            for (index, selector) in selectors.iter().enumerate() {
                let at = at.index(index);
                label_selector::validate(&mut errors, &at, Some(selector));
                if meta::selector::label::Selector::from(selector).is_err() {
                    errors.invalid(&at, meta::field::BadValue::null(), "invalid label selector.");
                }
            }
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
