//! Where controllers read: one source for each kind, whoever keeps it.
//!
//! The shell fills [`Sources`] with its caches, the laws with tables. The list at the end is the
//! only place that names the kinds; everything typed about them follows from it.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::api::apps::v1::{
    ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet,
};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    ConfigMap, Endpoints, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod,
    ReplicationController, ResourceQuota, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration};
use k8s_openapi::api::networking::v1::{IPAddress, ServiceCIDR};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::api::resource::v1::ResourceClaim;
use k8s_openapi::api::storage::v1::VolumeAttributesClass;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use meta::GroupVersionResource;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A readable set of the objects of one kind. Lists are ordered by namespace and name.
pub trait Reads<K>: Send + Sync {
    /// One object.
    fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>>;
    /// All objects.
    fn all(&self) -> Vec<Arc<K>>;
    /// The objects of one namespace.
    fn in_namespace(&self, namespace: &str) -> Vec<Arc<K>>;
    /// The objects that name an owner of this uid.
    fn owned_by(&self, uid: &str) -> Vec<Arc<K>>;
    /// The objects of one namespace that carry a label.
    fn labelled(&self, namespace: &str, key: &str, value: &str) -> Vec<Arc<K>>;
}

/// A shared source.
pub type Source<K> = Arc<dyn Reads<K>>;

/// A kind that has a source.
pub trait Sourced:
    k8s_openapi::Metadata<Ty = ObjectMeta>
    + Serialize
    + DeserializeOwned
    + Clone
    + Debug
    + Default
    + PartialEq
    + Send
    + Sync
    + 'static
{
    /// Its place in the list.
    const WHICH: Which;

    /// Its source.
    fn source(sources: &Sources) -> &Source<Self>;

    /// The same object among objects of any kind.
    fn into_any(self) -> AnyObject;

    /// The resource it is served as.
    fn resource() -> GroupVersionResource {
        GroupVersionResource {
            group: Self::GROUP.into(),
            version: Self::VERSION.into(),
            resource: Self::URL_PATH_SEGMENT.into(),
        }
    }
}

/// Makes a source of each kind: the shell's way to build its caches from the list.
pub trait Fill {
    /// A source of one kind.
    fn fill<K>(&mut self, which: Which) -> Source<K>
    where
        K: Sourced,
        K::Scope: 'static;
}

/// Does something with an object of whichever kind.
pub trait Visit {
    /// What comes out.
    type Output;
    /// Called with the typed object.
    fn visit<K: Sourced>(self, object: &K) -> Self::Output;
}

macro_rules! sources {
    ($($(#[$note:meta])* $field:ident: $kind:ident $(where $selector:literal)?,)*) => {
        /// All sources.
        #[derive(Clone)]
        pub struct Sources {
            $(
                $(#[$note])*
                #[doc = concat!("Objects of kind `", stringify!($kind), "`.")]
                pub $field: Source<$kind>,
            )*
        }

        impl Sources {
            /// One source of each kind.
            pub fn new(fill: &mut impl Fill) -> Self {
                Self { $($field: fill.fill::<$kind>(Which::$kind),)* }
            }
        }

        /// A kind of the list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Which {
            $(#[doc = concat!("`", stringify!($kind), "`")] $kind,)*
        }

        impl Which {
            /// Every kind of the list.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The field selector that bounds what a source needs to hold; empty for everything.
            pub fn field_selector(self) -> &'static str {
                match self {
                    $(Self::$kind => { $(if true { return $selector; })? "" })*
                }
            }

            /// An object of this kind from its JSON.
            #[cfg(test)]
            pub(crate) fn read(self, tree: serde_json::Value) -> serde_json::Result<AnyObject> {
                Ok(match self {
                    $(Self::$kind => serde_json::from_value::<$kind>(tree)?.into_any(),)*
                })
            }

            /// The resource it is served as.
            pub fn resource(self) -> GroupVersionResource {
                match self {
                    $(Self::$kind => <$kind as Sourced>::resource(),)*
                }
            }
        }

        /// An object of a kind of the list.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyObject {
            $(#[doc = concat!("`", stringify!($kind), "`")] $kind(Box<$kind>),)*
        }

        impl AnyObject {
            /// Its kind.
            pub fn which(&self) -> Which {
                match self {
                    $(Self::$kind(_) => Which::$kind,)*
                }
            }

            /// Its metadata.
            pub fn metadata(&self) -> &ObjectMeta {
                match self {
                    $(Self::$kind(object) => &object.metadata,)*
                }
            }

            /// Its metadata.
            pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
                match self {
                    $(Self::$kind(object) => &mut object.metadata,)*
                }
            }

            /// Calls `visit` with the typed object.
            pub fn visit<V: Visit>(&self, visit: V) -> V::Output {
                match self {
                    $(Self::$kind(object) => visit.visit(&**object),)*
                }
            }

            /// The typed object, if it is of this kind.
            pub fn downcast<K: Sourced>(&self) -> Option<&K> {
                let any: &dyn Any = match self {
                    $(Self::$kind(object) => &**object,)*
                };
                any.downcast_ref()
            }
        }

        $(
            impl Sourced for $kind {
                const WHICH: Which = Which::$kind;

                fn source(sources: &Sources) -> &Source<Self> {
                    &sources.$field
                }

                fn into_any(self) -> AnyObject {
                    AnyObject::$kind(Box::new(self))
                }
            }
        )*
    };
}

sources! {
    pods: Pod,
    nodes: Node,
    namespaces: Namespace,
    services: Service,
    endpoints: Endpoints,
    service_accounts: ServiceAccount,
    token_secrets: Secret where "type=kubernetes.io/service-account-token",
    config_maps: ConfigMap where "metadata.name=kube-root-ca.crt",
    persistent_volume_claims: PersistentVolumeClaim,
    replication_controllers: ReplicationController,
    resource_quotas: ResourceQuota,
    endpoint_slices: EndpointSlice,
    deployments: Deployment,
    replica_sets: ReplicaSet,
    stateful_sets: StatefulSet,
    daemon_sets: DaemonSet,
    controller_revisions: ControllerRevision,
    jobs: Job,
    cron_jobs: CronJob,
    pod_disruption_budgets: PodDisruptionBudget,
    leases: Lease,
    flow_schemas: FlowSchema,
    priority_levels: PriorityLevelConfiguration,
    cluster_roles: ClusterRole,
    signing_requests: CertificateSigningRequest,
    persistent_volumes: PersistentVolume,
    volume_attributes_classes: VolumeAttributesClass,
    service_cidrs: ServiceCIDR,
    ip_addresses: IPAddress,
    resource_claims: ResourceClaim,
    validating_policies: ValidatingAdmissionPolicy,
    custom_resource_definitions: CustomResourceDefinition,
    api_services: APIService,
}

impl Serialize for AnyObject {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        struct Into<S>(S);
        impl<S: serde::Serializer> Visit for Into<S> {
            type Output = Result<S::Ok, S::Error>;
            fn visit<K: Sourced>(self, object: &K) -> Self::Output {
                object.serialize(self.0)
            }
        }
        self.visit(Into(out))
    }
}

impl Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}
