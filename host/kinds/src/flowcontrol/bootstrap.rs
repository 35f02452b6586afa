//! The flow schemas and priority levels that every cluster has.
//!
//! `exempt` and `catch-all` are mandatory: without them the server could shut out those who would repair it, or have no place for a
//! request. They keep their spec. The others are suggestions that people may change.
//!
//! See <https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defaults>.

use std::collections::BTreeMap;

use k8s_openapi::api::flowcontrol::v1::{
    ExemptPriorityLevelConfiguration, FlowDistinguisherMethod, FlowSchema, FlowSchemaSpec,
    GroupSubject, LimitResponse, LimitedPriorityLevelConfiguration, NonResourcePolicyRule,
    PolicyRulesWithSubjects, PriorityLevelConfiguration, PriorityLevelConfigurationReference,
    PriorityLevelConfigurationSpec, QueuingConfiguration, ResourcePolicyRule,
    ServiceAccountSubject, Subject, UserSubject,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Says whether the server may bring the spec of an object up to date.
pub const AUTO_UPDATE: &str = "apf.kubernetes.io/autoupdate-spec";

pub(super) const EXEMPT: &str = "exempt";
pub(super) const CATCH_ALL: &str = "catch-all";

/// Whether objects of this name keep their spec whatever anybody wants.
#[must_use]
pub fn is_mandatory(name: &str) -> bool {
    matches!(name, EXEMPT | CATCH_ALL)
}

/// All priority levels.
#[must_use]
pub fn levels() -> Vec<PriorityLevelConfiguration> {
    let exempt = PriorityLevelConfigurationSpec {
        type_: "Exempt".to_owned(),
        exempt: Some(ExemptPriorityLevelConfiguration {
            nominal_concurrency_shares: Some(0),
            lendable_percent: Some(0),
        }),
        limited: None,
    };
    let exempt =
        PriorityLevelConfiguration { metadata: metadata(EXEMPT), spec: exempt, status: None };
    LIMITED.iter().map(Level::object).chain([exempt]).collect()
}

/// All flow schemas.
#[must_use]
pub fn schemas() -> Vec<FlowSchema> {
    SCHEMAS.iter().map(Schema::object).collect()
}

/// What the spec of the level must be, if its name is a mandatory one.
pub(super) fn mandatory_level(name: &str) -> Option<PriorityLevelConfigurationSpec> {
    let mut levels = levels().into_iter().filter(|_| is_mandatory(name));
    Some(levels.find(|level| level.metadata.name.as_deref() == Some(name))?.spec)
}

/// What the spec of the schema must be, if its name is a mandatory one.
pub(super) fn mandatory_schema(name: &str) -> Option<FlowSchemaSpec> {
    let schema = SCHEMAS.iter().find(|schema| schema.name == name)?;
    is_mandatory(name).then(|| schema.spec())
}

/// A priority level whose requests are counted.
struct Level {
    name: &'static str,
    shares: i32,
    lendable_percent: i32,
    /// How many queues there are, and from how many each flow picks; without any, what does not fit is rejected.
    queues: Option<(i32, i32)>,
}

const QUEUE_LENGTH_LIMIT: i32 = 50;

const LIMITED: &[Level] = &[
    Level { name: CATCH_ALL, shares: 5, lendable_percent: 0, queues: None },
    Level { name: "system", shares: 30, lendable_percent: 33, queues: Some((64, 6)) },
    Level { name: "node-high", shares: 40, lendable_percent: 25, queues: Some((64, 6)) },
    Level { name: "leader-election", shares: 10, lendable_percent: 0, queues: Some((16, 4)) },
    Level { name: "workload-high", shares: 40, lendable_percent: 50, queues: Some((128, 6)) },
    Level { name: "workload-low", shares: 100, lendable_percent: 90, queues: Some((128, 6)) },
    Level { name: "global-default", shares: 20, lendable_percent: 50, queues: Some((128, 6)) },
];

/// Whose requests a schema is about.
enum Who {
    Group(&'static str),
    User(&'static str),
    /// Every service account of the system's namespace.
    SystemServiceAccounts,
}

/// Requests about resources of one API group, in every namespace.
struct Resources {
    verbs: &'static [&'static str],
    group: &'static str,
    names: &'static [&'static str],
    cluster_scope: bool,
}

/// Requests for paths that are no resources.
struct Paths {
    verbs: &'static [&'static str],
    paths: &'static [&'static str],
}

struct Schema {
    name: &'static str,
    level: &'static str,
    precedence: i32,
    /// What tells flows apart; empty if all requests are one flow.
    by: &'static str,
    who: &'static [Who],
    resources: &'static [Resources],
    paths: &'static [Paths],
}

const ANYTHING: &[&str] = &["*"];
const ALL_RESOURCES: &[Resources] =
    &[Resources { verbs: ANYTHING, group: "*", names: ANYTHING, cluster_scope: true }];
const ALL_PATHS: &[Paths] = &[Paths { verbs: ANYTHING, paths: ANYTHING }];
const EVERYBODY: &[Who] =
    &[Who::Group("system:unauthenticated"), Who::Group("system:authenticated")];
const BY_USER: &str = "ByUser";
const BY_NAMESPACE: &str = "ByNamespace";

const MASTERS: &[Who] = &[Who::Group("system:masters")];
const NODES: &[Who] = &[Who::Group("system:nodes")];
const MANAGER: &[Who] = &[Who::User("system:kube-controller-manager")];
const SCHEDULER: &[Who] = &[Who::User("system:kube-scheduler")];
const SYSTEM: &[Who] = &[Who::SystemServiceAccounts];
const SERVICE_ACCOUNTS: &[Who] = &[Who::Group("system:serviceaccounts")];

const SCHEMAS: &[Schema] = &[
    Schema::of_all(EXEMPT, EXEMPT, 1, "", MASTERS),
    Schema {
        name: "probes",
        level: EXEMPT,
        precedence: 2,
        by: "",
        who: EVERYBODY,
        resources: &[],
        paths: &[Paths { verbs: &["get"], paths: &["/healthz", "/readyz", "/livez"] }],
    },
    Schema {
        name: "system-leader-election",
        level: "leader-election",
        precedence: 100,
        by: BY_USER,
        who: &[
            Who::User("system:kube-controller-manager"),
            Who::User("system:kube-scheduler"),
            Who::SystemServiceAccounts,
        ],
        resources: &[leases(&["get", "create", "update"])],
        paths: &[],
    },
    Schema {
        name: "system-node-high",
        level: "node-high",
        precedence: 400,
        by: BY_USER,
        who: NODES,
        resources: &[
            Resources {
                verbs: ANYTHING,
                group: "",
                names: &["nodes", "nodes/status"],
                cluster_scope: true,
            },
            leases(ANYTHING),
        ],
        paths: &[],
    },
    Schema::of_all("system-nodes", "system", 500, BY_USER, NODES),
    Schema::of_all("kube-controller-manager", "workload-high", 800, BY_NAMESPACE, MANAGER),
    Schema::of_all("kube-scheduler", "workload-high", 800, BY_NAMESPACE, SCHEDULER),
    Schema::of_all("kube-system-service-accounts", "workload-high", 900, BY_NAMESPACE, SYSTEM),
    Schema::of_all("service-accounts", "workload-low", 9000, BY_USER, SERVICE_ACCOUNTS),
    Schema::of_all("global-default", "global-default", 9900, BY_USER, EVERYBODY),
    Schema::of_all(CATCH_ALL, CATCH_ALL, 10_000, BY_USER, EVERYBODY),
];

const fn leases(verbs: &'static [&'static str]) -> Resources {
    Resources { verbs, group: "coordination.k8s.io", names: &["leases"], cluster_scope: false }
}

fn metadata(name: &str) -> ObjectMeta {
    let annotations = BTreeMap::from([(AUTO_UPDATE.to_owned(), "true".to_owned())]);
    ObjectMeta {
        name: Some(name.to_owned()),
        annotations: Some(annotations),
        ..ObjectMeta::default()
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

impl Level {
    fn object(&self) -> PriorityLevelConfiguration {
        let queuing = self.queues.map(|(queues, hand_size)| QueuingConfiguration {
            queues: Some(queues),
            hand_size: Some(hand_size),
            queue_length_limit: Some(QUEUE_LENGTH_LIMIT),
        });
        let response = if queuing.is_some() { "Queue" } else { "Reject" };
        let spec = PriorityLevelConfigurationSpec {
            type_: "Limited".to_owned(),
            limited: Some(LimitedPriorityLevelConfiguration {
                nominal_concurrency_shares: Some(self.shares),
                lendable_percent: Some(self.lendable_percent),
                borrowing_limit_percent: None,
                limit_response: LimitResponse { type_: response.to_owned(), queuing },
            }),
            exempt: None,
        };
        PriorityLevelConfiguration { metadata: metadata(self.name), spec, status: None }
    }
}

impl Schema {
    /// A schema about every request of somebody.
    const fn of_all(
        name: &'static str,
        level: &'static str,
        precedence: i32,
        by: &'static str,
        who: &'static [Who],
    ) -> Self {
        Self { name, level, precedence, by, who, resources: ALL_RESOURCES, paths: ALL_PATHS }
    }

    fn object(&self) -> FlowSchema {
        FlowSchema { metadata: metadata(self.name), spec: self.spec(), status: None }
    }

    fn spec(&self) -> FlowSchemaSpec {
        let resources: Vec<_> = self.resources.iter().map(Resources::rule).collect();
        let paths: Vec<_> = self.paths.iter().map(Paths::rule).collect();
        let rule = PolicyRulesWithSubjects {
            subjects: self.who.iter().map(Who::subject).collect(),
            resource_rules: (!resources.is_empty()).then_some(resources),
            non_resource_rules: (!paths.is_empty()).then_some(paths),
        };
        let by = FlowDistinguisherMethod { type_: self.by.to_owned() };
        FlowSchemaSpec {
            priority_level_configuration: PriorityLevelConfigurationReference {
                name: self.level.to_owned(),
            },
            matching_precedence: Some(self.precedence),
            distinguisher_method: (!self.by.is_empty()).then_some(by),
            rules: Some(vec![rule]),
        }
    }
}

impl Who {
    fn subject(&self) -> Subject {
        match self {
            Self::Group(name) => Subject {
                kind: "Group".to_owned(),
                group: Some(GroupSubject { name: (*name).to_owned() }),
                ..Subject::default()
            },
            Self::User(name) => Subject {
                kind: "User".to_owned(),
                user: Some(UserSubject { name: (*name).to_owned() }),
                ..Subject::default()
            },
            Self::SystemServiceAccounts => Subject {
                kind: "ServiceAccount".to_owned(),
                service_account: Some(ServiceAccountSubject {
                    namespace: "kube-system".to_owned(),
                    name: "*".to_owned(),
                }),
                ..Subject::default()
            },
        }
    }
}

impl Resources {
    fn rule(&self) -> ResourcePolicyRule {
        ResourcePolicyRule {
            verbs: owned(self.verbs),
            api_groups: owned(&[self.group]),
            resources: owned(self.names),
            namespaces: Some(owned(ANYTHING)),
            cluster_scope: self.cluster_scope.then_some(true),
        }
    }
}

impl Paths {
    fn rule(&self) -> NonResourcePolicyRule {
        NonResourcePolicyRule { verbs: owned(self.verbs), non_resource_urls: owned(self.paths) }
    }
}
