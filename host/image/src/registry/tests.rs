#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};

use super::*;
use crate::artifact::Artifact;
use crate::credentials::Credentials;
use crate::digest::Digest;
use crate::manifest::media;
use crate::pull::{PullError, Puller};
use crate::reference::Reference;
use crate::store::Limits;

struct Fixture {
    _folder: tempfile::TempDir,
    store: Store,
    registry: Registry,
}

fn fixture(limits: Limits) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), limits).unwrap();
    Fixture { _folder: folder, registry: Registry::new(store.clone()), store }
}

fn artifact() -> Artifact {
    Artifact::new(wat::parse_str("(module (func))").unwrap(), None).unwrap()
}

struct Reply {
    status: u16,
    headers: http::HeaderMap,
    body: Bytes,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        body["errors"][0]["code"].as_str().unwrap().to_owned()
    }
}

impl Fixture {
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::copy_from_slice(body));
        let response = self.registry.handle(request.body(body).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

/// Serves the registry on a loopback port until the test ends.
async fn serve(registry: Registry) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let registry = registry.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |request| {
                    let registry = registry.clone();
                    async move { Ok::<_, std::convert::Infallible>(registry.handle(request).await) }
                });
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(hyper_util::rt::TokioIo::new(socket), service)
                    .await
            });
        }
    });
    address
}

#[tokio::test]
async fn an_independent_client_pushes_and_pulls() {
    let server = fixture(Limits::default());
    let node = fixture(Limits::default());
    let address = serve(server.registry.clone()).await;
    let artifact = artifact();
    let pushed = crate::remote::push(&artifact, &address.to_string(), "team/web", "v1", None).await;
    assert_eq!(pushed.unwrap(), artifact.digest);

    let puller = Puller::new(node.store.clone());
    let image: Reference = format!("{address}/team/web:v1").parse().unwrap();
    assert_eq!(puller.present(&image).await.unwrap(), None);
    let program = puller.pull(&image, &Credentials::default()).await.unwrap();
    assert_eq!((program.digest, program.manifest), (artifact.wasm_digest, artifact.digest));
    assert_eq!(puller.present(&image).await.unwrap(), Some(program));

    let missing: Reference = format!("{address}/team/web:v2").parse().unwrap();
    let error = puller.pull(&missing, &Credentials::default()).await.unwrap_err();
    assert!(matches!(error, PullError::NotFound(_)), "{error}");
    let local = Puller::new(server.store.clone());
    assert!(local.pull(&"team/web:v1".parse().unwrap(), &Credentials::default()).await.is_ok());
}

#[tokio::test]
async fn a_container_image_with_a_wasm_entrypoint_runs_and_a_native_one_says_why_not() {
    let server = fixture(Limits::default());
    let push = async |tag: &str, file: &[u8], os: &str, architecture: &str| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(file.len() as u64);
        tar.append_data(&mut header, "app", file).unwrap();
        let layer = tar.into_inner().unwrap();
        let config = serde_json::json!({ "architecture": architecture, "os": os,
            "config": { "Entrypoint": ["/app", "--port"], "Cmd": ["80"], "Env": ["A=b=c"] } });
        let config = config.to_string().into_bytes();
        let manifest = serde_json::json!({ "schemaVersion": 2, "mediaType": media::DOCKER_MANIFEST,
            "config": { "mediaType": "application/vnd.docker.container.image.v1+json",
                "digest": Digest::of(&config), "size": config.len() },
            "layers": [{ "mediaType": "application/vnd.docker.image.rootfs.diff.tar",
                "digest": Digest::of(&layer), "size": layer.len() }] });
        for blob in [&layer, &config] {
            let path = format!("/v2/app/blobs/uploads/?digest={}", Digest::of(blob));
            assert_eq!(server.send("POST", &path, &[], blob).await.status, 201);
        }
        let path = format!("/v2/app/manifests/{tag}");
        let reply = server.send("PUT", &path, &[], manifest.to_string().as_bytes()).await;
        assert_eq!(reply.status, 201);
    };
    let wasm = wat::parse_str("(module)").unwrap();
    push("good", &wasm, "wasi", "wasm").await;
    push("native", b"\x7fELF", "linux", "amd64").await;
    let puller = Puller::new(server.store.clone());
    let program = puller.pull(&"app:good".parse().unwrap(), &Credentials::default()).await.unwrap();
    assert_eq!(program.digest, Digest::of(&wasm));
    assert_eq!((program.entrypoint[1].as_str(), program.cmd[0].as_str()), ("--port", "80"));
    assert_eq!(program.env, [("A".to_owned(), "b=c".to_owned())]);
    let error = puller.pull(&"app:native".parse().unwrap(), &Credentials::default()).await;
    let text = error.unwrap_err().to_string();
    assert_eq!(text, "image app:native contains no WebAssembly: it is built for linux/amd64");
}

#[tokio::test]
async fn chunked_uploads_continue_where_they_ended() {
    let f = fixture(Limits::default());
    let begun = f.send("POST", "/v2/a/blobs/uploads/", &[], b"").await;
    assert_eq!(begun.status, 202);
    let location = begun.header("location").to_owned();
    let first = f.send("PATCH", &location, &[("content-range", "0-2")], b"abc").await;
    assert_eq!((first.status, first.header("range")), (202, "0-2"));
    let gap = f.send("PATCH", &location, &[("content-range", "5-6")], b"fg").await;
    assert_eq!((gap.status, gap.header("range")), (416, "0-2"));
    assert_eq!(f.send("GET", &location, &[], b"").await.status, 204);
    let elsewhere = location.replace("/v2/a/", "/v2/b/");
    assert_eq!(f.send("PATCH", &elsewhere, &[], b"x").await.status, 404);
    let put = format!("{location}?digest={}", Digest::of(b"abcdef"));
    assert_eq!(f.send("PUT", &put, &[], b"def").await.status, 201);
    assert_eq!(f.send("PUT", &put, &[], b"").await.status, 404);
    let blob = format!("/v2/a/blobs/{}", Digest::of(b"abcdef"));
    let part = f.send("GET", &blob, &[("range", "bytes=2-3")], b"").await;
    assert_eq!(
        (part.status, &part.body[..], part.header("content-range")),
        (206, &b"cd"[..], "bytes 2-3/6")
    );
    assert_eq!(f.send("HEAD", &blob, &[], b"").await.header("content-length"), "6");
    let mount = format!("/v2/b/blobs/uploads/?mount={}&from=a", Digest::of(b"abcdef"));
    assert_eq!(f.send("POST", &mount, &[], b"").await.status, 201);
    assert_eq!(f.send("DELETE", &blob, &[], b"").await.status, 202);
    assert_eq!(f.send("GET", &blob, &[], b"").await.code(), "BLOB_UNKNOWN");
}

#[tokio::test]
async fn wrong_digests_hostile_names_and_huge_bodies_are_refused() {
    let limits = Limits { blob_bytes: 8, manifest_bytes: 64, uploads: 1, ..Limits::default() };
    let f = fixture(limits);
    let begun = f.send("POST", "/v2/a/blobs/uploads/", &[], b"").await;
    let full = f.send("POST", "/v2/a/blobs/uploads/", &[], b"").await;
    assert_eq!((full.status, full.code().as_str()), (429, "TOOMANYREQUESTS"));
    let location = begun.header("location").to_owned();
    let wrong = format!("{location}?digest={}", Digest::of(b"other"));
    let reply = f.send("PUT", &wrong, &[], b"abc").await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "DIGEST_INVALID"));
    let begun = f.send("POST", "/v2/a/blobs/uploads/", &[], b"").await;
    let reply = f.send("PATCH", begun.header("location"), &[], b"123456789").await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "SIZE_INVALID"));
    let reply = f.send("PUT", "/v2/a/manifests/x", &[], &[b' '; 65]).await;
    assert_eq!(reply.code(), "SIZE_INVALID");
    assert_eq!(f.send("PUT", "/v2/a/manifests/x", &[], b"{}").await.code(), "MANIFEST_INVALID");
    for (path, code) in [
        ("/v2/../../etc/manifests/x", "NAME_INVALID"),
        ("/v2/a/../b/tags/list", "NAME_INVALID"),
        ("/v2/_tags/manifests/x", "NAME_INVALID"),
        ("/v2/a/blobs/sha256:..%2f..", "DIGEST_INVALID"),
        ("/v2/a/manifests/..%2fx", "DIGEST_INVALID"),
        ("/v2/a/manifests/x", "MANIFEST_UNKNOWN"),
        ("/v2/a/tags/list", "NAME_UNKNOWN"),
        ("/v2/a", "NOT_FOUND"),
        ("/v3", "NOT_FOUND"),
    ] {
        assert_eq!(f.send("GET", path, &[], b"").await.code(), code, "{path}");
    }
    let dotted = f.send("PATCH", "/v2/a/blobs/uploads/..", &[], b"").await;
    assert_eq!(dotted.code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(f.send("PUT", "/v2/_catalog", &[], b"").await.code(), "UNSUPPORTED");
    assert_eq!(f.send("GET", "/v2/", &[], b"").await.body, "{}");
}

#[tokio::test]
async fn tags_catalogue_and_referrers_are_listed_in_pages() {
    let f = fixture(Limits::default());
    let artifact = artifact();
    for tag in ["v1", "v2", "v3"] {
        f.store.push(&artifact, "team/web", tag).await.unwrap();
    }
    f.store.push(&artifact, "app", "v1").await.unwrap();
    let reply = f.send("GET", "/v2/_catalog", &[], b"").await;
    assert_eq!(reply.body, r#"{"repositories":["app","team/web"]}"#);
    let reply = f.send("GET", "/v2/team/web/tags/list?n=2", &[], b"").await;
    assert_eq!(reply.body, r#"{"name":"team/web","tags":["v1","v2"]}"#);
    assert_eq!(reply.header("link"), r#"</v2/team/web/tags/list?n=2&last=v2>; rel="next""#);
    let reply = f.send("GET", "/v2/team/web/tags/list?n=2&last=v2", &[], b"").await;
    assert_eq!(reply.body, r#"{"name":"team/web","tags":["v3"]}"#);

    let empty = f.store.put_bytes(b"{}").await.unwrap();
    let config = serde_json::json!({ "mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2 });
    let signature = serde_json::json!({ "schemaVersion": 2, "mediaType": media::MANIFEST,
        "artifactType": "application/vnd.example.signature", "config": config, "layers": [],
        "subject": { "mediaType": media::MANIFEST, "digest": artifact.digest, "size": 1 } });
    let bytes = signature.to_string();
    let path = format!("/v2/app/manifests/{}", Digest::of(bytes.as_bytes()));
    let reply = f.send("PUT", &path, &[("content-type", media::MANIFEST)], bytes.as_bytes()).await;
    assert_eq!(
        (reply.status, reply.header("oci-subject")),
        (201, artifact.digest.to_string().as_str())
    );
    let list = format!("/v2/app/referrers/{}", artifact.digest);
    let reply = f.send("GET", &list, &[], b"").await;
    let index: Index = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(index.manifests.len(), 1);
    let other = f.send("GET", &format!("{list}?artifactType=other"), &[], b"").await;
    assert_eq!(other.header("oci-filters-applied"), "artifactType");
    let index: Index = serde_json::from_slice(&other.body).unwrap();
    assert!(index.manifests.is_empty());
    assert_eq!(f.send("DELETE", &path, &[], b"").await.status, 202);
    let blob = format!("/v2/app/blobs/{}", artifact.wasm_digest);
    assert_eq!(f.send("DELETE", &blob, &[], b"").await.status, 405);
}

use crate::manifest::Index;
