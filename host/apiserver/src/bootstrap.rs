//! What every cluster has from its first start: four namespaces, the default roles, the priorities of Kubernetes' own Pods, the priority levels of
//! requests, the list of what is served, the range of service addresses, the Service of the API server with its endpoints.
//!
//! Everything is created through the chain like any other object, at once and without an order where none is needed. What exists is mostly left
//! as it is (see [`Existing`]).

mod api_services;
mod flow_control;
mod roles;

use std::sync::Arc;

use futures::future::try_join_all;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode};
use kinds::scheduling::SYSTEM_PRIORITY_CLASSES;
use meta::{GroupResource, Key, StatusError, Tree};
use serde_json::json;

use crate::body::Body;
use crate::seams::{Identity, Peer};
use crate::service::Service;
use crate::verbs::whole_seconds;

const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
const AGENT: &str = "kube-apiserver";
/// Answers of the server to itself are short.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// An object that must exist.
struct Needed {
    /// `/api/v1`, `/apis/rbac.authorization.k8s.io/v1`
    version_path: String,
    resource: GroupResource,
    namespace: &'static str,
    tree: Tree,
    existing: Existing,
    /// Who owns its fields; empty for this server as such.
    manager: &'static str,
}

/// What becomes of an object that is there already.
#[derive(Clone, Copy)]
enum Existing {
    Stays,
    /// It is made equal, whatever anybody did to it.
    Follows,
    /// This is done, going by what it is and what is needed, if anything.
    Revised(fn(&Tree, &Tree) -> Option<Step>),
}

/// What is done about an object that is there already.
#[derive(Debug, PartialEq)]
enum Step {
    /// It becomes this.
    Replace(Tree),
    /// It goes, and what is needed is made.
    Remake,
}

impl Needed {
    fn name(&self) -> &str {
        meta::metadata_text(&self.tree, "name")
    }

    fn path(&self) -> String {
        let place = if self.namespace.is_empty() {
            String::new()
        } else {
            format!("/namespaces/{}", self.namespace)
        };
        format!("{}{place}/{}", self.version_path, self.resource.resource)
    }
}

pub(crate) async fn run(service: &Service) -> Result<(), StatusError> {
    let identity = Arc::new(Identity::system("system:apiserver"));
    let namespaces = NAMESPACES.iter().map(|name| {
        core(
            "Namespace",
            "namespaces",
            "",
            json!({ "metadata": { "name": name } }),
            Existing::Stays,
        )
    });
    let of_cluster = namespaces
        .chain(roles::needed().filter(|role| role.namespace.is_empty()))
        .chain(priorities())
        .chain(flow_control::needed())
        .chain(api_services::needed())
        .chain([range(service)]);
    ensure(service, &identity, of_cluster).await?;
    roles::fill(service, &identity).await?;
    report_range(service, &identity).await?;
    let roles = roles::needed().filter(|role| !role.namespace.is_empty());
    ensure(service, &identity, roles.chain(own_service(service))).await
}

async fn ensure(
    service: &Service,
    identity: &Arc<Identity>,
    needed: impl Iterator<Item = Needed>,
) -> Result<(), StatusError> {
    let snapshot = service.state().store.snapshot();
    let writes = needed.filter(is_served).filter_map(|needed| {
        let key = Key::new(&needed.resource, needed.namespace, needed.name());
        let Some(entry) = snapshot.get(key.as_str()) else {
            return Some((needed, None));
        };
        let step = match needed.existing {
            Existing::Stays => None,
            Existing::Follows => Some(Step::Replace(needed.tree.clone())),
            Existing::Revised(revise) => {
                serde_json::from_slice(&entry.body).ok().and_then(|old| revise(&old, &needed.tree))
            }
        };
        step.map(|step| (needed, Some(step)))
    });
    try_join_all(writes.map(|(needed, step)| take(service, identity, needed, step))).await?;
    Ok(())
}

/// Makes an object, or does this about the one that is there.
async fn take(
    service: &Service,
    identity: &Arc<Identity>,
    needed: Needed,
    step: Option<Step>,
) -> Result<(), StatusError> {
    match step {
        None => write(service, identity, Method::POST, needed).await,
        Some(Step::Replace(tree)) => {
            write(service, identity, Method::PUT, Needed { tree, ..needed }).await
        }
        Some(Step::Remake) => {
            let path = format!("{}/{}", needed.path(), needed.name());
            let (code, text) =
                send(service, identity, Method::DELETE, &path, JSON, &json!({})).await?;
            succeeded(code, || format!("DELETE {path}: {text}"))?;
            write(service, identity, Method::POST, needed).await
        }
    }
}

fn is_served(needed: &Needed) -> bool {
    let version = needed.version_path.rsplit('/').next().unwrap_or_default();
    kinds::find(&needed.resource.group, version, &needed.resource.resource).is_some()
}

/// Writes an object. If somebody else does at this moment, theirs is what counts.
async fn write(
    service: &Service,
    identity: &Arc<Identity>,
    method: Method,
    needed: Needed,
) -> Result<(), StatusError> {
    let mut path = needed.path();
    if method == Method::PUT {
        path = format!("{path}/{}", needed.name());
    }
    if !needed.manager.is_empty() {
        path = format!("{path}?fieldManager={}", needed.manager);
    }
    let (code, text) = send(service, identity, method.clone(), &path, JSON, &needed.tree).await?;
    if code.is_success() || code == StatusCode::CONFLICT {
        Ok(())
    } else {
        Err(StatusError::internal(format!("{method} {path}: {text}")))
    }
}

fn succeeded(code: StatusCode, what: impl FnOnce() -> String) -> Result<(), StatusError> {
    if code.is_success() { Ok(()) } else { Err(StatusError::internal(what())) }
}

const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";

async fn send(
    service: &Service,
    identity: &Arc<Identity>,
    method: Method,
    path: &str,
    content_type: &'static str,
    tree: &Tree,
) -> Result<(StatusCode, String), StatusError> {
    let body = serde_json::to_vec(tree).map_err(StatusError::internal)?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, content_type)
        .body(Body::full(body))
        .map_err(StatusError::internal)?;
    let response = service.handle(request, Peer::internal(Arc::clone(identity))).await;
    let (parts, body) = response.into_parts();
    let bytes = body.read(MAX_ANSWER_BYTES).await.map_err(StatusError::internal)?;
    Ok((parts.status, String::from_utf8_lossy(&bytes).into_owned()))
}

fn core(
    kind: &str,
    plural: &'static str,
    namespace: &'static str,
    mut tree: Tree,
    existing: Existing,
) -> Needed {
    tree["apiVersion"] = "v1".into();
    tree["kind"] = kind.into();
    Needed {
        version_path: "/api/v1".to_owned(),
        resource: GroupResource::new("", plural),
        namespace,
        tree,
        existing,
        manager: "",
    }
}

const PRIORITIES: [&str; 2] = [
    "Used for system critical pods that must not be moved from their current node.",
    "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
];

/// The classes of Kubernetes' own Pods.
fn priorities() -> impl Iterator<Item = Needed> {
    SYSTEM_PRIORITY_CLASSES.iter().zip(PRIORITIES).map(|((name, value), description)| Needed {
        version_path: "/apis/scheduling.k8s.io/v1".to_owned(),
        resource: GroupResource::new("scheduling.k8s.io", "priorityclasses"),
        namespace: "",
        tree: json!({
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": { "name": name },
            "value": value,
            "description": description,
        }),
        existing: Existing::Stays,
        manager: "",
    })
}

const RANGE_NAME: &str = "kubernetes";
const RANGE_PATH: &str = "/apis/networking.k8s.io/v1";

fn range_resource() -> GroupResource {
    GroupResource::new("networking.k8s.io", "servicecidrs")
}

/// From where Services get their addresses.
fn range(service: &Service) -> Needed {
    Needed {
        version_path: RANGE_PATH.to_owned(),
        resource: range_resource(),
        namespace: "",
        tree: json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "ServiceCIDR",
            "metadata": { "name": RANGE_NAME },
            "spec": { "cidrs": cidrs(service) },
        }),
        existing: Existing::Stays,
        manager: "",
    }
}

fn cidrs(service: &Service) -> Vec<String> {
    service.state().config.service_ranges.iter().map(ToString::to_string).collect()
}

/// Says that the range is in use, unless it is another one or something was said already.
async fn report_range(service: &Service, identity: &Arc<Identity>) -> Result<(), StatusError> {
    let key = Key::new(&range_resource(), "", RANGE_NAME);
    let snapshot = service.state().store.snapshot();
    let stored = snapshot.get(key.as_str());
    let Some(range) = stored.and_then(|entry| serde_json::from_slice::<Tree>(&entry.body).ok())
    else {
        return Ok(());
    };
    let is_other = range.pointer("/spec/cidrs") != Some(&json!(cidrs(service)));
    if is_other || range.pointer("/status/conditions/0").is_some() {
        return Ok(());
    }
    let status = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": { "name": RANGE_NAME },
        "status": { "conditions": [{
            "type": "Ready",
            "status": "True",
            "reason": "",
            "message": "Kubernetes default Service CIDR is ready",
            "lastTransitionTime": meta::Time(whole_seconds(service.state().clock.now())),
        }] },
    });
    let path = format!(
        "{RANGE_PATH}/servicecidrs/{RANGE_NAME}/status?fieldManager=kubernetes-service-cidr-controller&force=true"
    );
    let (code, text) = send(service, identity, Method::PATCH, &path, APPLY, &status).await?;
    succeeded(code, || format!("PATCH {path}: {text}"))
}

/// Where the API is expected while nobody knows its address.
const DEFAULT_PORT: u16 = 6443;

/// The Service by which Pods reach the API server, and where it is.
fn own_service(service: &Service) -> Vec<Needed> {
    let config = &service.state().config;
    let port = config.advertise.map_or(DEFAULT_PORT, |(_, port)| port);
    let first = config.service_ranges.first().and_then(|range| range.hosts().next());
    let ports = |target: bool| {
        let mut own =
            json!({ "name": "https", "port": if target { 443 } else { port }, "protocol": "TCP" });
        if target {
            own["targetPort"] = port.into();
        }
        json!([own])
    };
    let service = json!({
        "metadata": { "name": "kubernetes", "labels": { "component": "apiserver", "provider": "kubernetes" } },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": first.map(|address| address.to_string()),
            "ipFamilyPolicy": "SingleStack",
            "ports": ports(true),
            "sessionAffinity": "None",
        },
    });
    let mut needed = vec![core("Service", "services", "default", service, Existing::Stays)];
    let Some((address, _)) = config.advertise else { return needed };
    let endpoints = json!({
        "metadata": { "name": "kubernetes", "labels": { "endpointslice.kubernetes.io/skip-mirror": "true" } },
        "subsets": [{ "addresses": [{ "ip": address.to_string() }], "ports": ports(false) }],
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": { "name": "kubernetes", "labels": { "kubernetes.io/service-name": "kubernetes" } },
        "addressType": if address.is_ipv6() { "IPv6" } else { "IPv4" },
        "endpoints": [{ "addresses": [address.to_string()], "conditions": { "ready": true } }],
        "ports": ports(false),
    });
    needed.extend([
        core("Endpoints", "endpoints", "default", endpoints, Existing::Follows),
        Needed {
            version_path: "/apis/discovery.k8s.io/v1".to_owned(),
            resource: GroupResource::new("discovery.k8s.io", "endpointslices"),
            namespace: "default",
            tree: slice,
            existing: Existing::Follows,
            manager: "",
        },
    ]);
    needed
}
