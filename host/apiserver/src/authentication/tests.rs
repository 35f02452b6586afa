#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::Ipv4Addr;
use std::path::Path;

use http::Request;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use meta::{Attributes, GroupResource, Key, Revision, Tree};
use parking_lot::Mutex;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use store::{Op, Precondition};

use super::service_account::{Bound, Claims, Reference};
use super::*;
use crate::ClientCertificates;
use crate::codec::encode;
use crate::trust::signing::Signer;
use crate::trust::{Config, Trust};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

#[derive(Debug)]
struct Stopped(Mutex<Timestamp>);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

struct World {
    store: Arc<Store>,
    clock: Arc<Stopped>,
    signer: Arc<Signer>,
    trust: Trust,
    authenticator: Authenticator,
    _folder: tempfile::TempDir,
}

fn begin() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn trust(folder: &Path) -> Trust {
    let config = Config {
        data_dir: folder.to_path_buf(),
        bind: Ipv4Addr::LOCALHOST.into(),
        service_address: Ipv4Addr::new(10, 43, 0, 1).into(),
        host_name: String::new(),
        extra_names: Vec::new(),
        clients: Vec::new(),
    };
    Trust::open(config, begin()).unwrap()
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trust = trust(folder.path());
        let store = Arc::new(Store::memory(Arc::new(|_, _| Attributes::default())));
        let clock = Arc::new(Stopped(Mutex::new(begin())));
        let signer = Arc::clone(trust.signer());
        let authenticator = Authenticator::new(
            Arc::clone(&store),
            Arc::clone(&clock) as Arc<dyn Clock>,
            trust.client_verifier().unwrap(),
            StaticTokens::parse("fixed,ann,7,\"devs\"").unwrap(),
            Tokens::new(Arc::clone(&signer), ISSUER, &[]),
        );
        let world = Self { store, clock, signer, trust, authenticator, _folder: folder };
        world.put("serviceaccounts", "ns", "sa", json!({ "metadata": { "uid": "sa-1" } })).await;
        world.put("pods", "ns", "p", json!({ "metadata": { "uid": "pod-1" } })).await;
        world
    }

    async fn put(&self, resource: &'static str, namespace: &str, name: &str, object: Tree) {
        let key = Key::new(&GroupResource::new("", resource), namespace, name);
        let body = encode::stored(&object);
        let attributes = Attributes::default();
        let op = Op::Put { key, precondition: Precondition::Any, body, attributes, value: None };
        assert_ne!(self.store.commit(op).await.unwrap().revision, Revision::ZERO);
    }

    fn claims(&self) -> Claims {
        let now = self.clock.now().as_second();
        Claims {
            aud: vec![ISSUER.to_owned()],
            exp: now + 3600,
            iat: now,
            iss: ISSUER.to_owned(),
            jti: "id".to_owned(),
            kubernetes: Bound {
                namespace: "ns".to_owned(),
                serviceaccount: Reference { name: "sa".to_owned(), uid: "sa-1".to_owned() },
                pod: Some(Reference { name: "p".to_owned(), uid: "pod-1".to_owned() }),
                ..Bound::default()
            },
            nbf: now,
            sub: "system:serviceaccount:ns:sa".to_owned(),
        }
    }

    async fn ask(&self, token: &str, peer: &Peer) -> Result<Option<Arc<Identity>>, String> {
        let request = Request::builder().header(AUTHORIZATION, format!("Bearer {token}"));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        self.authenticator.authenticate(&parts, peer).await
    }

    async fn token(&self, token: &str) -> Result<Arc<Identity>, String> {
        self.ask(token, &Peer::default()).await.map(|found| found.unwrap())
    }

    async fn signed(&self, claims: &Claims) -> Result<Arc<Identity>, String> {
        self.token(&self.signer.sign(claims).unwrap()).await
    }

    fn peer(&self) -> Peer {
        let admin = self.trust.client("admin").unwrap();
        let certificate = CertificateDer::from_pem_slice(admin.certificate.as_bytes()).unwrap();
        Peer {
            certificates: Arc::new(ClientCertificates::new(vec![certificate])),
            ..Peer::default()
        }
    }
}

#[tokio::test]
async fn certificates_of_our_authority_name_users_and_groups() {
    let world = World::new().await;
    let (parts, ()) = Request::builder().body(()).unwrap().into_parts();
    for _ in 0..2 {
        let caller =
            world.authenticator.authenticate(&parts, &world.peer()).await.unwrap().unwrap();
        assert_eq!(caller.name, "system:admin");
        assert_eq!(caller.groups, ["system:masters", "system:authenticated"]);
        let id = &caller.extra["authentication.kubernetes.io/credential-id"][0];
        assert_eq!(id.len(), "X509SHA256=".len() + 64);
    }
    *world.clock.0.lock() = begin() + SignedDuration::from_hours(24 * 400);
    assert!(world.authenticator.authenticate(&parts, &world.peer()).await.is_err());
}

#[tokio::test]
async fn foreign_certificates_are_refused_unless_a_token_helps() {
    let world = World::new().await;
    let other = tempfile::tempdir().unwrap();
    let foreign = trust(other.path()).client("admin").unwrap();
    let certificate = CertificateDer::from_pem_slice(foreign.certificate.as_bytes()).unwrap();
    let peer = Peer {
        certificates: Arc::new(ClientCertificates::new(vec![certificate])),
        ..Peer::default()
    };
    let (parts, ()) = Request::builder().body(()).unwrap().into_parts();
    assert!(world.authenticator.authenticate(&parts, &peer).await.is_err());
    assert_eq!(world.ask("fixed", &peer).await.unwrap().unwrap().name, "ann");
}

#[tokio::test]
async fn without_credentials_nobody_is_known() {
    let world = World::new().await;
    let (parts, ()) = Request::builder().body(()).unwrap().into_parts();
    assert_eq!(world.authenticator.authenticate(&parts, &Peer::default()).await.unwrap(), None);
    assert_eq!(world.token("nonsense").await.unwrap_err(), "invalid bearer token");
}

#[tokio::test]
async fn tokens_of_service_accounts_tell_who_and_where_from() {
    let world = World::new().await;
    for _ in 0..2 {
        let caller = world.signed(&world.claims()).await.unwrap();
        assert_eq!(
            (caller.name.as_str(), caller.uid.as_str()),
            ("system:serviceaccount:ns:sa", "sa-1")
        );
        assert_eq!(
            caller.groups,
            ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"]
        );
        assert_eq!(caller.extra["authentication.kubernetes.io/pod-name"], ["p"]);
        assert_eq!(caller.extra["authentication.kubernetes.io/pod-uid"], ["pod-1"]);
        assert_eq!(caller.extra["authentication.kubernetes.io/credential-id"], ["JTI=id"]);
    }
}

#[tokio::test]
async fn tokens_stop_counting_with_time_and_with_what_they_are_bound_to() {
    let world = World::new().await;
    let good = world.claims();
    let check = async |claims: Claims, expected: &str| {
        let error = world.signed(&claims).await.unwrap_err();
        assert_eq!(error, format!("[invalid bearer token, {expected}]"));
    };
    let now = world.clock.now().as_second();
    check(Claims { exp: now - 61, ..good.clone() }, "service account token has expired").await;
    check(Claims { nbf: now + 61, ..good.clone() }, "service account token is not valid yet").await;
    check(
        Claims { iat: now + 61, ..good.clone() },
        "service account token is issued in the future",
    )
    .await;
    let audiences = "token audiences [\"other\"] is invalid for the target audiences \
                     [\"https://kubernetes.default.svc.cluster.local\"]";
    check(Claims { aud: vec!["other".to_owned()], ..good.clone() }, audiences).await;
    let mut gone = good.clone();
    gone.kubernetes.serviceaccount.name = "none".to_owned();
    check(gone, "serviceaccounts \"none\" not found").await;
    let mut other = good.clone();
    other.kubernetes.serviceaccount.uid = "sa-0".to_owned();
    check(other, "service account UID (sa-1) does not match claim (sa-0)").await;
    let mut pod = good.clone();
    pod.kubernetes.pod = Some(Reference { name: "q".to_owned(), uid: "pod-1".to_owned() });
    check(pod, "service account token has been invalidated").await;
    let mut pod = good.clone();
    pod.kubernetes.pod = Some(Reference { name: "p".to_owned(), uid: "pod-0".to_owned() });
    check(pod, "pod UID (pod-1) does not match service account pod ref claim (pod-0)").await;
    let foreign = Signer::ephemeral().unwrap().sign(&good).unwrap();
    let error = world.token(&foreign).await.unwrap_err();
    assert_eq!(error, "[invalid bearer token, invalid signature, no keys found]");
    let strange =
        world.signer.sign(&Claims { iss: "https://else.example".to_owned(), ..good }).unwrap();
    assert_eq!(world.token(&strange).await.unwrap_err(), "invalid bearer token");
}

#[tokio::test]
async fn a_deleted_pod_counts_for_a_moment() {
    let world = World::new().await;
    let deleted =
        json!({ "metadata": { "uid": "pod-1", "deletionTimestamp": begin().to_string() } });
    world.put("pods", "ns", "p", deleted).await;
    let token = world.signer.sign(&world.claims()).unwrap();
    assert!(world.token(&token).await.is_ok());
    *world.clock.0.lock() = begin() + SignedDuration::from_secs(61);
    assert!(world.token(&token).await.is_err());
}

#[tokio::test]
async fn a_token_in_a_secret_counts_as_long_as_it_is_there() {
    use base64::Engine as _;
    let world = World::new().await;
    let token = SecretToken::new("ns", "sa", "sa-1", "s").sign(&world.signer).unwrap();
    let secret = |token: &str| {
        let token = base64::engine::general_purpose::STANDARD.encode(token);
        json!({ "metadata": { "uid": "s-1" }, "data": { "token": token } })
    };
    let refused = async |expected: &str| {
        let error = world.token(&token).await.unwrap_err();
        assert_eq!(error, format!("[invalid bearer token, {expected}]"));
    };
    refused("service account token has been invalidated").await;
    world.put("secrets", "ns", "s", secret(&token)).await;
    let caller = world.token(&token).await.unwrap();
    assert_eq!(
        (caller.name.as_str(), caller.uid.as_str()),
        ("system:serviceaccount:ns:sa", "sa-1")
    );
    world.put("secrets", "ns", "s", secret("another")).await;
    refused("service account token does not match the one in its secret").await;
    world.put("secrets", "ns", "s", secret(&token)).await;
    world.put("serviceaccounts", "ns", "sa", json!({ "metadata": { "uid": "sa-2" } })).await;
    refused("service account UID (sa-2) does not match claim (sa-1)").await;
}

#[tokio::test]
async fn bootstrap_tokens_stand_in_secrets_of_the_system() {
    let world = World::new().await;
    let data = |expiration: &str| {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "bootstrap.kubernetes.io/token",
            "metadata": {},
            "data": {
                "token-id": encode("abcdef"),
                "token-secret": encode("0123456789abcdef"),
                "usage-bootstrap-authentication": encode("true"),
                "expiration": encode(expiration),
            },
        })
    };
    let token = "abcdef.0123456789abcdef";
    assert!(world.token(token).await.is_err());
    world
        .put("secrets", "kube-system", "bootstrap-token-abcdef", data("2026-06-02T00:00:00Z"))
        .await;
    let caller = world.token(token).await.unwrap();
    assert_eq!(caller.name, "system:bootstrap:abcdef");
    assert_eq!(caller.groups, ["system:bootstrappers", "system:authenticated"]);
    assert!(world.token("abcdef.0123456789abcdee").await.is_err());
    world
        .put("secrets", "kube-system", "bootstrap-token-abcdef", data("2026-05-31T00:00:00Z"))
        .await;
    assert!(world.token(token).await.is_err());
}

#[tokio::test]
async fn reviews_tell_whose_token_it_is_and_for_whom() {
    let world = World::new().await;
    let token = world.signer.sign(&world.claims()).unwrap();
    let (identity, audiences) = world.authenticator.review(&token, &[]).unwrap();
    assert_eq!(
        (identity.name.as_str(), audiences),
        ("system:serviceaccount:ns:sa", vec![ISSUER.to_owned()])
    );
    assert!(world.authenticator.review(&token, &["other".to_owned()]).is_err());
}
