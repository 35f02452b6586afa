//! Bad input and bad guests: each is answered clearly and harms nobody else.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::harness::{Cluster, pod, until};

#[tokio::test(flavor = "multi_thread")]
async fn bad_objects_are_explained() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let refused = |manifest: &str, expected: &str| {
        let file = cluster.file("bad.yaml", manifest);
        let output = cluster.try_skiff(&["apply", "-f", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(expected),
            "expected {expected:?}, got {said}"
        );
    };
    refused("a: [\n", "cannot parse");
    refused("apiVersion: v1\nkind: Pot\nmetadata: {name: a}\n", "no matches for kind \"Pot\"");
    refused(&pod("a", "i", ", nonsense: 1", ""), "nonsense");
    refused(&pod("Upper", "i", "", ""), "a lowercase RFC 1123 subdomain");
    refused(&pod("a", "i", "", "").replace("app: a", "app: \"no good\""), "a valid label must be");
    let web = crate::harness::web(1, "echo:1")
        .replace("matchLabels: {app: web}", "matchLabels: {app: other}");
    refused(&web, "`selector` does not match template `labels`");
}

#[tokio::test(flavor = "multi_thread")]
async fn rude_clients_do_not_disturb_others() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    // Half a TLS greeting, and nothing more.
    let mut silent: Vec<TcpStream> =
        (0..50).map(|_| TcpStream::connect(cluster.address()).unwrap()).collect();
    for stream in &mut silent {
        stream.write_all(&[0x16, 0x03, 0x01]).unwrap();
    }
    // Plain HTTP on the TLS port.
    let mut plain = TcpStream::connect(cluster.address()).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).unwrap_or_default();

    let huge = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"huge\"}},\"data\":{{\"x\":\"{}\"}}}}",
        "x".repeat(100 << 20)
    );
    let (code, said) = cluster.post("/api/v1/namespaces/default/configmaps", huge.into()).await;
    assert_eq!(code, 413, "{said}");
    for depth in [1_000, 100_000] {
        let data = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        let deep = format!(
            "{{\"apiVersion\":\"apps/v1\",\"kind\":\"ControllerRevision\",\"metadata\":{{\"name\":\"deep\"}},\"revision\":1,\"data\":{data}}}"
        );
        let path = "/apis/apps/v1/namespaces/default/controllerrevisions";
        let (code, said) = cluster.post(path, deep.into()).await;
        assert!(code == 400 && said.contains("exceeded max depth"), "{code} {said}");
    }
    // A watch that nobody reads.
    let _unread = cluster.open("/api/v1/configmaps?watch=true").await;
    for number in 0..200 {
        let (name, filler) = (format!("noise-{number}"), "y".repeat(50_000));
        let body = format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"{name}\"}},\"data\":{{\"x\":\"{filler}\"}}}}"
        );
        let (code, said) = cluster.post("/api/v1/namespaces/default/configmaps", body.into()).await;
        assert_eq!(code, 201, "{said}");
    }
    assert_eq!(cluster.raw("/readyz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_guests_harm_nobody() {
    let cluster = Cluster::start().await;
    for (name, wasm) in
        [("spin", guests::SPIN), ("flood", guests::FLOOD), ("echo", guests::HTTP_ECHO)]
    {
        cluster.push_bytes(wasm, &format!("{name}:1"));
    }
    for number in 0..4 {
        cluster.apply(&pod(
            &format!("spin-{number}"),
            "spin:1",
            ", resources: {limits: {cpu: 100m}}",
            "",
        ));
    }
    cluster.apply(&pod("flood", "flood:1", "", ""));
    cluster.apply(&crate::harness::web(1, "echo:1"));
    cluster.wait("deployment/web", "/status/readyReplicas", "1").await;
    let port = cluster.node_port("web");
    until("the function answers beside them", async || cluster.http(port, "/").await).await;
    // The flood is kept within its bound, and what is kept can be read.
    let tail = cluster.skiff(&["logs", "flood", "--tail=5"]);
    assert_eq!(tail.lines().count(), 5, "{tail}");
    let logs = cluster.data().join("logs");
    let size = crate::harness::folder_size(&logs);
    assert!(size < 100 << 20, "{} holds {size} bytes", logs.display());
}
