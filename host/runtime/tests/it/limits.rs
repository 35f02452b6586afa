//! Every limit, against a guest that tries to exceed it.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runtime::{Exit, Limits, Mount, Spec, Stop, Wasm};

use crate::harness::{Bench, Lines, limited, within};
use crate::sockets::Loopback;

const MIB: u64 = 1024 * 1024;

fn memory(bytes: u64) -> Limits {
    Limits { memory_bytes: NonZeroU64::new(bytes), ..Limits::default() }
}

#[tokio::test]
async fn memory_beyond_the_limit_ends_the_instance() {
    let bench = Bench::new();
    for guest in [guests::HOARD_MEMORY, guests::HOARD_MEMORY_PREVIEW1] {
        let spec = limited(memory(32 * MIB));
        let account = spec.account.clone();
        let ended = bench.run_with(guest, &[], spec).await;
        assert_eq!(ended.exit, Exit::OutOfMemory { limit: 32 * MIB });
        assert_eq!(ended.exit.code(), 137);
        assert!(account.memory_bytes_peak() > 24 * MIB, "{}", account.memory_bytes_peak());
        assert_eq!(account.memory_bytes(), 0, "what a gone instance held is free again");
    }
}

#[tokio::test]
async fn memory_within_the_limit_is_given_and_counted() {
    let bench = Bench::new();
    let spec = limited(memory(32 * MIB));
    let account = spec.account.clone();
    let ended = bench.run_with(guests::HOARD_MEMORY, &["16"], spec).await;
    assert_eq!((ended.exit, ended.stdout), (Exit::Code(0), vec!["holding 16".to_owned()]));
    assert!((16 * MIB..32 * MIB).contains(&account.memory_bytes_peak()));
}

#[tokio::test]
async fn a_program_larger_than_the_limit_does_not_start() {
    let bench = Bench::new();
    let ended = bench.run_with(guests::EXIT, &[], limited(memory(64 * 1024))).await;
    assert_eq!(ended.exit, Exit::OutOfMemory { limit: 64 * 1024 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_guest_gets_its_share_of_cpu_and_no_more() {
    let bench = Bench::new();
    let program = bench.load(guests::SPIN).await;
    let spec = limited(Limits { cpu_millis: NonZeroU32::new(200), ..Limits::default() });
    let (account, stop) = (spec.account.clone(), Stop::new());
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { program.run(spec, stop).await }
    });
    let start = Instant::now();
    while account.cpu() < Duration::from_millis(200) {
        tokio::task::yield_now().await;
    }
    // Ten periods' worth is there after nine, and the tenth is spent at once.
    let wall = start.elapsed();
    assert!(wall > Duration::from_millis(800), "200 ms of CPU in {wall:?}");
    stop.kill();
    assert_eq!(within(running).await.unwrap().unwrap(), Exit::Killed);
}

#[tokio::test(flavor = "current_thread")]
async fn a_busy_guest_leaves_its_thread_to_others() {
    let bench = Bench::new();
    let program = bench.load(guests::SPIN).await;
    let stop = Stop::new();
    let running: Vec<_> = (0..10)
        .map(|_| {
            let (program, stop) = (program.clone(), stop.clone());
            tokio::spawn(async move { program.run(Spec::default(), stop).await })
        })
        .collect();
    // On this one thread nothing would answer if any of the ten loops kept it.
    let ended = bench.run(guests::EXIT_PREVIEW1, &["5"]).await;
    assert_eq!(ended.exit, Exit::Code(5));
    stop.kill();
    for one in running {
        assert_eq!(within(one).await.unwrap().unwrap(), Exit::Killed);
    }
}

#[tokio::test]
async fn sockets_are_counted() {
    let bench = Bench::new();
    let spec = Spec {
        network: Arc::new(Loopback::default()),
        ..limited(Limits { sockets: 5, ..Limits::default() })
    };
    let account = spec.account.clone();
    let ended = bench.run_with(guests::HOARD_SOCKETS, &[], spec).await;
    assert_eq!(ended.exit, Exit::Code(0));
    assert!(ended.stdout[0].starts_with("5 sockets, then "), "{:?}", ended.stdout);
    assert_eq!(account.sockets(), 0);
}

#[tokio::test]
async fn open_files_are_bounded() {
    let bench = Bench::new();
    std::fs::write(bench.dir.path().join("file"), "").unwrap();
    let host = bench.dir.path().to_owned();
    let spec = Spec {
        mounts: vec![Mount { host, guest: "/data".to_owned(), read_only: true }],
        ..limited(Limits { handles: 40, ..Limits::default() })
    };
    let ended = bench.run_with(guests::HOARD_FILES, &[], spec).await;
    let Exit::Trap { message, .. } = ended.exit else { panic!("{ended:?}") };
    assert_eq!(message, "resource table has no free keys");
}

#[tokio::test]
async fn output_has_a_rate() {
    let bench = Bench::new();
    let spec = limited(Limits {
        output_bytes_per_sec: NonZeroU32::new(200_000).unwrap(),
        ..Limits::default()
    });
    let start = Instant::now();
    let ended = bench.run_with(guests::FLOOD, &["2000"], spec).await;
    let printed: usize = ended.stdout.iter().map(String::len).sum();
    assert!(printed > 100_000 && ended.stdout.len() >= 2001);
    // 20 kB each 100 ms, the first of them at once.
    assert!(start.elapsed() > Duration::from_millis(500), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_table_does_not_grow_beyond_its_limit() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (table $table 1 funcref)
        (memory (export "memory") 1)
        (func (export "_start")
            (loop $more
                (table.grow $table (ref.null func) (i32.const 1))
                (br_if $more (i32.ne (i32.const -1))))
            (call $exit (table.size $table))))"#;
    let bench = Bench::new();
    let wasm = Wasm::Bytes(wat::parse_str(module).unwrap().into());
    let program = bench.engine.load("test:table", wasm).await.unwrap();
    let spec = limited(Limits { table_elements: 77, ..Limits::default() });
    assert_eq!(within(program.run(spec, Stop::new())).await.unwrap(), Exit::Code(77));
}

#[tokio::test]
async fn instances_inside_a_component_are_bounded() {
    let bench = Bench::new();
    let program = bench.load(guests::EXIT).await;
    let spec = limited(Limits { instances: 1, ..Limits::default() });
    let error = program.run(spec, Stop::new()).await.unwrap_err().to_string();
    assert!(error.contains("instance"), "{error}");
}

#[tokio::test]
async fn more_instances_than_the_pool_holds_still_run() {
    let bench = Bench::new();
    let program = bench.load(guests::WAIT).await;
    let (stop, stdout) = (Stop::new(), Arc::new(Lines::default()));
    let running: Vec<_> = (0..80)
        .map(|number| {
            let (program, stop) = (program.clone(), stop.clone());
            let stdout: Arc<dyn runtime::Sink> =
                if number == 79 { stdout.clone() } else { Arc::new(runtime::Discard) };
            tokio::spawn(async move { program.run(Spec { stdout, ..Spec::default() }, stop).await })
        })
        .collect();
    stdout.wait_for("waiting").await;
    stop.kill();
    for one in running {
        assert_eq!(within(one).await.unwrap().unwrap(), Exit::Killed);
    }
}
