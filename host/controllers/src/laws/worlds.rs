//! One generator of worlds for all controllers: a namespace or two, nodes of every state, Pods of
//! every owner and phase, and the sets that want them.
//!
//! Choices are drawn from a tape of bytes, so that a failing world shrinks.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    Endpoints, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod,
    ReplicationController, ResourceQuota, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration};
use k8s_openapi::api::networking::v1::{IPAddress, ServiceCIDR};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::api::storage::v1::VolumeAttributesClass;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{FOREIGN, World};
use crate::certificates::samples;

const NS: &str = "ns";

/// Any world.
pub(super) fn any() -> impl Strategy<Value = World> {
    vec(0_u8..=255, 0..260).prop_map(|bytes| Builder::new(bytes).build())
}

struct Builder {
    tape: std::vec::IntoIter<u8>,
    world: World,
}

impl Builder {
    fn new(bytes: Vec<u8>) -> Self {
        let now = Timestamp::from_second(1_800_000_000).expect("in range");
        Self { tape: bytes.into_iter(), world: World::new(now) }
    }

    /// A number below `n`; zero once the tape has ended.
    fn pick(&mut self, n: usize) -> usize {
        usize::from(self.tape.next().unwrap_or(0)) % n
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.pick(of.len())]
    }

    fn ago(&mut self, most: usize) -> String {
        let secs = i64::try_from(self.pick(most)).expect("small");
        (self.world.now - SignedDuration::from_secs(secs)).to_string()
    }

    fn build(mut self) -> World {
        self.namespaces();
        for n in 0..self.pick(4) {
            self.node(n);
        }
        self.sets();
        self.batch();
        for n in 0..self.pick(9) {
            self.pod(n);
        }
        self.services();
        self.quotas();
        self.flows();
        self.roles();
        self.storage();
        self.ranges();
        for n in 0..self.pick(4) {
            self.signing_request(n);
        }
        self.policies();
        self.token_secrets();
        self.definitions();
        self.world
    }

    fn token_secrets(&mut self) {
        for n in 0..self.pick(3) {
            let account = self.one(&["default", "gone"]);
            let mut notes = json!({"kubernetes.io/service-account.name": account});
            if self.pick(3) == 0 {
                notes["kubernetes.io/service-account.uid"] = "u".into();
            }
            let created = self.ago(20);
            self.world.put::<Secret>(json!({
                "type": "kubernetes.io/service-account-token",
                "metadata": {
                    "name": format!("token-{n}"), "namespace": NS,
                    "annotations": notes, "creationTimestamp": created,
                },
            }));
        }
    }

    fn namespaces(&mut self) {
        self.world.put::<Namespace>(json!({"metadata": {"name": NS}}));
        if self.pick(2) == 0 {
            self.world
                .put::<ServiceAccount>(json!({"metadata": {"name": "default", "namespace": NS}}));
        }
        if self.pick(2) == 1 {
            let at = self.ago(10);
            self.world.put::<Namespace>(json!({
                "metadata": {"name": "going", "deletionTimestamp": at},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Terminating"},
            }));
            if self.pick(2) == 1 {
                self.world.put::<Service>(json!({
                    "metadata": {"name": "s", "namespace": "going"}, "spec": {},
                }));
            }
        }
    }

    fn node(&mut self, n: usize) {
        let name = format!("node-{n}");
        let ready = self.one(&["True", "False", "Unknown"]);
        let heard = self.ago(200);
        let mut taints = Vec::new();
        if self.pick(3) == 1 {
            let added = self.ago(60);
            taints.push(json!({"key": "own", "effect": "NoExecute", "timeAdded": added}));
        }
        let tree = json!({
            "metadata": {"name": name},
            "spec": {"taints": taints, "unschedulable": self.pick(4) == 1},
            "status": {"conditions": [
                {"type": "Ready", "status": ready, "lastHeartbeatTime": heard},
            ]},
        });
        self.world.put::<Node>(tree);
        if self.pick(2) == 1 {
            let renewed = self.ago(100);
            self.world.put::<Lease>(json!({
                "metadata": {"name": name, "namespace": "kube-node-lease"},
                "spec": {"renewTime": renewed},
            }));
        }
    }

    fn template(&mut self) -> Value {
        let image = self.one(&["app:1", "app:2", "app:3"]);
        json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": image}], "restartPolicy": "Always"},
        })
    }

    fn owners(&mut self, ours: &Value) -> Value {
        match self.pick(4) {
            0 => json!([]),
            1 => json!([{"apiVersion": "e.example/v1", "kind": "Other", "name": "other",
                "uid": FOREIGN, "controller": true}]),
            _ => json!([ours]),
        }
    }

    fn sets(&mut self) {
        let selector = json!({"matchLabels": {"app": "web"}});
        let replicas = self.pick(6);
        let template = self.template();
        match self.pick(6) {
            0 => self.world.put::<ReplicaSet>(json!({
                "metadata": {"name": "set", "namespace": NS},
                "spec": {"replicas": replicas, "selector": selector, "template": template},
            })),
            1 => self.world.put::<ReplicationController>(json!({
                "metadata": {"name": "set", "namespace": NS},
                "spec": {"replicas": replicas, "selector": {"app": "web"}, "template": template},
            })),
            2 => {
                let policy = self.one(&["OrderedReady", "Parallel"]);
                self.world.put::<StatefulSet>(json!({
                    "metadata": {"name": "set", "namespace": NS},
                    "spec": {"replicas": replicas, "selector": selector, "template": template,
                        "serviceName": "set", "podManagementPolicy": policy,
                        "updateStrategy": {"type": "RollingUpdate"}},
                }));
            }
            3 => self.world.put::<DaemonSet>(json!({
                "metadata": {"name": "set", "namespace": NS},
                "spec": {"selector": selector, "template": template,
                    "updateStrategy": {"type": "RollingUpdate",
                        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}},
            })),
            _ => self.deployment(&selector, replicas, &template),
        }
        if self.pick(3) == 1 {
            let tree = json!({
                "metadata": {"name": "budget", "namespace": NS},
                "spec": {"minAvailable": self.pick(4), "selector": selector},
            });
            self.world.put::<PodDisruptionBudget>(tree);
        }
    }

    fn deployment(&mut self, selector: &Value, replicas: usize, template: &Value) {
        let strategy = match self.pick(3) {
            0 => json!({"type": "Recreate"}),
            1 => json!({"type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}),
            _ => json!({"type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 2}}),
        };
        let tree = json!({
            "metadata": {"name": "web", "namespace": NS},
            "spec": {"replicas": replicas, "selector": selector, "template": template,
                "strategy": strategy, "paused": self.pick(5) == 1,
                "progressDeadlineSeconds": 600, "revisionHistoryLimit": self.pick(3)},
        });
        self.world.put::<Deployment>(tree);
        for n in 0..self.pick(4) {
            let (want, ready) = (self.pick(5), self.pick(5));
            let mut template = self.template();
            template["metadata"]["labels"]["pod-template-hash"] = json!(n.to_string());
            let owners = self.owners(&json!({"apiVersion": "apps/v1", "kind": "Deployment",
                "name": "web", "uid": "Deployment-web", "controller": true}));
            let mut notes = json!({"deployment.kubernetes.io/revision": (n + 1).to_string()});
            if self.pick(2) == 1 {
                notes["deployment.kubernetes.io/desired-replicas"] = json!(want.to_string());
                notes["deployment.kubernetes.io/max-replicas"] = json!((want + 1).to_string());
            }
            self.world.put::<ReplicaSet>(json!({
                "metadata": {"name": format!("web-{n}"), "namespace": NS,
                    "labels": {"app": "web"}, "annotations": notes, "ownerReferences": owners},
                "spec": {"replicas": want, "selector": selector, "template": template},
                "status": {"replicas": want, "readyReplicas": ready.min(want),
                    "availableReplicas": ready.min(want), "observedGeneration": 1},
            }));
        }
    }

    fn batch(&mut self) {
        if self.pick(3) == 1 {
            let tree = json!({
                "metadata": {"name": "job", "namespace": NS},
                "spec": {"parallelism": self.pick(4), "completions": self.pick(4) + 1,
                    "backoffLimit": self.pick(3), "suspend": self.pick(4) == 1,
                    "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "Job-job"}},
                    "ttlSecondsAfterFinished": 5,
                    "template": {"metadata": {"labels":
                            {"batch.kubernetes.io/controller-uid": "Job-job"}},
                        "spec": {"containers": [{"name": "c"}], "restartPolicy": "Never"}}},
            });
            self.world.put::<Job>(tree);
            for n in 0..self.pick(5) {
                let phase = self.one(&["Pending", "Running", "Succeeded", "Failed"]);
                let finalizers = if self.pick(2) == 1 {
                    json!([])
                } else {
                    json!(["batch.kubernetes.io/job-tracking"])
                };
                self.world.put::<Pod>(json!({
                    "metadata": {"name": format!("job-{n}"), "namespace": NS,
                        "finalizers": finalizers,
                        "labels": {"batch.kubernetes.io/controller-uid": "Job-job"},
                        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job",
                            "name": "job", "uid": "Job-job", "controller": true}]},
                    "spec": {"containers": [{"name": "c"}], "nodeName": "node-0"},
                    "status": {"phase": phase},
                }));
            }
        }
        if self.pick(3) == 1 {
            let finished = self.ago(20);
            self.world.put::<Job>(json!({
                "metadata": {"name": "done", "namespace": NS},
                "spec": {"selector": {"matchLabels": {"j": "done"}}, "ttlSecondsAfterFinished": 5,
                    "template": {"spec": {"containers": [], "restartPolicy": "Never"}}},
                "status": {"completionTime": finished, "succeeded": 1, "conditions": [
                    {"type": "Complete", "status": "True", "lastTransitionTime": finished}]},
            }));
        }
        if self.pick(3) == 1 {
            let policy = self.one(&["Allow", "Forbid", "Replace"]);
            let tree = json!({
                "metadata": {"name": "cron", "namespace": NS},
                "spec": {"schedule": "* * * * *", "concurrencyPolicy": policy,
                    "suspend": self.pick(4) == 1,
                    "jobTemplate": {"spec": {"template": {"spec": {"containers": [],
                        "restartPolicy": "Never"}}}}},
            });
            self.world.put::<CronJob>(tree);
        }
    }

    fn pod(&mut self, n: usize) {
        let (kind, group) = match self.pick(4) {
            0 => ("ReplicationController", "v1"),
            1 => ("StatefulSet", "apps/v1"),
            2 => ("DaemonSet", "apps/v1"),
            _ => ("ReplicaSet", "apps/v1"),
        };
        let owners = self.owners(&json!({"apiVersion": group, "kind": kind, "name": "set",
            "uid": format!("{kind}-set"), "controller": true}));
        let app = self.one(&["web", "web", "other"]);
        let phase = self.one(&["Pending", "Running", "Running", "Succeeded", "Failed"]);
        let node = ["", "node-0", "node-1", "gone"][self.pick(4)];
        let name = if kind == "StatefulSet" { format!("set-{n}") } else { format!("pod-{n}") };
        let tolerations = match self.pick(3) {
            0 => json!([]),
            1 => json!([{"operator": "Exists"}]),
            _ => json!([{"operator": "Exists", "tolerationSeconds": 30}]),
        };
        let mut pod = json!({
            "metadata": {"name": name, "namespace": NS, "labels": {"app": app},
                "ownerReferences": owners},
            "spec": {"containers": [{"name": "c", "image": "app:1"}], "nodeName": node,
                "tolerations": tolerations, "restartPolicy": "Always"},
            "status": {"phase": phase},
        });
        if phase == "Running" {
            let since = self.ago(90);
            let ready = self.one(&["True", "False"]);
            pod["status"]["conditions"] =
                json!([{"type": "Ready", "status": ready, "lastTransitionTime": since}]);
            pod["status"]["podIPs"] = json!([{"ip": format!("100.64.0.{}", n + 1)}]);
        }
        if self.pick(5) == 1 {
            pod["metadata"]["deletionTimestamp"] = json!(self.ago(30));
        }
        self.world.put::<Pod>(pod);
    }

    fn services(&mut self) {
        let ip = self.one(&["None", "10.43.0.9"]);
        let tree = json!({
            "metadata": {"name": "web", "namespace": NS, "labels": {"team": "blue"}},
            "spec": {"selector": {"app": "web"}, "clusterIP": ip, "clusterIPs": [ip], "ipFamilies": ["IPv4"],
                "publishNotReadyAddresses": self.pick(3) == 1,
                "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
        });
        self.world.put::<Service>(tree);
        if self.pick(2) == 1 {
            self.world.put::<Service>(json!({
                "metadata": {"name": "by-hand", "namespace": NS}, "spec": {"clusterIP": "None"},
            }));
            self.world.put::<Endpoints>(json!({
                "metadata": {"name": "by-hand", "namespace": NS},
                "subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}],
            }));
        }
    }

    fn quotas(&mut self) {
        for (name, scopes) in [("all", json!([])), ("scoped", json!(["NotTerminating"]))] {
            let mut tree = json!({
                "metadata": {"name": name, "namespace": NS},
                "spec": {"scopes": scopes, "hard": {"pods": "9", "requests.cpu": "2",
                    "services.nodeports": "1", "count/configmaps": "4", "example.com/x": "1"}},
            });
            match self.pick(4) {
                0 => continue,
                1 => {}
                _ => {
                    let used = self.pick(9);
                    tree["status"] = json!({"hard": {"pods": "8"}, "used": {
                        "pods": used.to_string(), "example.com/x": "1", "memory": "1Gi"}});
                }
            }
            self.world.put::<ResourceQuota>(tree);
        }
    }

    fn flows(&mut self) {
        if self.pick(2) == 1 {
            self.world.put::<PriorityLevelConfiguration>(json!({
                "metadata": {"name": "level"}, "spec": {"type": "Exempt"},
            }));
        }
        if self.pick(2) == 1 {
            let mut tree = json!({
                "metadata": {"name": "flow"},
                "spec": {"priorityLevelConfiguration": {"name": "level"}},
            });
            if self.pick(2) == 1 {
                let (status, since) = (self.one(&["True", "False"]), self.ago(60));
                tree["status"]["conditions"] = json!([
                    {"type": "Other", "status": "True"},
                    {"type": "Dangling", "status": status, "lastTransitionTime": since},
                ]);
            }
            self.world.put::<FlowSchema>(tree);
        }
    }

    fn rules(&mut self) -> Value {
        match self.pick(3) {
            0 => Value::Null,
            n => json!([{"apiGroups": [""], "resources": [n.to_string()], "verbs": ["get"]}]),
        }
    }

    fn roles(&mut self) {
        for n in 0..self.pick(4) {
            let (rules, label) = (self.rules(), self.one(&["view", "edit"]));
            self.world.put::<ClusterRole>(json!({
                "metadata": {"name": format!("part-{n}"), "labels": {"into": label}},
                "rules": rules,
            }));
        }
        // One collects what the other has collected.
        for (name, also, from) in [("all", "none", "edit"), ("some", "edit", "view")] {
            let mut role = json!({
                "metadata": {"name": name, "labels": {"into": also}},
                "aggregationRule": {"clusterRoleSelectors": [
                    {"matchLabels": {"into": from}}, {"matchLabels": {"into": "view"}}]},
                "rules": self.rules(),
            });
            if self.pick(2) == 1 {
                role["metadata"]["managedFields"] = json!([{"operation": "Apply",
                    "manager": "clusterrole-aggregation-controller", "fieldsV1": {"f:rules": {}}}]);
            }
            self.world.put::<ClusterRole>(role);
        }
    }

    fn signing_request(&mut self, n: usize) {
        let text = self.one(&[samples::NODE, samples::SERVING, samples::CLIENT, "broken"]);
        let signer = self.one(&["kube-apiserver-client-kubelet", "kube-apiserver-client"]);
        let usage = self.one(&["client auth", "server auth"]);
        let created = self.ago(200);
        let mut conditions = Vec::new();
        if self.pick(3) != 0 {
            let (decision, at) = (self.one(&["Approved", "Approved", "Denied"]), self.ago(200));
            // Some have been decided about almost an hour ago.
            let at = if self.pick(2) == 1 { at } else { "2027-01-15T06:59:50Z".to_owned() };
            conditions.push(json!({"type": decision, "status": "True", "lastUpdateTime": at}));
        }
        let mut status = json!({"conditions": conditions});
        if self.pick(3) == 1 {
            status["certificate"] = json!(k8s_openapi::ByteString(samples::ISSUED.into()));
        }
        self.world.put::<CertificateSigningRequest>(json!({
            "metadata": {"name": format!("request-{n}"), "creationTimestamp": created},
            "spec": {"request": k8s_openapi::ByteString(text.into()),
                "signerName": format!("kubernetes.io/{signer}"),
                "username": "system:node:edge-1", "usages": [usage, "digital signature"]},
            "status": status,
        }));
    }

    /// Metadata of something that a finalizer protects, or should.
    fn protected(&mut self, name: &str, finalizer: &str) -> Value {
        let mut metadata = json!({"name": name});
        if self.pick(3) != 0 {
            metadata["finalizers"] = json!(["example.com/own", finalizer]);
            if self.pick(2) == 1 {
                metadata["deletionTimestamp"] = json!(self.ago(10));
            }
        }
        metadata
    }

    fn storage(&mut self) {
        let class = self.protected("gold", "kubernetes.io/vac-protection");
        self.world.put::<VolumeAttributesClass>(json!({
            "metadata": class, "driverName": "driver.example.com",
        }));
        let (volume, phase) = (
            self.protected("volume", "kubernetes.io/pv-protection"),
            self.one(&["Bound", "Available"]),
        );
        let named = self.one(&["gold", "silver"]);
        self.world.put::<PersistentVolume>(json!({
            "metadata": volume, "spec": {"volumeAttributesClassName": named},
            "status": {"phase": phase},
        }));
        let mut claim = self.protected("claim", "kubernetes.io/pvc-protection");
        claim["namespace"] = json!(NS);
        self.world.put::<PersistentVolumeClaim>(json!({"metadata": claim, "spec": {}}));
        if self.pick(2) == 1 {
            self.world.put::<Pod>(json!({
                "metadata": {"name": "user", "namespace": NS},
                "spec": {"containers": [{"name": "c"}], "nodeName": "node-0", "volumes": [
                    {"name": "v", "persistentVolumeClaim": {"claimName": "claim"}}]},
                "status": {"phase": "Running"},
            }));
        }
    }

    fn ranges(&mut self) {
        for (name, cidr) in [("big", "10.50.0.0/16"), ("small", "10.50.1.0/24")] {
            let metadata = self.protected(name, "networking.k8s.io/service-cidr-finalizer");
            self.world.put::<ServiceCIDR>(json!({"metadata": metadata, "spec": {"cidrs": [cidr]}}));
        }
        if self.pick(2) == 1 {
            let address = self.one(&["10.50.0.1", "10.50.1.1", "10.60.0.1"]);
            self.world.put::<IPAddress>(json!({
                "metadata": {"name": address, "labels": {
                    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}},
                "spec": {"parentRef": {"resource": "services", "namespace": NS, "name": "web"}},
            }));
        }
    }

    fn definitions(&mut self) {
        for (n, group) in ["a.example", "a.example", "b.k8s.io"].into_iter().enumerate() {
            if self.pick(2) == 1 {
                self.definition(n, group);
            }
        }
        if self.pick(2) == 1 {
            let how = self.one(&["true", "onstart"]);
            self.world.put::<APIService>(json!({
                "metadata": {"name": "v1.gone.example",
                    "labels": {"kube-aggregator.kubernetes.io/automanaged": how}},
                "spec": {"group": "gone.example", "version": "v1", "groupPriorityMinimum": 1,
                    "versionPriority": 1},
            }));
        }
    }

    fn definition(&mut self, n: usize, group: &str) {
        let plural = format!("things{n}");
        let kind = self.one(&["Thing", "Other"]);
        let mut tree = json!({
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {"group": group, "scope": "Namespaced",
                "names": {"plural": plural, "kind": kind, "shortNames": ["t"]},
                "versions": [{"name": "v1", "served": self.pick(4) != 1, "storage": true}]},
        });
        if self.pick(2) == 1 {
            let at = self.ago(10);
            let finalizer = "customresourcecleanup.apiextensions.k8s.io";
            tree["metadata"]["deletionTimestamp"] = json!(at);
            tree["metadata"]["finalizers"] = json!([finalizer]);
        }
        if self.pick(2) == 1 {
            tree["metadata"]["annotations"] = json!({"api-approved.kubernetes.io": "unapproved"});
        }
        self.world.put::<CustomResourceDefinition>(tree);
    }

    fn policies(&mut self) {
        if self.pick(2) == 1 {
            let (generation, seen) = (self.pick(3) + 1, self.pick(3));
            let mut tree = json!({ "metadata": {"name": "policy", "generation": generation} });
            if seen > 0 {
                tree["status"] = json!({ "observedGeneration": seen });
            }
            self.world.put::<ValidatingAdmissionPolicy>(tree);
        }
    }
}
