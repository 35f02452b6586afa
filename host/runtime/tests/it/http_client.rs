//! Requests that guests send.

use std::sync::Arc;

use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use runtime::{Exit, Network, ServeOptions, Spec, Stop};

use crate::harness::Bench;
use crate::sockets::Loopback;

#[tokio::test]
async fn a_guest_asks_a_function_of_this_node_without_a_connection() {
    let bench = Bench::new();
    let network = Arc::new(Loopback::default());
    let function = bench.load(guests::HTTP_ECHO).await;
    let service = function.serve(Spec::default(), ServeOptions::default(), Stop::new()).unwrap();
    network.serve(8080, Arc::new(service));
    let spec = Spec { network, ..Spec::default() };
    let urls = ["http://echo.default:8080/", "http://echo.default:8080/absent"];
    let ended = bench.run_with(guests::HTTP_CLIENT, &urls, spec).await;
    assert_eq!(ended.exit, Exit::Code(0), "{ended:?}");
    assert_eq!(ended.stdout, ["200 hello", "404 not found"]);
}

#[tokio::test]
async fn a_guest_asks_a_server_over_a_connection() {
    let bench = Bench::new();
    let network = Arc::new(Loopback::default());
    let mut listener = network.listen("127.0.0.1:80".parse().unwrap()).unwrap();
    let server = tokio::spawn(async move {
        let connection = std::future::poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
        let answer = service_fn(|request: http::Request<_>| async move {
            let host = request.headers()["host"].to_str().unwrap().to_owned();
            let _: &hyper::body::Incoming = request.body();
            let text = format!("{} {} for {host}", request.method(), request.uri());
            Ok::<_, std::convert::Infallible>(http::Response::new(Full::<bytes::Bytes>::from(text)))
        });
        let stream = TokioIo::new(connection.stream);
        hyper::server::conn::http1::Builder::new().serve_connection(stream, answer).await.unwrap();
    });
    let spec = Spec { network, ..Spec::default() };
    let ended = bench.run_with(guests::HTTP_CLIENT, &["http://echo.default/a?b=c"], spec).await;
    assert_eq!(ended.stdout, ["200 GET /a?b=c for echo.default"]);
    server.await.unwrap();
}

#[tokio::test]
async fn failures_have_names() {
    let bench = Bench::new();
    let network = Arc::new(Loopback::default());
    let _listener = network.listen("127.0.0.1:443".parse().unwrap()).unwrap();
    for (url, name) in [
        ("http://nobody.default/", "DnsError"),
        ("http://127.0.0.1:9/", "ConnectionRefused"),
        ("https://127.0.0.1/", "ConfigurationError"),
    ] {
        let spec = Spec { network: network.clone(), ..Spec::default() };
        let ended = bench.run_with(guests::HTTP_CLIENT, &[url], spec).await;
        assert!(ended.stdout[0].contains(name), "{url}: {:?}", ended.stdout);
    }
}
