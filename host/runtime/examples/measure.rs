//! What starting, answering and being idle cost. Prints one line for each figure, with its budget.
//!
//! `cargo run --release -p runtime --example measure`. Budgets, on two cores: an engine with its
//! pool 60 ms and 8 MiB; a command from start to exit 50 µs; requests to a function above 47,000/s
//! with a fresh instance each and 190,000/s with reuse, which is what `wasmtime serve`'s own
//! handler does here; an idle engine no CPU; a waiting command 100 KiB, a served function 10 KiB.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program for people, and figures far below 2^52"
)]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use runtime::{Config, Engine, HttpService, Program, ServeOptions, Spec, Stop, Wasm, executor};

const COMMANDS: u32 = 5_000;
const REQUESTS: u32 = 200_000;
const CLIENTS: u32 = 2;
const WAITING: u64 = 2_000;

fn main() {
    let executor = executor(None).unwrap();
    executor.block_on(executor.spawn(measure(executor.handle().clone()))).unwrap();
}

async fn measure(handle: tokio::runtime::Handle) {
    let dir = tempfile::tempdir().unwrap();
    let (memory, start) = (resident_kib(), Instant::now());
    let engine = Engine::new(Config::new(dir.path()), handle).unwrap();
    println!("engine: {:?}, {} KiB", start.elapsed(), resident_kib() - memory);

    let memory = resident_kib();
    let command = load(&engine, "command", guests::EXIT).await;
    let function = load(&engine, "function", guests::HTTP_ECHO).await;
    let waiting = load(&engine, "waiting", guests::WAIT).await;

    println!("three programs compiled and loaded: {} KiB", resident_kib() - memory);

    one_after_the_other(&command).await;
    for reuse in [1, 128, 1_000_000] {
        requests(&function, reuse).await;
    }
    idle_functions(&function);
    idle_commands(&waiting).await;

    tokio::time::sleep(Duration::from_millis(200)).await;
    let (cpu, second) = (cpu_millis(), Duration::from_secs(2));
    tokio::time::sleep(second).await;
    println!("idle: {} ms of CPU in {second:?}", cpu_millis() - cpu);
}

async fn load(engine: &Engine, digest: &str, wasm: &'static [u8]) -> Arc<Program> {
    let start = Instant::now();
    let program = engine.load(digest, Wasm::Bytes(wasm.into())).await.unwrap();
    let compiled = start.elapsed();
    drop(program);
    let start = Instant::now();
    let program = engine.load(digest, Wasm::Bytes(wasm.into())).await.unwrap();
    println!("load {digest}: compiled in {compiled:?}, from the cache in {:?}", start.elapsed());
    program
}

async fn one_after_the_other(command: &Arc<Program>) {
    let mut times = Vec::new();
    for _ in 0..COMMANDS {
        let start = Instant::now();
        command.run(Spec::default(), Stop::new()).await.unwrap();
        times.push(start.elapsed());
    }
    times.sort();
    let at = |part: u32| times[(COMMANDS * part / 100) as usize];
    println!("command, start to exit: p50 {:?}, p99 {:?}", at(50), at(99));
}

async fn requests(function: &Arc<Program>, reuse: u32) {
    let options =
        ServeOptions { reuse: NonZeroU32::new(reuse).unwrap(), ..ServeOptions::default() };
    let service = function.serve(Spec::default(), options, Stop::new()).unwrap();
    let start = Instant::now();
    let cpu = cpu_millis();
    let asking: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move {
                for _ in 0..REQUESTS / CLIENTS {
                    ask(&service).await;
                }
            })
        })
        .collect();
    for one in asking {
        one.await.unwrap();
    }
    let rate = f64::from(REQUESTS) / start.elapsed().as_secs_f64();
    let cpu = (cpu_millis() - cpu) as f64 * 1000.0 / f64::from(REQUESTS);
    println!("requests, {reuse} for an instance: {rate:.0}/s, {cpu:.1} µs of CPU each");
}

async fn ask(service: &HttpService) {
    let body = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
    let request = Request::get("http://function.test/").body(body).unwrap();
    let answer = service.handle(request).await.into_body().collect().await.unwrap();
    assert_eq!(answer.to_bytes(), "hello\n");
}

fn idle_functions(function: &Arc<Program>) {
    let memory = resident_kib();
    let served: Vec<_> = (0..10_000)
        .map(|_| function.serve(Spec::default(), ServeOptions::default(), Stop::new()).unwrap())
        .collect();
    let each = (resident_kib() - memory) as f64 / served.len() as f64;
    println!("a served function: {each:.1} KiB");
}

async fn idle_commands(waiting: &Arc<Program>) {
    let (memory, start, stop) = (resident_kib(), Instant::now(), Stop::new());
    let spec = Spec::default();
    let account = spec.account.clone();
    let running: Vec<_> = (0..WAITING)
        .map(|_| {
            let (program, spec, stop) = (waiting.clone(), spec.clone(), stop.clone());
            tokio::spawn(async move { program.run(spec, stop).await })
        })
        .collect();
    while account.memory_bytes() < WAITING * 1024 * 1024 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let started = start.elapsed();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let each = (resident_kib() - memory) / WAITING;
    println!("a waiting command: {each} KiB; {WAITING} of them started in {started:?}");
    stop.kill();
    for one in running {
        one.await.unwrap().unwrap();
    }
}

/// Memory of this process alone: pages of the binary are shared and can be dropped.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn cpu_millis() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}
