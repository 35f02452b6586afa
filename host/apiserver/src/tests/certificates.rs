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
