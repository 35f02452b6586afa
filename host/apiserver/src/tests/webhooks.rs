//! Webhooks, asked over TLS at a local server that answers by a rule of the test.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use meta::Tree;
use parking_lot::Mutex;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::testing::Server;

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";
const CONFIG_MAPS: &str = "/api/v1/namespaces/n/configmaps";

type Rule = fn(&str, &Tree) -> Tree;

/// A webhook server: who it is, and what it was asked.
struct Hook {
    address: SocketAddr,
    bundle: String,
    seen: Arc<Mutex<Vec<(String, Tree)>>>,
}

impl Hook {
    /// Answers each review with what the rule makes of its path and its request.
    async fn start(rule: Rule) -> Hook {
        let names = vec!["127.0.0.1".to_owned(), "hook.n.svc".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = rustls_pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a key that fits");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, noted) = (acceptor.clone(), Arc::clone(&noted));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service =
                        service_fn(move |request| answer(rule, Arc::clone(&noted), request));
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service);
                    let _ = connection.await;
                });
            }
        });
        Hook { address, bundle: BASE64_STANDARD.encode(made.cert.pem()), seen }
    }

    fn url(&self, path: &str) -> Tree {
        json!({ "url": format!("https://{}{path}", self.address), "caBundle": self.bundle })
    }

    fn paths(&self) -> Vec<String> {
        self.seen.lock().iter().map(|(path, _)| path.clone()).collect()
    }
}

async fn answer(
    rule: Rule,
    seen: Arc<Mutex<Vec<(String, Tree)>>>,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<bytes::Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let bytes = request.into_body().collect().await?.to_bytes();
    let review: Tree = serde_json::from_slice(&bytes).expect("a review is JSON");
    let asked = &review["request"];
    seen.lock().push((path.clone(), asked.clone()));
    let mut response = rule(&path, asked);
    if response.is_null() {
        let mut refused = Response::new(Full::from("broken"));
        *refused.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        return Ok(refused);
    }
    response["uid"] = asked["uid"].clone();
    if let Some(patch) = response.get("patch").cloned() {
        response["patch"] = BASE64_STANDARD.encode(patch.to_string()).into();
        response["patchType"] = "JSONPatch".into();
    }
    let body = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response });
    Ok(Response::new(Full::from(body.to_string())))
}

async fn server() -> Server {
    let server = Server::start().await;
    let namespace = json!({ "metadata": { "name": "n" } });
    server.post("/api/v1/namespaces", &namespace).await.expect(201);
    server
}

fn hook(name: &str, client: Tree, more: Tree) -> Tree {
    let mut hook = json!({
        "name": name,
        "clientConfig": client,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"] }],
        "matchConditions": [{ "name": "not-the-root-ca", "expression": "request.name != 'kube-root-ca.crt'" }],
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        hook[field] = value.clone();
    }
    hook
}

async fn configure(server: &Server, resource: &str, name: &str, hooks: Vec<Tree>) {
    let configuration = json!({ "metadata": { "name": name }, "webhooks": hooks });
    server.post(&format!("{GROUP}/{resource}"), &configuration).await.expect(201);
}

const VALIDATING: &str = "validatingwebhookconfigurations";
const MUTATING: &str = "mutatingwebhookconfigurations";

fn config_map(name: &str) -> Tree {
    json!({ "metadata": { "name": name }, "data": { "a": "b" } })
}

#[tokio::test]
async fn a_webhook_refuses_and_warns() {
    let server = server().await;
    let asked = Hook::start(|_, request| match request["name"].as_str() {
        Some("bad") => json!({ "allowed": false, "status": { "code": 409, "message": "no" } }),
        Some("silent") => json!({ "allowed": false }),
        _ => json!({ "allowed": true, "warnings": ["take care"] }),
    })
    .await;
    configure(&server, VALIDATING, "v", vec![hook("a.example.com", asked.url("/v"), json!({}))])
        .await;
    let reply = server.post(CONFIG_MAPS, &config_map("good")).await.expect(201);
    assert_eq!(reply.warnings(), ["299 - \"take care\""]);
    let reply = server.post(CONFIG_MAPS, &config_map("bad")).await.expect(409);
    assert_eq!(reply.message(), "admission webhook \"a.example.com\" denied the request: no");
    let reply = server.post(CONFIG_MAPS, &config_map("silent")).await.expect(400);
    assert_eq!(
        reply.message(),
        "admission webhook \"a.example.com\" denied the request without explanation"
    );
    server.delete(&format!("{CONFIG_MAPS}/good")).await.expect(200);
    let seen = asked.seen.lock();
    let operations: Vec<&str> =
        seen.iter().filter_map(|(_, request)| request["operation"].as_str()).collect();
    assert_eq!(operations, ["CREATE", "CREATE", "CREATE", "DELETE"]);
    let (_, first) = seen.first().expect("it was asked");
    assert_eq!(first["object"]["data"], json!({ "a": "b" }));
    assert_eq!(first["oldObject"], json!(null));
    assert_eq!(first["userInfo"]["username"], json!("tester"));
    assert_eq!(first["options"]["kind"], json!("CreateOptions"));
    let (_, last) = seen.last().expect("it was asked");
    assert_eq!(last["object"], json!(null));
    assert_eq!(last["oldObject"]["metadata"]["name"], json!("good"));
}

#[tokio::test]
async fn webhooks_change_objects_in_the_order_of_their_names() {
    let server = server().await;
    let asked = Hook::start(|path, request| {
        let step = path.trim_start_matches('/').to_owned();
        let key = format!("/data/{step}");
        if request["object"].pointer(&key).is_some() {
            return json!({ "allowed": true });
        }
        json!({ "allowed": true, "patch": [{ "op": "add", "path": key, "value": "x" }] })
    })
    .await;
    let again = json!({ "reinvocationPolicy": "IfNeeded" });
    configure(
        &server,
        MUTATING,
        "b",
        vec![
            hook("b1.example.com", asked.url("/b1"), json!({})),
            hook("b2.example.com", asked.url("/b2"), json!({})),
        ],
    )
    .await;
    configure(&server, MUTATING, "a", vec![hook("a.example.com", asked.url("/a"), again)]).await;
    let reply = server.post(CONFIG_MAPS, &config_map("m")).await.expect(201);
    assert_eq!(reply.at("/data"), json!({ "a": "b", "b1": "x", "b2": "x" }));
    // The first wants to see what the others made of it.
    assert_eq!(asked.paths(), ["/a", "/b1", "/b2", "/a"]);
}

#[tokio::test]
async fn a_webhook_that_fails_refuses_or_is_passed_over() {
    let server = server().await;
    let asked = Hook::start(|_, _| Tree::Null).await;
    configure(&server, VALIDATING, "v", vec![hook("a.example.com", asked.url("/v"), json!({}))])
        .await;
    let reply = server.post(CONFIG_MAPS, &config_map("a")).await.expect(500);
    assert_eq!(
        reply.message(),
        "Internal error occurred: failed calling webhook \"a.example.com\": failed to call webhook: an error on the server (\"broken\") \
         has prevented the request from succeeding"
    );
    let path = format!("{GROUP}/{VALIDATING}/v");
    let ignore = json!({ "webhooks": [{ "name": "a.example.com", "failurePolicy": "Ignore" }] });
    server.patch(&path, "strategic-merge", &ignore).await.expect(200);
    server.post(CONFIG_MAPS, &config_map("a")).await.expect(201);
}

#[tokio::test]
async fn a_webhook_that_is_not_there_or_not_trusted_fails() {
    let server = server().await;
    let asked = Hook::start(|_, _| json!({ "allowed": true })).await;
    let stranger = rcgen::generate_simple_self_signed(vec!["x".to_owned()]).expect("a certificate");
    let mut client = asked.url("/v");
    client["caBundle"] = BASE64_STANDARD.encode(stranger.cert.pem()).into();
    configure(&server, VALIDATING, "v", vec![hook("a.example.com", client, json!({}))]).await;
    let reply = server.post(CONFIG_MAPS, &config_map("a")).await.expect(500);
    assert!(reply.message().contains(": tls: "), "{}", reply.message());
    server.delete(&format!("{GROUP}/{VALIDATING}/v")).await.expect(200);
    let client = json!({ "service": { "name": "s", "namespace": "n", "path": "/x" } });
    configure(&server, VALIDATING, "v", vec![hook("a.example.com", client, json!({}))]).await;
    let reply = server.post(CONFIG_MAPS, &config_map("a")).await.expect(500);
    assert_eq!(
        reply.message(),
        "Internal error occurred: failed calling webhook \"a.example.com\": failed to call webhook: Post \
         \"https://s.n.svc:443/x?timeout=10s\": service \"s\" not found"
    );
}

#[tokio::test]
async fn a_webhook_behind_a_service_is_reached() {
    let server = server().await;
    let asked =
        Hook::start(|_, _| json!({ "allowed": false, "status": { "message": "reached" } })).await;
    let service = json!({ "metadata": { "name": "hook" }, "spec": { "type": "ExternalName", "externalName": "localhost" } });
    server.post("/api/v1/namespaces/n/services", &service).await.expect(201);
    let client = json!({ "service": { "name": "hook", "namespace": "n", "port": asked.address.port() }, "caBundle": asked.bundle });
    configure(&server, VALIDATING, "v", vec![hook("a.example.com", client, json!({}))]).await;
    let reply = server.post(CONFIG_MAPS, &config_map("a")).await.expect(400);
    assert!(reply.message().ends_with(": reached"), "{}", reply.message());
}

#[tokio::test]
async fn a_slow_webhook_is_not_waited_for() {
    let server = server().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let client = json!({ "url": format!("https://{address}/slow") });
    let hooks = vec![hook("a.example.com", client, json!({ "timeoutSeconds": 1 }))];
    configure(&server, VALIDATING, "v", hooks).await;
    let reply = server.post(CONFIG_MAPS, &config_map("a")).await.expect(500);
    assert!(reply.message().ends_with(": context deadline exceeded"), "{}", reply.message());
    drop(listener);
}

#[tokio::test]
async fn configurations_of_webhooks_are_not_subject_to_them() {
    let server = server().await;
    let all = json!({ "rules": [{ "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"] }] });
    let client = json!({ "url": "https://127.0.0.1:1/" });
    configure(&server, VALIDATING, "v", vec![hook("a.example.com", client.clone(), all.clone())])
        .await;
    configure(&server, MUTATING, "m", vec![hook("a.example.com", client, all)]).await;
    server.post(CONFIG_MAPS, &config_map("a")).await.expect(500);
    server.delete(&format!("{GROUP}/{VALIDATING}/v")).await.expect(200);
    server.delete(&format!("{GROUP}/{MUTATING}/m")).await.expect(200);
    server.post(CONFIG_MAPS, &config_map("a")).await.expect(201);
}

#[tokio::test]
async fn what_is_only_tried_is_asked_of_those_without_side_effects() {
    let server = server().await;
    let asked =
        Hook::start(|_, request| json!({ "allowed": request["dryRun"] == json!(true) })).await;
    let hooks =
        vec![hook("a.example.com", asked.url("/v"), json!({ "sideEffects": "NoneOnDryRun" }))];
    configure(&server, VALIDATING, "v", hooks).await;
    server.post(&format!("{CONFIG_MAPS}?dryRun=All"), &config_map("a")).await.expect(201);
    server.post(CONFIG_MAPS, &config_map("a")).await.expect(400);
}

#[tokio::test]
async fn connections_and_bodies_are_looked_at() {
    let server = server().await;
    let asked =
        Hook::start(|_, _| json!({ "allowed": false, "status": { "message": "seen" } })).await;
    let rules = json!({ "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CONNECT", "CREATE"],
        "resources": ["pods/exec", "pods/eviction", "pods/binding", "serviceaccounts/token"] }] });
    configure(&server, VALIDATING, "v", vec![hook("a.example.com", asked.url("/v"), rules)]).await;
    let pods = "/api/v1/namespaces/n/pods";
    let pod = json!({ "metadata": { "name": "p" }, "spec": { "containers": [{ "name": "c", "image": "i" }] } });
    server.post(pods, &pod).await.expect(201);
    let exec = server
        .post(&format!("{pods}/p/exec?command=ls&command=-l&stdout=true"), &json!({}))
        .await
        .expect(400);
    assert!(exec.message().ends_with(": seen"), "{}", exec.message());
    let eviction = json!({ "metadata": { "name": "p" } });
    server.post(&format!("{pods}/p/eviction"), &eviction).await.expect(400);
    let binding = json!({ "metadata": { "name": "p" }, "target": { "name": "node" } });
    server.post(&format!("{pods}/p/binding"), &binding).await.expect(400);
    let seen = asked.seen.lock();
    let kinds: Vec<&str> =
        seen.iter().filter_map(|(_, request)| request["kind"]["kind"].as_str()).collect();
    assert_eq!(kinds, ["PodExecOptions", "Eviction", "Binding"]);
    assert_eq!(seen[0].1["object"]["command"], json!(["ls", "-l"]));
}
