//! The kinds of the API: for each its facts, defaults, rules, warnings and table columns, and the one list of them.
//!
//! Everything here is pure. The room holds no verb, no storage and no HTTP: those read [`KindInfo`] and call [`Object`]. Wire types come
//! from `k8s-openapi`, their shapes from the generated table behind [`schema`].
//!
//! Start with [`Kind`] (what a kind is), [`KindInfo`] (facts that verbs read) and [`all`] (the list).
//!
//! # Adding a kind
//!
//! 1. Write `src/<group>/<kind>.rs`. The header says what the kind is for and links to its page. `impl Kind for X` begins with
//!    `const INFO: KindInfo = KindInfo { singular: …, type_name: …, columns: …, ..KindInfo::namespaced::<Self>() }` (or `cluster`), and
//!    only differences from the usual are spelled. Then come the hooks that the kind needs, in the order of the trait:
//!    `set_defaults`, `on_create`, `on_update`, `validate…`, `warnings`, `fields`, `row`.
//! 2. Add the type to the list below, in its group.
//! 3. Add `src/tests/golden/<group>.<Kind>.json`, an object as the server would store it, its row to `src/tests/golden/rows.tsv`, and what
//!    is refused, warned about and defaulted to `src/tests/create.tsv` and `update.tsv`, a line each. The tests fail while a kind of the
//!    list lacks a golden object, a row or a rejection.
//!
//! Rules are written with [`check::At`] and [`check::Errors`]. Pieces that several kinds share are modules of this crate named after what
//! they are about: `pod_template`, [`label_selector`], `conditions`, `int_or_percent`, [`resources`], `address`, `signer`, `pem`,
//! `core::volume_claim`.

#![expect(
    clippy::similar_names,
    reason = "paths are named after what they lead to: `port_at`, `ports_at`"
)]

mod address;
mod admissionregistration;
mod apiextensions;
mod apiregistration;
mod apps;
mod authentication;
mod authorization;
mod autoscaling;
mod batch;
mod bodies;
pub mod certificates;
pub mod check;
pub mod columns;
mod conditions;
mod coordination;
pub mod core;
pub mod custom;
mod discovery;
mod events;
mod facts;
pub mod flowcontrol;
mod info;
mod int_or_percent;
pub mod intern;
mod internal;
mod kind;
pub mod label_selector;
mod line_diff;
pub mod maturity;
pub mod metadata;
mod names;
mod networking;
mod node;
mod object;
mod pem;
mod pod_template;
mod policy;
pub mod quota;
mod rbac;
mod registry;
mod resource;
pub mod resources;
pub mod scheduling;
mod signer;
pub mod storage;
mod storagemigration;
pub mod wire;

pub use admissionregistration::expression_warnings;
pub use apiextensions::Approval;
pub use bodies::{BODIES, Body, find_body};
pub use columns::{Column, Description};
pub use facts::schema;
pub use info::{
    DeleteAnswer, Generation, KindInfo, Propagation, ScalePaths, Selector, StoredAs, Subresource,
    SubresourceBody, Verb,
};
pub use kind::Kind;
pub use names::{NameRule, PrefixRule, path_segment};
pub use object::{AnyKind, DecodeError, Object, Of};
pub use registry::{find, find_kind};

use k8s_openapi::api;

registry::kinds![
    api::core::v1::Binding,
    api::core::v1::ComponentStatus,
    api::core::v1::ConfigMap,
    api::core::v1::Endpoints,
    api::core::v1::Event,
    api::core::v1::LimitRange,
    api::core::v1::Namespace,
    api::core::v1::Node,
    api::core::v1::PersistentVolume,
    api::core::v1::PersistentVolumeClaim,
    api::core::v1::Pod,
    api::core::v1::PodTemplate,
    api::core::v1::ReplicationController,
    api::core::v1::ResourceQuota,
    api::core::v1::Secret,
    api::core::v1::Service,
    api::core::v1::ServiceAccount,
    api::admissionregistration::v1::MutatingAdmissionPolicy,
    api::admissionregistration::v1::MutatingAdmissionPolicyBinding,
    api::admissionregistration::v1::MutatingWebhookConfiguration,
    api::admissionregistration::v1::ValidatingAdmissionPolicy,
    api::admissionregistration::v1::ValidatingAdmissionPolicyBinding,
    api::admissionregistration::v1::ValidatingWebhookConfiguration,
    k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    api::apps::v1::ControllerRevision,
    api::apps::v1::DaemonSet,
    api::apps::v1::Deployment,
    api::apps::v1::ReplicaSet,
    api::apps::v1::StatefulSet,
    api::authentication::v1::SelfSubjectReview,
    api::authentication::v1::TokenReview,
    api::authorization::v1::LocalSubjectAccessReview,
    api::authorization::v1::SelfSubjectAccessReview,
    api::authorization::v1::SelfSubjectRulesReview,
    api::authorization::v1::SubjectAccessReview,
    api::autoscaling::v1::HorizontalPodAutoscaler,
    api::autoscaling::v2::HorizontalPodAutoscaler,
    api::batch::v1::CronJob,
    api::batch::v1::Job,
    api::certificates::v1::CertificateSigningRequest,
    api::certificates::v1::ClusterTrustBundle,
    api::certificates::v1::PodCertificateRequest,
    api::coordination::v1::Lease,
    api::discovery::v1::EndpointSlice,
    api::events::v1::Event,
    api::flowcontrol::v1::FlowSchema,
    api::flowcontrol::v1::PriorityLevelConfiguration,
    api::networking::v1::Ingress,
    api::networking::v1::IngressClass,
    api::networking::v1::IPAddress,
    api::networking::v1::NetworkPolicy,
    api::networking::v1::ServiceCIDR,
    api::node::v1::RuntimeClass,
    api::policy::v1::PodDisruptionBudget,
    api::rbac::v1::ClusterRole,
    api::rbac::v1::ClusterRoleBinding,
    api::rbac::v1::Role,
    api::rbac::v1::RoleBinding,
    api::resource::v1::DeviceClass,
    api::resource::v1::DeviceTaintRule,
    api::resource::v1::ResourceClaim,
    api::resource::v1::ResourceClaimTemplate,
    api::resource::v1::ResourceSlice,
    api::scheduling::v1::PriorityClass,
    api::storage::v1::CSIDriver,
    api::storage::v1::CSINode,
    api::storage::v1::CSIStorageCapacity,
    api::storage::v1::StorageClass,
    api::storage::v1::VolumeAttachment,
    api::storage::v1::VolumeAttributesClass,
    api::storagemigration::v1::StorageVersionMigration,
    k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService,
];

#[cfg(test)]
mod tests;
