//! What a command sees, and how it ends.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use runtime::{Exit, Kind, Mount, Spec, Stop};

use crate::harness::{Bench, Ended, Lines, within};

#[tokio::test]
async fn arguments_environment_and_output_arrive() {
    let bench = Bench::new();
    for guest in [guests::ENVIRONMENT, guests::ENVIRONMENT_PREVIEW1] {
        let spec = Spec {
            args: vec!["name".to_owned()],
            env: vec![("A".to_owned(), "1".to_owned()), ("B".to_owned(), String::new())],
            hostname: "web-0".to_owned(),
            ..Spec::default()
        };
        let Ended { exit, stdout, stderr } = bench.run_with(guest, &["x y", "z"], spec).await;
        assert_eq!(exit, Exit::Code(0));
        let expected = [
            "argument name",
            "argument x y",
            "argument z",
            "variable A=1",
            "variable B=",
            "variable HOSTNAME=web-0",
            "no newline at the end",
        ];
        assert_eq!(stdout, expected);
        assert_eq!(stderr, ["to stderr"]);
    }
}

#[tokio::test]
async fn exit_codes_arrive() {
    let bench = Bench::new();
    // The standard library's `exit` knows two codes in WASI 0.2; `exit-with-code` knows all.
    for (guest, kind, seven) in [
        (guests::EXIT, Kind::Command, 1),
        (guests::EXIT_CODE, Kind::Command, 7),
        (guests::EXIT_PREVIEW1, Kind::Module, 7),
    ] {
        assert_eq!(bench.load(guest).await.kind(), kind);
        for (args, code) in [(vec![], 0), (vec!["0"], 0), (vec!["7"], seven), (vec!["error"], 1)] {
            let exit = bench.run(guest, &args).await.exit;
            assert_eq!(exit, Exit::Code(code), "{kind:?} {args:?}");
        }
    }
}

#[tokio::test]
async fn a_command_of_wasi_0_3_runs() {
    let bench = Bench::new();
    assert_eq!(bench.load(guests::COMMAND_ASYNC).await.kind(), Kind::CommandAsync);
    for (args, code) in [(vec![], 0), (vec!["fail"], 1)] {
        let ended = bench.run(guests::COMMAND_ASYNC, &args).await;
        assert_eq!((ended.exit, ended.stdout), (Exit::Code(code), vec!["waited".to_owned()]));
    }
}

#[tokio::test]
async fn a_trap_tells_where_it_was() {
    let bench = Bench::new();
    for guest in [guests::TRAP, guests::TRAP_PREVIEW1] {
        let Ended { exit, stderr, .. } = bench.run(guest, &[]).await;
        let Exit::Trap { message, backtrace } = &exit else { panic!("{exit:?}") };
        assert_eq!(message, "wasm trap: wasm `unreachable` instruction executed");
        assert!(backtrace.contains("walk_off_the_plank"), "{backtrace}");
        assert_eq!(exit.code(), 134);
        assert!(stderr.iter().any(|line| line.contains("index out of bounds")), "{stderr:?}");
    }
}

#[tokio::test]
async fn files_are_the_mounts_and_nothing_else() {
    let bench = Bench::new();
    for guest in [guests::FILES, guests::FILES_PREVIEW1] {
        let (data, input) = (bench.dir.path().join("data"), bench.dir.path().join("input"));
        fs::create_dir_all(&data).unwrap();
        fs::create_dir_all(&input).unwrap();
        fs::write(input.join("greeting"), "hello").unwrap();
        let _ = symlink("/etc/hostname", data.join("link-out"));
        let mount =
            |host, guest: &str, read_only| Mount { host, guest: guest.to_owned(), read_only };
        let spec = Spec {
            mounts: vec![mount(data.clone(), "/data", false), mount(input.clone(), "/input", true)],
            cwd: Some("/data".to_owned()),
            ..Spec::default()
        };
        let Ended { exit, stdout, .. } = bench.run_with(guest, &[], spec).await;
        assert_eq!(exit, Exit::Code(0));
        let expected = [
            r#"read: "hello""#,
            "write: ()",
            r#"list: ["link-out", "written"]"#,
            "write read-only: refused, ",
            "leave by ..: refused, ",
            "leave by link: refused, ",
            "no mount: refused, ",
        ];
        for (line, expected) in stdout.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line:?} is not {expected:?}…");
        }
        assert_eq!(fs::read_to_string(data.join("written")).unwrap(), "by a guest");
        assert_eq!(fs::read_to_string(input.join("greeting")).unwrap(), "hello");
        fs::remove_dir_all(data).unwrap();
    }
}

#[tokio::test]
async fn a_missing_mount_is_an_error_of_the_start() {
    let bench = Bench::new();
    let program = bench.load(guests::FILES).await;
    let host = bench.dir.path().join("absent");
    let mounts = vec![Mount { host, guest: "/data".to_owned(), read_only: false }];
    let error = program.run(Spec { mounts, ..Spec::default() }, Stop::new()).await.unwrap_err();
    assert!(error.to_string().contains("absent at /data: "), "{error}");
}

#[tokio::test]
async fn a_full_sink_holds_the_guest_and_loses_nothing() {
    let bench = Bench::new();
    let program = bench.load(guests::FLOOD).await;
    let (stdout, stop) = (Arc::new(Lines::at_most(100)), Stop::new());
    let spec = Spec { stdout: stdout.clone(), ..Spec::default() };
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { program.run(spec, stop).await }
    });
    stdout.wait_for("line 99 ").await;
    stop.kill();
    assert_eq!(within(running).await.unwrap().unwrap(), Exit::Killed);
    let lines = stdout.all();
    assert_eq!(lines.len(), 100);
    assert!(lines.iter().enumerate().all(|(n, line)| line.starts_with(&format!("line {n} "))));
}

#[tokio::test]
async fn an_overlong_line_comes_in_pieces() {
    let bench = Bench::new();
    let stdout = bench.run(guests::FLOOD, &["1"]).await.stdout;
    let lengths: Vec<_> = stdout.iter().map(|line| line.trim_end_matches('…').len()).collect();
    assert_eq!(lengths[1..], [16_384, 16_384, 7_232]);
    assert!(stdout[1].ends_with('…') && !stdout[3].ends_with('…'));
}
