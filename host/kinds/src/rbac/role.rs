//! `Role`: what may be done in a namespace.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole>.

use jiff::Timestamp;
use k8s_openapi::api::rbac::v1::Role;
use meta::Tree;
use meta::field::FieldError;

use super::rule;
use crate::check::Errors;
use crate::columns;
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, NameRule};

impl Kind for Role {
    const INFO: KindInfo = KindInfo {
        singular: "role",
        type_name: "io.k8s.api.rbac.v1.Role",
        name_rule: NameRule::PathSegment,
        create_on_update: true,
        columns: columns::NAME_AND_CREATED_AT,
        ..KindInfo::namespaced::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        rule::validate(&mut errors, self.rules.or_empty(), true);
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Kind::validate(self)
    }

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        columns::name_and_created_at(&self.metadata)
    }
}
