//! What loads, what does not and why, and what the cache keeps.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime::{Exit, Kind, LoadError, Spec, Stop, Unsuitable, Wasm};

use crate::harness::{Bench, engine, within};

async fn refused(wasm: impl Into<Vec<u8>>) -> String {
    let bench = Bench::new();
    let wasm = Wasm::Bytes(wasm.into().into());
    match bench.engine.load("test:refused", wasm).await {
        Err(LoadError::Unsuitable(unsuitable)) => unsuitable.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_program_says_why() {
    let wat = |text: &str| wat::parse_str(text).unwrap();
    let start = r#"(func (export "_start"))"#;
    let cases = [
        (b"\x7fELF\x02\x01\x01".to_vec(), "not WebAssembly: a native ELF program"),
        (b"#!/bin/sh\n".to_vec(), "not WebAssembly: a script"),
        (Vec::new(), "not WebAssembly: an empty file"),
        (
            b"(module)".to_vec(),
            "not WebAssembly: WebAssembly text, which has to be assembled first",
        ),
        (b"\0asm\x07\0\0\0".to_vec(), "an unknown version of WebAssembly: [7, 0, 0, 0]"),
        (
            wat("(module)"),
            "the module exports no _start function, so it is a library and no command",
        ),
        (
            wat("(component)"),
            "the component exports neither wasi:cli/run nor wasi:http/incoming-handler \
             (it exports nothing)",
        ),
        (
            wat(&format!(
                r#"(module
                    (import "wasi_snapshot_preview1" "sock_open" (func (param i32 i32)))
                    (import "env" "f" (func)) {start})"#
            )),
            "imports that this host does not have: wasi_snapshot_preview1.sock_open, env.f",
        ),
    ];
    for (wasm, expected) in cases {
        assert_eq!(refused(wasm).await, expected);
    }
}

#[tokio::test]
async fn a_truncated_program_is_told_from_a_broken_one() {
    let whole = guests::EXIT;
    let cut = whole.len() / 2;
    assert_eq!(
        refused(&whole[..cut]).await,
        format!("truncated: the file ends at byte {cut} in the middle of a section")
    );
    // A function body that leaves a value on the stack.
    let text = r#"(module (func (export "_start") i32.const 1))"#;
    let error = refused(wat::parse_str(text).unwrap()).await;
    assert!(error.starts_with("invalid WebAssembly at byte "), "{error}");
    assert!(error.contains("values remaining on stack"), "{error}");
}

#[tokio::test]
async fn a_component_that_needs_more_is_told_what() {
    let component = r#"(component
        (import "wasi:keyvalue/store@0.2.0" (instance))
        (import "wasi:cli/environment@0.2.6" (instance))
        (import "wasi:cli/environment@0.20.0" (instance))
        (instance $run)
        (export "wasi:cli/run@0.2.6" (instance $run)))"#;
    assert_eq!(
        refused(wat::parse_str(component).unwrap()).await,
        "imports that this host does not have: wasi:keyvalue/store@0.2.0, wasi:cli/environment@0.20.0"
    );
}

#[tokio::test]
async fn kinds_are_told_apart() {
    let bench = Bench::new();
    for (guest, kind) in [
        (guests::EXIT, Kind::Command),
        (guests::EXIT_PREVIEW1, Kind::Module),
        (guests::HTTP_ECHO, Kind::Http),
    ] {
        assert_eq!(bench.load(guest).await.kind(), kind);
    }
}

/// The compiled code of the one program in the cache.
fn code(dir: &Path) -> PathBuf {
    let engines = dir.join("cache");
    let engine = fs::read_dir(engines).unwrap().next().unwrap().unwrap().path();
    let mut entries = fs::read_dir(engine).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.extension().is_some_and(|extension| extension == "code")).unwrap()
}

#[tokio::test]
async fn compiled_code_is_found_again_without_the_program() {
    let bench = Bench::new();
    let file = bench.dir.path().join("exit.wasm");
    fs::write(&file, guests::EXIT).unwrap();
    let program = bench.engine.load("sha256:exit", Wasm::File(file.clone())).await.unwrap();
    assert_eq!(program.digest(), "sha256:exit");
    fs::remove_file(&file).unwrap();

    let restarted = engine(bench.dir.path());
    let again = restarted.load("sha256:exit", Wasm::File(file.clone())).await.unwrap();
    let exit = within(again.run(Spec::default(), Stop::new())).await.unwrap();
    assert_eq!(exit, Exit::Code(0));

    let error = restarted.load("sha256:other", Wasm::File(file)).await.unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }), "{error:?}");
}

#[tokio::test]
async fn the_cache_is_private() {
    let bench = Bench::new();
    bench.load(guests::EXIT).await;
    let code = code(bench.dir.path());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.dir.path().join("cache")), 0o700);
    assert_eq!(mode(code.parent().unwrap()), 0o700);
    assert_eq!(mode(&code), 0o600);
}

#[tokio::test]
async fn a_damaged_entry_is_made_again() {
    let bench = Bench::new();
    let wasm = || Wasm::Bytes(guests::EXIT.into());
    drop(bench.engine.load("sha256:exit", wasm()).await.unwrap());
    let code = code(bench.dir.path());
    let good = fs::read(&code).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for damaged in [&flipped[..], &good[..good.len() / 2], b""] {
        fs::write(&code, damaged).unwrap();
        let restarted = engine(bench.dir.path());
        let program = restarted.load("sha256:exit", wasm()).await.unwrap();
        let exit = within(program.run(Spec::default(), Stop::new())).await.unwrap();
        assert_eq!(exit, Exit::Code(0));
        assert_eq!(fs::read(&code).unwrap().len(), good.len());
    }
}

#[tokio::test]
async fn one_digest_is_one_program() {
    let bench = Bench::new();
    let load = || bench.engine.load("sha256:exit", Wasm::Bytes(guests::EXIT.into()));
    let (first, second) = tokio::join!(load(), load());
    assert!(Arc::ptr_eq(&first.unwrap(), &second.unwrap()));
}

#[tokio::test]
async fn errors_of_use_are_told() {
    let bench = Bench::new();
    let function = bench.load(guests::HTTP_ECHO).await;
    let error = function.run(Spec::default(), Stop::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "the program is an HTTP function, which is served and not run");
    let command = bench.load(guests::EXIT).await;
    let served = command.serve(Spec::default(), runtime::ServeOptions::default(), Stop::new());
    assert_eq!(
        served.unwrap_err().to_string(),
        "the program is a command, which is run and not served"
    );
    let unsuitable = Unsuitable::NoStart;
    assert_eq!(LoadError::from(unsuitable.clone()).to_string(), unsuitable.to_string());
}
