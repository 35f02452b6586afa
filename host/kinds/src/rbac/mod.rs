//! Who may do what: the group `rbac.authorization.k8s.io`.

mod binding;
mod cluster_role;
mod cluster_role_binding;
mod role;
mod role_binding;
mod rule;

pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";

#[cfg(test)]
mod tests;
