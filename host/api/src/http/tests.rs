use http_body_util::BodyExt;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use super::*;

/// A plain server that answers each request with what it saw.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: Request<hyper::body::Incoming>| async move {
                let header = |name: &str| {
                    let value = request.headers().get(name).map(|v| v.to_str().unwrap_or("?"));
                    value.unwrap_or("-").to_owned()
                };
                let text = format!(
                    "{} {} {} {}",
                    request.method(),
                    request.uri(),
                    header("authorization"),
                    header("impersonate-user")
                );
                Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(text))))
            });
            let serving = hyper::server::conn::http1::Builder::new();
            tokio::spawn(serving.serve_connection(TokioIo::new(stream), service));
        }
    });
    format!("http://{address}/gate")
}

#[tokio::test]
async fn a_request_carries_prefix_and_identity_and_reuses_its_connection() {
    let target = Target {
        server: echo().await,
        token: Some("abc".to_owned()),
        impersonation: vec![("Impersonate-User".to_owned(), "jane".to_owned())],
        ..Target::default()
    };
    let transport = HttpTransport::new(&target).expect("a good target");
    for _ in 0..3 {
        let request = Request::get("/api/v1/pods?limit=1").body(Bytes::new()).expect("valid");
        let answer = transport.call(request).await.expect("an answer");
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(body, "GET /gate/api/v1/pods?limit=1 Bearer abc jane");
        assert!(transport.idle.lock().len() <= 1);
    }
}

#[tokio::test]
async fn an_absent_server_is_named() {
    let target = Target { server: "http://127.0.0.1:1".to_owned(), ..Target::default() };
    let transport = HttpTransport::new(&target).expect("a good target");
    let request = Request::get("/").body(Bytes::new()).expect("valid");
    let error = transport.call(request).await.expect_err("nobody listens there");
    assert_eq!(error.to_string(), "cannot reach http://127.0.0.1:1");
}

#[test]
fn a_bad_url_is_refused() {
    let target = Target { server: "https://".to_owned(), ..Target::default() };
    assert!(matches!(HttpTransport::new(&target), Err(Error::Url(_))));
}
