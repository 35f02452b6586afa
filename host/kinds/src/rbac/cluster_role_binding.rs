//! `ClusterRoleBinding`: who may everywhere what a role says.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#rolebinding-and-clusterrolebinding>.

use jiff::Timestamp;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use meta::Tree;
use meta::field::FieldError;

use super::binding;
use crate::check::Errors;
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, NameRule};

const ROLES: &[&str] = &["ClusterRole"];

impl Kind for ClusterRoleBinding {
    const INFO: KindInfo = KindInfo {
        singular: "clusterrolebinding",
        type_name: "io.k8s.api.rbac.v1.ClusterRoleBinding",
        name_rule: NameRule::PathSegment,
        create_on_update: true,
        columns: &[
            columns::NAME,
            Column::of::<Self>("Role", "roleRef"),
            columns::AGE,
            Column::text("Users", "Users in the clusterRoleBinding").wide(),
            Column::text("Groups", "Groups in the clusterRoleBinding").wide(),
            Column::text("ServiceAccounts", "ServiceAccounts in the clusterRoleBinding").wide(),
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        binding::set_defaults(&mut self.role_ref, self.subjects.as_mut());
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        binding::validate(&mut errors, &self.role_ref, ROLES, self.subjects.or_empty(), false);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        errors.extend(Kind::validate(self));
        binding::validate_update(&mut errors, &self.role_ref, &old.role_ref);
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        binding::row(&self.metadata, &self.role_ref, self.subjects.as_ref(), now)
    }
}
