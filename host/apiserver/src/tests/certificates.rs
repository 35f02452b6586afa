use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const SIGNER: &str = "example.com/own";

/// A request by nobody in particular.
const ORDINARY: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIGLMD8CAQAwDDEKMAgGA1UEAwwBeDAqMAUGAytlcAMhAMY3sFBVLtUHvVRr44pL
sZxZc6uexWFr2UrJjuXqmiecoAAwBQYDK2VwA0EApEx2GoH3vLoumfNC+mXZQ6NV
CsFMNpOY79AJEdjrBEKM3x3ade7Dq8K7XYKrktltgRm8I9SKZgs71jCHa4PMCQ==
-----END CERTIFICATE REQUEST-----
";

/// A request of somebody who says to be of `system:masters`.
const OF_MASTERS: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHjMIGKAgEAMCgxFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMQ0wCwYDVQQDDARi
b3NzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZJpBTSiNJ9iOGBcAIGt6x+wJ
gwHrlrcbT/FUrVywCcplxsZ1yGm12mnafKuLRXXxOynVKtJoX9A8rBRdaXu2pKAA
MAoGCCqGSM49BAMCA0gAMEUCIEHAk/AqZHJFNpXitWVJ+CV5zLWeu8po8mwwrjKX
CxehAiEA9XNlFHdu2G35Rkn63vZ7ysVPu6MFQNb5aNONOB0diTA=
-----END CERTIFICATE REQUEST-----
";

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBbjCCAROgAwIBAgIUA4blpOCEkE3p6giSiVczRRUXDZ0wCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYzAeFw0yNjExMjkxNzQ4NTlaFw0zNjExMjYxNzQ4NTlaMAwx
CjAIBgNVBAMMAWMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARkmkFNKI0n2I4Y
FwAga3rH7AmDAeuWtxtP8VStXLAJymXGxnXIabXaadp8q4tFdfE7KdUq0mhf0Dys
FF1pe7ako1MwUTAdBgNVHQ4EFgQUtmsi1kHAbT5ti23rRPRD4iqAi/gwHwYDVR0j
BBgwFoAUtmsi1kHAbT5ti23rRPRD4iqAi/gwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNJADBGAiEAklOB3eBcBiqtGhGqvw52dvFwwxOqkYQmNPWuxssdkU8C
IQCDRKOTzwNanpB3FsDyMPmnOR2Qy+LYN1jlHiiaeO5vcQ==
-----END CERTIFICATE-----
";

/// A certificate for the key of [`ORDINARY`], for the first day of the clock.
const OF_POD: &str = "-----BEGIN CERTIFICATE-----
MIHDMHegAwIBAgIBBzAFBgMrZXAwDDEKMAgGA1UEAwwBcDAeFw0yNjAxMDIwMzA0
MDVaFw0yNjAxMDMwMzA0MDVaMAwxCjAIBgNVBAMMAXAwKjAFBgMrZXADIQDGN7BQ
VS7VB71Ua+OKS7GcWXOrnsVha9lKyY7l6ponnDAFBgMrZXADQQAIAPmAcRAkrX7c
+3qiM34tCD/mpXHlGKGB0Xmv6KT5qORhvchXpXjunHLks/ByDPhGaHaAGtUiPxwM
aGP9qdgP
-----END CERTIFICATE-----
";

fn request(name: &str, signer: &str, pem: &str) -> Value {
    json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": { "name": name },
        "spec": { "request": STANDARD.encode(pem), "signerName": signer, "usages": ["client auth"] },
    })
}

fn with_condition(name: &str) -> Value {
    json!({ "status": { "conditions": [{ "type": name, "status": "True", "reason": "R" }] } })
}

#[tokio::test]
async fn a_request_says_who_made_it() {
    let server = Server::start().await;
    let mut forged = request("r", SIGNER, ORDINARY);
    forged["spec"]["username"] = "forged".into();
    forged["spec"]["extra"] = json!({ "a": ["b"] });
    let made = server.post(REQUESTS, &forged).await.expect(201);
    assert_eq!(made.at("/spec/username"), "tester");
    assert_eq!(made.at("/spec/groups"), json!(["system:masters", "system:authenticated"]));
    assert_eq!(made.at("/spec/extra"), Value::Null);
    // Nobody owns what nobody can change.
    assert_eq!(made.at("/metadata/managedFields"), Value::Null);
    let change = json!({ "spec": { "usages": ["server auth"] }, "status": with_condition("Approved")["status"] });
    let kept = server.patch(&format!("{REQUESTS}/r"), "merge", &change).await.expect(200);
    assert_eq!((kept.at("/spec"), kept.at("/status")), (made.at("/spec"), json!({})));
}

#[tokio::test]
async fn a_request_is_approved_and_then_signed() {
    let server = Server::start().await;
    let mut labelled = request("r", SIGNER, ORDINARY);
    labelled["metadata"]["labels"] = json!({ "c": "d" });
    server.post(REQUESTS, &labelled).await.expect(201);
    let (approval, status) = (format!("{REQUESTS}/r/approval"), format!("{REQUESTS}/r/status"));
    let certificate = json!({ "status": { "certificate": STANDARD.encode(CERTIFICATE) } });
    let refused = server.patch(&status, "merge", &with_condition("Approved")).await.expect(422);
    assert!(refused.message().ends_with("updates may not add a condition of type \"Approved\""));

    let mut both = with_condition("Approved");
    both["status"]["certificate"] = certificate["status"]["certificate"].clone();
    both["metadata"] = json!({ "labels": { "a": "b" } });
    let approved = server.patch(&approval, "merge", &both).await.expect(200);
    assert_eq!(approved.at("/status/conditions/0/lastUpdateTime"), "2026-01-02T03:04:05Z");
    assert_eq!(approved.at("/status/certificate"), Value::Null);
    assert_eq!(approved.at("/metadata/labels/a"), "b");
    server.clock.advance(60);
    let again = server.patch(&approval, "merge", &with_condition("Approved")).await.expect(200);
    assert_eq!(again.at("/status/conditions/0/lastTransitionTime"), "2026-01-02T03:04:05Z");
    assert_eq!(again.at("/status/conditions/0/lastUpdateTime"), "2026-01-02T03:05:05Z");

    let signed = server.patch(&status, "merge", &certificate).await.expect(200);
    assert_eq!(signed.at("/status/certificate"), certificate["status"]["certificate"]);
    let owners = signed.at("/metadata/managedFields");
    let subresources = owners.as_array().into_iter().flatten().map(|owner| &owner["subresource"]);
    assert_eq!(
        subresources.collect::<Vec<_>>(),
        [&Value::Null, &json!("approval"), &json!("status")]
    );
    assert_eq!(owners[2]["fieldsV1"], json!({ "f:status": { "f:certificate": {} } }));
}

#[tokio::test]
async fn deciding_and_signing_need_the_permission_of_the_signer() {
    let server = Server::start().await;
    server.post(REQUESTS, &request("r", "denied.example/own", ORDINARY)).await.expect(201);
    let of = |verb: &str| {
        format!(
            "certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: user not permitted to {verb} requests with signerName \"denied.example/own\""
        )
    };
    let path = format!("{REQUESTS}/r/approval");
    let refused = server.patch(&path, "merge", &with_condition("Approved")).await.expect(403);
    assert_eq!(refused.message(), of("approve"));
    let path = format!("{REQUESTS}/r/status");
    let refused = server.patch(&path, "merge", &with_condition("Failed")).await.expect(403);
    assert_eq!(refused.message(), of("sign"));
    let labelled = json!({ "metadata": { "labels": { "a": "b" } } });
    server.patch(&path, "merge", &labelled).await.expect(200);
}

#[tokio::test]
async fn no_client_certificate_is_of_masters() {
    let server = Server::start().await;
    let signer = "kubernetes.io/kube-apiserver-client";
    let refused = server.post(REQUESTS, &request("m", signer, OF_MASTERS)).await.expect(403);
    assert!(refused.message().ends_with(
        "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
    ));
    server.post(REQUESTS, &request("o", signer, ORDINARY)).await.expect(201);
    server.post(REQUESTS, &request("m", SIGNER, OF_MASTERS)).await.expect(201);
}

#[tokio::test]
async fn requests_are_selected_by_their_signer() {
    let server = Server::start().await;
    server.post(REQUESTS, &request("a", SIGNER, ORDINARY)).await.expect(201);
    server.post(REQUESTS, &request("b", "example.com/other", ORDINARY)).await.expect(201);
    let list = server.get(&format!("{REQUESTS}?fieldSelector=spec.signerName={SIGNER}")).await;
    assert_eq!(list.at("/items/0/metadata/name"), "a");
    assert_eq!(list.at("/items/1"), Value::Null);
}

const BUNDLES: &str = "/apis/certificates.k8s.io/v1/clustertrustbundles";

fn bundle(name: &str, signer: &str) -> Value {
    json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "ClusterTrustBundle", "metadata": { "name": name },
        "spec": { "signerName": signer, "trustBundle": CERTIFICATE },
    })
}

#[tokio::test]
async fn publishing_whom_to_trust_needs_the_permission_of_the_signer() {
    let server = Server::start().await;
    let named = bundle("denied.example:own:b", "denied.example/own");
    let refused = server.post(BUNDLES, &named).await.expect(403);
    assert_eq!(
        refused.message(),
        "clustertrustbundles.certificates.k8s.io \"denied.example:own:b\" is forbidden: user not permitted to attest for signerName \"denied.example/own\""
    );
    server.post(BUNDLES, &bundle("example.com:own:b", SIGNER)).await.expect(201);
    server.post(BUNDLES, &bundle("b", "")).await.expect(201);
    let list = server.get(&format!("{BUNDLES}?fieldSelector=spec.signerName={SIGNER}")).await;
    assert_eq!(list.at("/items/0/metadata/name"), "example.com:own:b");
    assert_eq!(list.at("/items/1"), Value::Null);
}

const POD_REQUESTS: &str = "/apis/certificates.k8s.io/v1/namespaces/default/podcertificaterequests";

fn of_pod(name: &str, signer: &str) -> Value {
    let der = ORDINARY.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "PodCertificateRequest", "metadata": { "name": name },
        "spec": {
            "signerName": signer, "podName": "p", "podUID": "u", "serviceAccountName": "s", "serviceAccountUID": "u",
            "nodeName": "n", "nodeUID": "u", "stubPKCS10Request": der,
        },
    })
}

fn issued() -> Value {
    json!({ "status": {
        "conditions": [{
            "type": "Issued", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z",
        }],
        "certificateChain": OF_POD, "notBefore": "2026-01-02T03:04:05Z", "notAfter": "2026-01-03T03:04:05Z",
        "beginRefreshAt": "2026-01-02T15:04:05Z",
    } })
}

#[tokio::test]
async fn a_pod_gets_its_certificate_while_it_is_new() {
    let server = Server::start().await;
    for name in ["early", "late"] {
        server.post(POD_REQUESTS, &of_pod(name, SIGNER)).await.expect(201);
    }
    let status = |name: &str| format!("{POD_REQUESTS}/{name}/status");
    server.clock.advance(299);
    let signed = server.patch(&status("early"), "merge", &issued()).await.expect(200);
    assert_eq!(signed.at("/status"), issued()["status"]);
    server.clock.advance(1);
    let refused = server.patch(&status("late"), "merge", &issued()).await.expect(422);
    assert_eq!(
        refused.message(),
        "PodCertificateRequest.certificates.k8s.io \"late\" is invalid: status.notBefore: Invalid value: \"2026-01-02T03:04:05Z\": must be set to within 5 minutes of kube-apiserver's current time"
    );
    // What was signed in time can be written as it is for ever.
    server.patch(&status("early"), "merge", &issued()).await.expect(200);
}

#[tokio::test]
async fn signing_for_a_pod_needs_the_permission_of_the_signer() {
    let server = Server::start().await;
    server.post(POD_REQUESTS, &of_pod("r", "denied.example/own")).await.expect(201);
    let status = format!("{POD_REQUESTS}/r/status");
    let refused = server.patch(&status, "merge", &issued()).await.expect(422);
    assert_eq!(
        refused.message(),
        "PodCertificateRequest.certificates.k8s.io \"r\" is invalid: spec.signerName: Forbidden: User \"tester\" is not permitted to \"sign\" for signer \"denied.example/own\""
    );
    let nothing = json!({ "metadata": { "labels": { "a": "b" } } });
    let kept = server.patch(&status, "merge", &nothing).await.expect(200);
    assert_eq!(kept.at("/metadata/labels"), Value::Null);
}
