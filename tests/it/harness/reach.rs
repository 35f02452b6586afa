//! HTTP to the API server with the admin's certificate, and plain HTTP to node ports.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use tokio::net::TcpStream;

use super::Cluster;

impl Cluster {
    /// The node port of a Service's first port.
    pub(crate) fn node_port(&self, service: &str) -> u16 {
        let service = self.skiff(&["get", &format!("service/{service}"), "-o", "json"]);
        let service: serde_json::Value = serde_json::from_str(&service).unwrap();
        let port =
            service.pointer("/spec/ports/0/nodePort").and_then(serde_json::Value::as_u64).unwrap();
        u16::try_from(port).unwrap()
    }

    /// GET on a port of this machine; an answer that is no success is an error.
    pub(crate) async fn http(&self, port: u16, path: &str) -> Result<String, String> {
        let exchange = async {
            let stream = TcpStream::connect(("127.0.0.1", port)).await?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let request = Request::get(path).header("host", "test").body(Empty::<Bytes>::new())?;
            let answer = sender.send_request(request).await?;
            let code = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            anyhow::ensure!(code.is_success(), "{code}: {}", String::from_utf8_lossy(&body));
            Ok(String::from_utf8_lossy(&body).into_owned())
        };
        exchange.await.map_err(|error: anyhow::Error| format!("{error:#}"))
    }

    /// GET on the API server: code and body.
    pub(crate) async fn raw(&self, path: &str) -> (u16, String) {
        whole(self.open(path).await).await
    }

    /// POST of JSON to the API server: code and body.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> (u16, String) {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        whole(self.client().await.send(request).await.unwrap()).await
    }

    /// GET on the API server, of which nothing is read yet.
    pub(crate) async fn open(&self, path: &str) -> Response<Body> {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.client().await.send(request).await.unwrap()
    }

    /// An OCI image layout folder with one Wasm image in it.
    pub(crate) fn layout(&self, wasm: &[u8]) -> PathBuf {
        let folder = self.data().join("../layout");
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let put = |media_type: &str, content: &[u8]| {
            let digest = sha256(content);
            fs::write(blobs.join(&digest), content).unwrap();
            serde_json::json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": content.len() })
        };
        let config = put(
            "application/vnd.wasm.config.v0+json",
            br#"{"architecture":"wasm","os":"wasip2","layerDigests":[]}"#,
        );
        let layer = put("application/wasm", wasm);
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = serde_json::json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer] });
        let manifest = put(media_type, manifest.to_string().as_bytes());
        let index = serde_json::json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(folder.join("index.json"), index.to_string()).unwrap();
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        folder.canonicalize().unwrap()
    }
}

async fn whole(answer: Response<Body>) -> (u16, String) {
    let code = answer.status().as_u16();
    let body = answer
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    (code, String::from_utf8_lossy(&body).into_owned())
}

fn sha256(content: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of all files below a folder.
pub(crate) fn folder_size(folder: &std::path::Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
