//! HTTP functions: answers, reuse, bounds and failures.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use runtime::{Account, Body, Exit, HttpService, Kind, Limits, ServeOptions, Spec, Stop};

use crate::harness::{Bench, Lines, within};

async fn serve(bench: &Bench, wasm: &'static [u8]) -> HttpService {
    serve_with(bench, wasm, Spec::default(), ServeOptions::default(), Stop::new()).await
}

async fn serve_with(
    bench: &Bench,
    wasm: &'static [u8],
    spec: Spec,
    options: ServeOptions,
    stop: Stop,
) -> HttpService {
    bench.load(wasm).await.serve(spec, options, stop).unwrap()
}

fn request(method: &str, path: &str, body: impl Into<Bytes>) -> Request<Body> {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let uri = format!("http://function.test{path}");
    Request::builder().method(method).uri(uri).body(body).unwrap()
}

async fn get(service: &HttpService, path: &str) -> (u16, String) {
    read(within(service.handle(request("GET", path, ""))).await).await
}

async fn read(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = within(response.into_body().collect()).await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn said(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

#[tokio::test]
async fn a_function_answers() {
    let bench = Bench::new();
    let spec = Spec { hostname: "web-1".to_owned(), ..Spec::default() };
    let options = ServeOptions::default();
    let service = serve_with(&bench, guests::HTTP_ECHO, spec, options, Stop::new()).await;
    assert_eq!(get(&service, "/").await, said(200, "hello\n"));
    assert_eq!(get(&service, "/variable/HOSTNAME").await, said(200, "web-1"));
    assert_eq!(get(&service, "/absent").await, said(404, "not found\n"));
    assert_eq!(get(&service, "/echo").await, said(405, "method not allowed\n"));
    let posted = service.handle(request("POST", "/echo", "a body")).await;
    assert_eq!(posted.headers()["content-type"], "none");
    assert_eq!(read(posted).await, said(200, "a body"));
    let head = service.handle(request("HEAD", "/", "")).await;
    assert_eq!(read(head).await, said(200, ""));
}

#[tokio::test]
async fn a_request_without_a_host_is_refused() {
    let bench = Bench::new();
    let service = serve(&bench, guests::HTTP_ECHO).await;
    let mut request = request("GET", "/", "");
    *request.uri_mut() = "/".parse().unwrap();
    assert_eq!(service.handle(request).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(service.crashes().borrow().count, 0);
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let bench = Bench::new();
    let service = serve(&bench, guests::HTTP_ECHO).await;
    let long = vec![7_u8; 20 * 1024 * 1024];
    let answer = within(service.handle(request("POST", "/length", long))).await;
    assert_eq!(read(answer).await, said(200, "20971520"));

    // Sixteen mebibytes are far more than the guest may have under way.
    let response = within(service.handle(request("GET", "/stream/16384", ""))).await;
    assert_eq!(service.active_requests(), 1);
    let (status, text) = read(response).await;
    assert_eq!((status, text.len()), (200, 16 * 1024 * 1024));
    within(service.drained()).await;
}

#[tokio::test]
async fn instances_are_used_again_and_replaced() {
    let bench = Bench::new();
    let options = ServeOptions { reuse: NonZeroU32::new(3).unwrap(), ..ServeOptions::default() };
    let service =
        serve_with(&bench, guests::HTTP_ECHO, Spec::default(), options, Stop::new()).await;
    let mut counts = Vec::new();
    for _ in 0..7 {
        counts.push(get(&service, "/count").await.1);
    }
    assert_eq!(counts, ["1", "2", "3", "1", "2", "3", "1"]);
}

#[tokio::test]
async fn nothing_is_in_memory_between_requests() {
    let bench = Bench::new();
    let idle = Duration::from_millis(50);
    let (spec, options) = (Spec::default(), ServeOptions { idle, ..ServeOptions::default() });
    let account = spec.account.clone();
    let service = serve_with(&bench, guests::HTTP_ECHO, spec, options, Stop::new()).await;
    assert_eq!((service.idle_instances(), account.memory_bytes()), (0, 0));
    get(&service, "/").await;
    assert!(service.idle_instances() == 1 && account.memory_bytes() > 0);
    within(async {
        while account.memory_bytes() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(service.idle_instances(), 0);
    assert_eq!(get(&service, "/").await, said(200, "hello\n"));
}

#[tokio::test]
async fn a_failing_request_fails_alone_and_is_counted() {
    let bench = Bench::new();
    let stderr = Arc::new(Lines::default());
    let spec = Spec { stderr: stderr.clone(), ..Spec::default() };
    let options = ServeOptions::default();
    let service = serve_with(&bench, guests::HTTP_CRASH, spec, options, Stop::new()).await;
    assert_eq!(get(&service, "/fine").await, said(200, "fine"));
    assert_eq!(get(&service, "/panic").await, said(500, "the function failed\n"));
    let last = service.crashes().borrow().last.clone();
    assert!(matches!(last, Some(Exit::Trap { .. })), "{last:?}");
    stderr.wait_for("told to").await;
    assert_eq!(get(&service, "/exit").await, said(500, "the function failed\n"));
    let crashes = service.crashes().borrow().clone();
    assert_eq!((crashes.count, crashes.last), (2, Some(Exit::Code(1))));
    assert_eq!(get(&service, "/fine").await, said(200, "fine"));
}

#[tokio::test]
async fn errors_of_a_handler_are_answers() {
    let bench = Bench::new();
    let stderr = Arc::new(Lines::default());
    let spec = Spec { stderr: stderr.clone(), ..Spec::default() };
    let options = ServeOptions::default();
    let service = serve_with(&bench, guests::HTTP_CRASH, spec, options, Stop::new()).await;
    assert_eq!(get(&service, "/error").await, said(500, "internal error\n"));
    assert_eq!(stderr.all(), ["ERROR secret"]);
    assert_eq!(get(&service, "/teapot").await, said(418, "short\n"));
    assert_eq!(service.crashes().borrow().count, 0);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_an_answer_breaks_it_off() {
    let bench = Bench::new();
    let service = serve(&bench, guests::HTTP_CRASH).await;
    let response = within(service.handle(request("GET", "/half", ""))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(within(response.into_body().collect()).await.is_err(), "the end is missing");
    let mut crashes = service.crashes();
    within(crashes.wait_for(|crashes| crashes.count == 1)).await.unwrap();
}

#[tokio::test]
async fn a_function_out_of_memory_is_told_apart() {
    let bench = Bench::new();
    let limit = 16 * 1024 * 1024;
    let limits = Limits { memory_bytes: NonZeroU64::new(limit), ..Limits::default() };
    let spec = Spec { account: Arc::new(Account::new(limits)), ..Spec::default() };
    let options = ServeOptions::default();
    let service = serve_with(&bench, guests::HTTP_CRASH, spec, options, Stop::new()).await;
    assert_eq!(get(&service, "/hoard").await.0, 500);
    assert_eq!(service.crashes().borrow().last, Some(Exit::OutOfMemory { limit }));
    assert_eq!(get(&service, "/fine").await, said(200, "fine"));
}

#[tokio::test]
async fn a_slow_answer_is_given_up() {
    let bench = Bench::new();
    let timeout = Duration::from_millis(100);
    let (spec, options) = (Spec::default(), ServeOptions { timeout, ..ServeOptions::default() });
    let account = spec.account.clone();
    let service = serve_with(&bench, guests::HTTP_CRASH, spec, options, Stop::new()).await;
    for path in ["/spin", "/sleep/3600000"] {
        assert_eq!(get(&service, path).await, said(504, "the function took too long\n"));
        assert_eq!((service.active_requests(), account.memory_bytes()), (0, 0));
    }
}

#[tokio::test]
async fn too_many_requests_are_told_to_come_again() {
    let bench = Bench::new();
    let options =
        ServeOptions { concurrency: NonZeroUsize::MIN, queue: 1, ..ServeOptions::default() };
    let service =
        serve_with(&bench, guests::HTTP_CRASH, Spec::default(), options, Stop::new()).await;
    let answers = futures::future::join_all((0..3).map(|_| get(&service, "/sleep/20"))).await;
    let mut statuses: Vec<_> = answers.iter().map(|(status, _)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503]);
}

#[tokio::test]
async fn a_stopped_function_answers_until_it_is_killed() {
    let bench = Bench::new();
    let stop = Stop::new();
    let options = ServeOptions::default();
    let service =
        serve_with(&bench, guests::HTTP_CRASH, Spec::default(), options, stop.clone()).await;
    let slow = tokio::spawn({
        let service = service.clone();
        async move { get(&service, "/sleep/100").await }
    });
    within(async {
        while service.active_requests() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stop.request();
    assert_eq!(get(&service, "/fine").await, said(200, "fine"));
    within(service.drained()).await;
    assert_eq!(slow.await.unwrap(), said(200, "awake"));
    assert_eq!(service.idle_instances(), 0);
    stop.kill();
    assert_eq!(get(&service, "/fine").await.0, 503);
}

#[tokio::test]
async fn a_killed_function_answers_nobody() {
    let bench = Bench::new();
    let stop = Stop::new();
    let options = ServeOptions::default();
    let service =
        serve_with(&bench, guests::HTTP_CRASH, Spec::default(), options, stop.clone()).await;
    let (answer, ()) = tokio::join!(get(&service, "/spin"), async {
        while service.active_requests() == 0 {
            tokio::task::yield_now().await;
        }
        stop.kill();
    });
    assert_eq!(answer.0, 503);
    within(service.drained()).await;
}

#[tokio::test]
async fn a_client_that_goes_does_not_interrupt_the_work() {
    let bench = Bench::new();
    let spec = Spec::default();
    let service =
        serve_with(&bench, guests::HTTP_CRASH, spec, ServeOptions::default(), Stop::new()).await;
    let asked = tokio::time::timeout(
        Duration::from_millis(20),
        service.handle(request("GET", "/sleep/200", "")),
    );
    assert!(asked.await.is_err());
    assert_eq!(service.active_requests(), 1);
    within(service.drained()).await;
    assert_eq!(service.crashes().borrow().count, 0);
}

#[tokio::test]
async fn a_function_of_wasi_0_3_answers() {
    let bench = Bench::new();
    assert_eq!(bench.load(guests::HTTP_ASYNC).await.kind(), Kind::HttpAsync);
    let service = serve(&bench, guests::HTTP_ASYNC).await;
    assert_eq!(get(&service, "/").await, said(200, "              /\n"));
    assert_eq!(get(&service, "/sleep").await, said(200, "         /sleep\n"));
    let (status, text) = get(&service, "/stream").await;
    assert_eq!((status, text.len()), (200, 16 * 1024));
    assert_eq!(get(&service, "/error").await.0, 500);
    assert_eq!(service.crashes().borrow().count, 0);
    assert_eq!(get(&service, "/panic").await.0, 500);
    assert_eq!(service.crashes().borrow().count, 1);
    assert_eq!(get(&service, "/").await.0, 200);
    within(service.drained()).await;
}
