//! The API as clients use it: create, get, update, LIST of many Pods in each form, watch fan-out, memory with many objects.
//!
//! Budgets, on a machine with two cores, as processor time of the server for each operation, since the clients run beside it:
//! * durable create or update by 100 clients: 90 us. TLS, decoding, admission, ownership of fields and encoding share it.
//! * get: 30 us, of which TLS and HTTP are most.
//! * LIST of 10,000 Pods, 30 MB: 50 ms, what copying and encrypting it takes; a list by a selector that few match: 5 ms.
//! * watch, 1,000 watchers: 1.5 us a delivery of 1 KB: the event is encoded once, and each watcher is sent the same bytes.
//! * 20,000 objects, half of them Pods: 200 MB.
//!
//! `--only requests,watches,pods` names the parts to run.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::Duration;

use api::Client;
use benches::{Measured, Server, Size, is_wanted};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

const NAMESPACE: &str = "bench";
/// What a `ConfigMap` holds.
const TEXT_BYTES: usize = 1000;

fn main() -> anyhow::Result<()> {
    let size = Size::from_args();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let servers = Server::all(size, &["--disable", "node,scheduler"]).await?;
        for server in &servers {
            let client = server.client()?;
            let body =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
            send(&client, Method::POST, "/api/v1/namespaces", Some(&body)).await?;
            wait_for_account(&client).await?;
        }
        for server in servers.iter().filter(|_| is_wanted("requests")) {
            writes_and_reads(server, size).await?;
        }
        for server in servers.iter().filter(|_| is_wanted("watches")) {
            watches(server, size, ("JSON", JSON), 1_000_000).await?;
            watches(server, size, ("protobuf", PROTOBUF), 2_000_000).await?;
        }
        for server in servers.iter().filter(|_| is_wanted("pods")) {
            pods(server, size).await?;
        }
        for server in &servers {
            let path = format!("/api/v1/namespaces/{NAMESPACE}");
            send(&server.client()?, Method::DELETE, &path, None).await?;
        }
        Ok(())
    })
}

/// Pods are refused until their namespace has its account.
async fn wait_for_account(client: &Client) -> anyhow::Result<()> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default");
    while send(client, Method::GET, &path, None).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

fn config_map(number: usize, revision: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": format!("map-{number}"), "namespace": NAMESPACE},
        "data": {"text": "x".repeat(TEXT_BYTES), "revision": revision.to_string()},
    })
}

fn maps() -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/configmaps")
}

async fn writes_and_reads(server: &Server, size: Size) -> anyhow::Result<()> {
    let objects = size.pick(20, 10_000);
    let begin = size.pick(5, 2_000);
    let create = async |clients, range: std::ops::Range<usize>| {
        each(server, clients, range, |client, number| async move {
            send(&client, Method::POST, &maps(), Some(&config_map(number, 0))).await
        })
        .await
    };
    show(server, "create of 1 KB, 1 client", create(1, 0..begin)).await?;
    let clients = size.pick(4, 100);
    show(server, &format!("create of 1 KB, {clients} clients"), create(clients, begin..objects))
        .await?;
    let gets = each(server, clients, 0..objects, |client, number| async move {
        send(&client, Method::GET, &format!("{}/map-{number}", maps()), None).await
    });
    show(server, &format!("get, {clients} clients"), gets).await?;
    let updates = each(server, clients, 0..objects, |client, number| async move {
        let path = format!("{}/map-{number}", maps());
        send(&client, Method::PUT, &path, Some(&config_map(number, 1))).await
    });
    show(server, &format!("update, {clients} clients"), updates).await?;
    let applies = each(server, clients, 0..objects / 4, |client, number| async move {
        let path = format!("{}/map-{number}?fieldManager=bench&force=true", maps());
        let body = serde_json::to_vec(&config_map(number, 2))?;
        exchange(&client, Method::PATCH, &path, "application/apply-patch+yaml", body.into(), JSON)
            .await
    });
    show(server, &format!("server-side apply, {clients} clients"), applies).await
}

async fn watches(
    server: &Server,
    size: Size,
    (form, accept): (&str, &str),
    first: usize,
) -> anyhow::Result<()> {
    let (watchers, events) = (size.pick(10, 1000), size.pick(10, 1000));
    // As many connections as a server with many nodes has, each with some watches.
    let clients: Vec<Client> =
        (0..size.pick(2, 50)).map(|_| server.client()).collect::<Result<_, _>>()?;
    let in_lines = accept == JSON;
    let mut tasks = Vec::new();
    let list: Value = serde_json::from_slice(
        &exchange(&clients[0], Method::GET, &format!("{}?limit=1", maps()), "", Bytes::new(), JSON)
            .await?,
    )?;
    let from = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    for number in 0..watchers {
        let path = format!("{}?watch=true&resourceVersion={from}", maps());
        let request = Request::get(path).header(header::ACCEPT, accept).body(Bytes::new())?;
        let answer = clients[number % clients.len()].raw(request).await?;
        anyhow::ensure!(answer.status().is_success(), "{}", answer.status());
        tasks.push(tokio::spawn(async move {
            let mut body = answer.into_body();
            let mut messages = Messages { in_lines, ..Messages::default() };
            let mut seen = 0;
            while seen < events as u64
                && let Some(Ok(frame)) = body.frame().await
            {
                seen += frame.data_ref().map_or(0, |data| messages.count(data));
            }
            seen
        }));
    }
    let what = format!("watch, {watchers} watchers, {events} events of 1 KB, {form}");
    let mut ended = 0;
    let work = async {
        let created =
            each(server, size.pick(2, 10), first..first + events, |client, number| async move {
                send(&client, Method::POST, &maps(), Some(&config_map(number, 0))).await
            });
        let (_, checksum) = created.await?;
        let mut deliveries = 0;
        for task in tasks {
            let seen = task.await?;
            deliveries += seen;
            ended += u64::from(seen < events as u64);
        }
        anyhow::Ok((deliveries, checksum))
    };
    show(server, &what, work).await?;
    if ended > 0 {
        println!("{:<6} {ended} of the watches were ended before they had seen all", server.name);
    }
    Ok(())
}

/// Counts the messages of a watch, which come in any pieces.
#[derive(Default)]
struct Messages {
    /// JSON: a line each. Otherwise a message stands behind its length in four bytes.
    in_lines: bool,
    head: Vec<u8>,
    missing: usize,
}

impl Messages {
    /// How many end with this piece.
    fn count(&mut self, mut data: &[u8]) -> u64 {
        if self.in_lines {
            return data.split(|byte| *byte == b'\n').count() as u64 - 1;
        }
        let mut ended = 0;
        while !data.is_empty() {
            if self.missing == 0 {
                let (head, rest) = data.split_at(data.len().min(4 - self.head.len()));
                self.head.extend_from_slice(head);
                data = rest;
                if let Ok(len) = <[u8; 4]>::try_from(&self.head[..]) {
                    self.missing = u32::from_be_bytes(len) as usize;
                    self.head.clear();
                }
            }
            let taken = data.len().min(self.missing);
            data = &data[taken..];
            ended += u64::from(taken > 0 && taken == self.missing);
            self.missing -= taken;
        }
        ended
    }
}

fn pod(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("pod-{number}"), "namespace": NAMESPACE,
            "labels": {"app": "bench", "group": format!("group-{}", number % 100)},
        },
        "spec": {
            "containers": [{
                "name": "main", "image": "registry.example/app:1",
                "ports": [{"containerPort": 8080}],
                "env": [{"name": "GREETING", "value": "hello"}],
                "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
            }],
        },
    })
}

async fn pods(server: &Server, size: Size) -> anyhow::Result<()> {
    let pods = size.pick(20, 10_000);
    let clients = size.pick(4, 100);
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    let created = each(server, clients, 0..pods, |client, number| async move {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
        send(&client, Method::POST, &path, Some(&pod(number))).await
    });
    show(server, &format!("create Pod, {clients} clients"), created).await?;
    let client = server.client()?;
    let rounds: u64 = size.pick(1, 10);
    let forms = [
        ("JSON", "", JSON),
        ("protobuf", "", PROTOBUF),
        ("Table", "", "application/json;as=Table;v=v1;g=meta.k8s.io"),
        ("metadata", "", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"),
        ("JSON, 1 % by label", "?labelSelector=group%3Dgroup-7", JSON),
    ];
    for (form, query, accept) in forms {
        let lists = async {
            let mut bytes = 0;
            for _ in 0..rounds {
                let path = format!("{path}{query}");
                bytes +=
                    exchange(&client, Method::GET, &path, "", Bytes::new(), accept).await?.len();
            }
            anyhow::Ok((rounds, bytes as u64))
        };
        show(server, &format!("LIST of {pods} Pods, {form}"), lists).await?;
    }
    let objects = pods * 2 + size.pick(10, 1000);
    let busy = server.processes.resident_bytes() >> 20;
    tokio::time::sleep(Duration::from_secs(size.pick(0, 15))).await;
    let resting = server.processes.resident_bytes() >> 20;
    println!(
        "{:<6} resident with {objects} objects: {resting} MiB, right after the lists {busy} MiB",
        server.name
    );
    Ok(())
}

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Does something for each number, with a number of clients at once; gives how often, and the bytes of the answers.
async fn each<W, F>(
    server: &Server,
    clients: usize,
    numbers: std::ops::Range<usize>,
    work: W,
) -> anyhow::Result<(u64, u64)>
where
    W: Fn(Client, usize) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<Bytes>> + Send,
{
    let operations = numbers.len() as u64;
    let mut tasks = Vec::new();
    for first in 0..clients {
        let (client, work) = (server.client()?, work.clone());
        let numbers = numbers.clone().skip(first).step_by(clients);
        tasks.push(tokio::spawn(async move {
            let mut bytes = 0;
            for number in numbers {
                bytes += work(client.clone(), number).await?.len() as u64;
            }
            anyhow::Ok(bytes)
        }));
    }
    let mut bytes = 0;
    for task in tasks {
        bytes += task.await??;
    }
    Ok((operations, bytes))
}

async fn show(
    server: &Server,
    what: &str,
    work: impl Future<Output = anyhow::Result<(u64, u64)>>,
) -> anyhow::Result<()> {
    let mut failed = None;
    let measured = Measured::by(&server.processes, format!("{:<6} {what}", server.name), async {
        work.await.unwrap_or_else(|error| {
            failed = Some(error);
            (0, 0)
        })
    })
    .await;
    if let Some(error) = failed {
        return Err(error.context(format!("{}: {what}", server.name)));
    }
    println!("{measured}");
    Ok(())
}

async fn send(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Bytes> {
    let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
    exchange(client, method, path, JSON, body.into(), JSON).await
}

async fn exchange(
    client: &Client,
    method: Method,
    path: &str,
    content_type: &str,
    body: Bytes,
    accept: &str,
) -> anyhow::Result<Bytes> {
    let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    let answer = client.raw(request.body(body)?).await?;
    let code = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    anyhow::ensure!(code.is_success(), "{path}: {code}: {}", String::from_utf8_lossy(&body));
    Ok(body)
}
