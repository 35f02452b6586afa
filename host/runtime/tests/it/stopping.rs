//! A request to stop, a kill, and a caller that goes away.

use std::sync::Arc;

use runtime::{Exit, Spec, Stop};

use crate::harness::{Bench, Lines, within};
use crate::sockets::Loopback;

#[tokio::test]
async fn a_request_ends_a_guest_that_cannot_notice_it() {
    let bench = Bench::new();
    for guest in [guests::WAIT, guests::SPIN] {
        let program = bench.load(guest).await;
        let (stop, stdout) = (Stop::new(), Arc::new(Lines::default()));
        let spec = Spec { stdout: stdout.clone(), ..Spec::default() };
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { program.run(spec, stop).await }
        });
        stdout.wait_for("").await;
        stop.request();
        let exit = within(running).await.unwrap().unwrap();
        assert_eq!((&exit, exit.code()), (&Exit::Stopped, 143));
    }
}

#[tokio::test]
async fn a_request_shuts_a_server_down_in_its_own_order() {
    let bench = Bench::new();
    let program = bench.load(guests::TCP_ECHO).await;
    let (stop, stdout) = (Stop::new(), Arc::new(Lines::default()));
    let network = Arc::new(Loopback::default());
    let spec = Spec { stdout: stdout.clone(), network: network.clone(), ..Spec::default() };
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { program.run(spec, stop).await }
    });
    stdout.wait_for("listening").await;
    stop.request();
    assert_eq!(within(running).await.unwrap().unwrap(), Exit::Code(0));
    assert_eq!(stdout.all(), ["listening on 127.0.0.1:7000", "served 0"]);
    assert!(network.is_unused(), "the listener is gone");
}

#[tokio::test]
async fn a_kill_ends_an_endless_loop() {
    let bench = Bench::new();
    let program = bench.load(guests::SPIN).await;
    let (stop, stdout) = (Stop::new(), Arc::new(Lines::default()));
    let spec = Spec { stdout: stdout.clone(), ..Spec::default() };
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { program.run(spec, stop).await }
    });
    stdout.wait_for("spinning").await;
    stop.kill();
    let exit = within(running).await.unwrap().unwrap();
    assert_eq!((&exit, exit.code()), (&Exit::Killed, 137));
}

#[tokio::test]
async fn dropping_the_run_ends_the_guest() {
    let bench = Bench::new();
    let program = bench.load(guests::SPIN).await;
    let stdout = Arc::new(Lines::default());
    let spec = Spec { stdout: stdout.clone(), ..Spec::default() };
    let account = spec.account.clone();
    let running = tokio::spawn(async move { program.run(spec, Stop::new()).await });
    stdout.wait_for("spinning").await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    within(async {
        while account.memory_bytes() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
