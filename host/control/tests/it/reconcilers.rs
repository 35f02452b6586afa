//! Controllers that keep objects of the control plane itself as they should be.

use api::{DeleteParams, WriteParams};
use bytes::Bytes;
use http::Method;
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Secret, ServiceAccount};
use k8s_openapi::api::networking::v1::{IPAddress, ServiceCIDR};
use k8s_openapi::api::rbac::v1::ClusterRole;
use serde_json::{Value, json};

use crate::cluster::{CERTIFICATE, Cluster};

/// `O=system:nodes, CN=system:node:edge-1`
const NODE: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHwMIGWAgEAMDQxFTATBgNVBAoMDHN5c3RlbTpub2RlczEbMBkGA1UEAwwSc3lz
dGVtOm5vZGU6ZWRnZS0xMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEm1toX+EE
jC7pSbBibh6BJ6uO9AhYCZUGY+l1CpcKHv9z2Qv5iVOKur0zPzlJ7N3zP+2FbQs1
6j4q3MTIbDExWKAAMAoGCCqGSM49BAMCA0kAMEYCIQCRbGPF5GDdrGdTXvax6wYH
PBLDr9BOoOz6kTqx3c4qKgIhANXxgorYNZkgLbhkj164guJutpRkvTU43WmOOdAI
70xn
-----END CERTIFICATE REQUEST-----
";
/// `O=team, O=ops, CN=someone`
const CLIENT: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHqMIGRAgEAMC8xDTALBgNVBAoMBHRlYW0xDDAKBgNVBAoMA29wczEQMA4GA1UE
AwwHc29tZW9uZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJtbaF/hBIwu6Umw
Ym4egSerjvQIWAmVBmPpdQqXCh7/c9kL+YlTirq9Mz85Sezd8z/thW0LNeo+KtzE
yGwxMVigADAKBggqhkjOPQQDAgNIADBFAiB6B3cMT7928wl5o+9ROiCZiXFVlpqz
JA2iGawZKg4I/AIhAOnPA6N7Rocf4AXJHzuRzFC8hFyeH1MQnYx4jGjTAtHK
-----END CERTIFICATE REQUEST-----
";

async fn start() -> Cluster {
    Cluster::start(&["scheduler", "node-lifecycle"]).await
}

fn request(name: &str, text: &str, signer: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"request": ByteString(text.into()), "usages": ["client auth", "digital signature"],
            "signerName": format!("kubernetes.io/{signer}")},
    })
}

fn is_signed(request: &CertificateSigningRequest) -> bool {
    let status = request.status.as_ref();
    status
        .and_then(|status| status.certificate.as_ref())
        .is_some_and(|made| made.0 == CERTIFICATE.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_collects_the_rules_of_others() {
    let cluster = start().await;
    let selector = json!({"matchLabels": {"into": "all"}});
    cluster
        .create::<ClusterRole>(json!({"metadata": {"name": "all"},
            "aggregationRule": {"clusterRoleSelectors": [selector]}}))
        .await;
    cluster
        .create::<ClusterRole>(json!({"metadata": {"name": "part", "labels": {"into": "all"}},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}))
        .await;
    let rules = |role: &ClusterRole| role.rules.as_ref().map_or(0, Vec::len);
    let all = cluster.wait::<ClusterRole>("all", |role| rules(role) == 1).await;
    let managed = all.metadata.managed_fields.expect("managed fields");
    let manager = "clusterrole-aggregation-controller";
    let entry = managed.iter().find(|entry| entry.manager.as_deref() == Some(manager));
    let fields = entry.and_then(|entry| entry.fields_v1.as_ref()).map(|fields| &fields.0);
    assert_eq!(fields, Some(&json!({"f:rules": {}})));
    let roles = cluster.client.api::<ClusterRole>(None);
    roles.delete("part", &DeleteParams::default()).await.expect("deleted");
    cluster.wait::<ClusterRole>("all", |role| rules(role) == 0).await;
    roles.delete("all", &DeleteParams::default()).await.expect("deleted");
    cluster.gone::<ClusterRole>("all").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_gets_its_token_and_its_creator_keeps_what_is_theirs() {
    let cluster = start().await;
    cluster.create::<Namespace>(json!({"metadata": {"name": "ns"}})).await;
    cluster.create::<ServiceAccount>(json!({"metadata": {"name": "robot"}})).await;
    let made = cluster
        .create::<Secret>(json!({
            "metadata": {"name": "s", "annotations": {"kubernetes.io/service-account.name": "robot"}},
            "type": "kubernetes.io/service-account-token",
        }))
        .await;
    let has_token =
        |secret: &Secret| secret.data.as_ref().is_some_and(|data| data.contains_key("token"));
    let filled = cluster.wait::<Secret>("s", has_token).await;
    let data = filled.data.expect("data");
    assert_eq!((&*data["token"].0, &*data["ca.crt"].0), (&b"token of robot"[..], &b"PEM"[..]));
    let own = made.metadata.managed_fields.expect("managed fields");
    let managed = filled.metadata.managed_fields.expect("managed fields");
    assert_eq!(managed.len(), 2, "{managed:?}");
    assert!(managed.contains(&own[0]), "{managed:?} lacks {own:?}");
    let accounts = cluster.client.api::<ServiceAccount>(Some("ns"));
    accounts.delete("robot", &DeleteParams::default()).await.expect("deleted");
    cluster.gone::<Secret>("s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_gets_its_certificate_without_people() {
    let cluster = start().await;
    let node = request("node", NODE, "kube-apiserver-client-kubelet");
    cluster.create::<CertificateSigningRequest>(node).await;
    let signed = cluster.wait::<CertificateSigningRequest>("node", is_signed).await;
    let conditions = signed.status.and_then(|status| status.conditions).expect("conditions");
    assert_eq!(conditions.len(), 1);
    assert_eq!(conditions[0].reason.as_deref(), Some("AutoApproved"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_gets_its_certificate_once_somebody_approves() {
    let cluster = start().await;
    let client = request("client", CLIENT, "kube-apiserver-client");
    let mut made = cluster.create::<CertificateSigningRequest>(client).await;
    let condition = json!({"type": "Approved", "status": "True", "reason": "ByHand"});
    let condition = serde_json::from_value(condition).expect("a condition");
    made.status.get_or_insert_default().conditions = Some(vec![condition]);
    let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests/client/approval";
    let body = Bytes::from(serde_json::to_vec(&made).expect("JSON"));
    let content = Some(("application/json", body));
    let approved = cluster.client.request::<Value>(Method::PUT, path, content).await;
    approved.expect("it is approved");
    cluster.wait::<CertificateSigningRequest>("client", is_signed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_nobody_uses_can_be_deleted() {
    let cluster = start().await;
    cluster.create::<Namespace>(json!({"metadata": {"name": "ns"}})).await;
    cluster
        .create::<PersistentVolumeClaim>(json!({"metadata": {"name": "c"},
            "spec": {"accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}}}}))
        .await;
    let claims = cluster.api::<PersistentVolumeClaim>();
    let claim = claims.get("c").await.expect("the claim");
    assert_eq!(claim.metadata.finalizers.expect("one"), ["kubernetes.io/pvc-protection"]);
    claims.delete("c", &DeleteParams::default()).await.expect("deleted");
    cluster.gone::<PersistentVolumeClaim>("c").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_range_of_addresses_can_be_used() {
    let cluster = start().await;
    let spec = json!({"cidrs": ["10.77.0.0/24"]});
    cluster.create::<ServiceCIDR>(json!({"metadata": {"name": "more"}, "spec": spec})).await;
    let more = cluster
        .wait::<ServiceCIDR>("more", |range| {
            let conditions = range.status.as_ref().and_then(|status| status.conditions.as_ref());
            conditions.is_some_and(|list| list.iter().any(|known| known.status == "True"))
        })
        .await;
    let finalizers = more.metadata.finalizers.expect("finalizers");
    assert_eq!(finalizers, ["networking.k8s.io/service-cidr-finalizer"]);
    // An address that belongs to nobody holds nothing up, and is nobody's business.
    let parent = json!({"resource": "nodes", "name": "n"});
    let address = json!({"metadata": {"name": "10.77.0.9"}, "spec": {"parentRef": parent}});
    let address = serde_json::from_value(address).expect("an address");
    let addresses = cluster.client.api::<IPAddress>(None);
    addresses.create(&address, &WriteParams::default()).await.expect("created");
}
