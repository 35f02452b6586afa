//! `cargo suite`: runs every test of the project, after installing what they need, and ends by printing what ran.
//!
//! The order is: build the binary that the end-to-end tests drive, let it install the Wasm targets (`skiff setup`), the tests of
//! the workspace, the guest SDK for the guest target. Arguments are passed on to `cargo test` (a filter, `-p store`, ...).
//! Tests that lack a client program skip themselves and say so in `target/skipped-tests`, which is shown at the end.
//! A test program that says nothing for long is ended, so that what ran before it is still told.

#![expect(clippy::print_stdout, reason = "what ran is the result")]

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Variables by which cargo tells a program of its package.
const OUTER: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];

/// The time without a line after which a test hangs: several times what the longest test takes.
const SILENCE_MAX: Duration = Duration::from_mins(20);

/// What one test program reported.
#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
}

struct Ran {
    name: String,
    counts: Counts,
}

fn main() -> ExitCode {
    match suite() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("suite: {error}");
            ExitCode::FAILURE
        }
    }
}

fn suite() -> io::Result<bool> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let skipped = target.join("skipped-tests");
    fs::create_dir_all(&target)?;
    fs::write(&skipped, "")?;
    let started = Instant::now();

    say("building skiff");
    // Built with a test and for the whole workspace, dependencies have the features that the tests will have, and are compiled once.
    let skiff = ["build", "--workspace", "--bin", "skiff", "--test", "crash"];
    let mut ok = cargo(&root, &skiff).status()?.success();
    let skiff = target.join("debug/skiff");
    say("installing what building guests needs");
    ok = ok && Command::new(&skiff).arg("setup").current_dir(&root).status()?.success();
    if !ok {
        return Ok(false);
    }

    let mut ran = Vec::new();
    say("running the tests of the host");
    let mut test = cargo(&root, &["test", "--workspace", "--no-fail-fast"]);
    test.args(&arguments).env("SKIFF", &skiff).env("SKIFF_SKIPPED_TESTS", &skipped);
    ok &= watch(&mut test, &mut ran)?;
    if arguments.is_empty() {
        say("running the tests of the guest SDK");
        let sdk = root.join("guest-sdk");
        ok &= watch(
            &mut cargo(&sdk, &["test", "--target-dir", &shared(&target, "guest-sdk")]),
            &mut ran,
        )?;
    }
    summary(&ran, &skipped, started, ok)?;
    Ok(ok)
}

fn shared(target: &Path, name: &str) -> String {
    target.join(name).to_string_lossy().into_owned()
}

fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    // What the outer cargo says of this package would make build scripts, and all that depends on them, run again.
    for (name, _) in env::vars_os() {
        if OUTER.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command, shows its output as it comes, and collects the counts that it prints.
fn watch(command: &mut Command, ran: &mut Vec<Ran>) -> io::Result<bool> {
    // cargo names the program on standard error and the program its results on standard output: one pipe keeps them in order.
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command keeps its own copies of the pipe's end; while they live the reader sees no end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n') {
            // Nobody listens any more once a program was ended.
            let Ok(()) = sender.send(line) else { break };
        }
    });
    let mut name = String::from("tests");
    loop {
        let line = match lines.recv_timeout(SILENCE_MAX) {
            Ok(line) => line?,
            Err(RecvTimeoutError::Disconnected) => return Ok(child.wait()?.success()),
            Err(RecvTimeoutError::Timeout) => {
                println!("suite: {name}: nothing for {} s, so it is ended", SILENCE_MAX.as_secs());
                end(&mut child)?;
                return Ok(false);
            }
        };
        io::stdout().write_all(&line)?;
        io::stdout().write_all(b"\n")?;
        let text = String::from_utf8_lossy(&line);
        if let Some(found) = program(&text) {
            name = found;
        } else if let Some(counts) = counts(&text) {
            ran.push(Ran { name: name.clone(), counts });
        }
    }
}

/// Ends a command and what it has started.
fn end(child: &mut Child) -> io::Result<()> {
    let mut processes = vec![child.id()];
    let mut looked_at = 0;
    while let Some(process) = processes.get(looked_at) {
        looked_at += 1;
        let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        let children =
            threads.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<_> = children.collect();
        processes.extend(
            children
                .iter()
                .flat_map(|ids| ids.split_whitespace())
                .filter_map(|id| id.parse::<u32>().ok()),
        );
    }
    Command::new("kill").arg("-KILL").args(processes.iter().map(u32::to_string)).status()?;
    child.wait().map(drop)
}

/// The program that a line of cargo's announces.
fn program(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("Doc-tests ") {
        return Some(format!("documentation of {rest}"));
    }
    let rest = line.strip_prefix("Running ")?;
    let (source, path) = rest.rsplit_once(" (")?;
    let file = Path::new(path.trim_end_matches(')')).file_name()?.to_string_lossy().into_owned();
    let package = file.rsplit_once('-').map_or(file.as_str(), |(package, _)| package).to_owned();
    Some(format!("{package}: {source}"))
}

/// The counts of a `test result:` line.
fn counts(line: &str) -> Option<Counts> {
    let rest = line.trim().strip_prefix("test result: ")?;
    let number = |what: &str| {
        let before = rest.split(what).next()?;
        before.trim_end().rsplit(' ').next()?.parse().ok()
    };
    Some(Counts { passed: number(" passed")?, failed: number(" failed")? })
}

fn summary(ran: &[Ran], skipped: &Path, started: Instant, ok: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\nWhat ran:")?;
    for Ran { name, counts } in ran.iter().filter(|ran| ran.counts.passed + ran.counts.failed > 0) {
        writeln!(out, "  {:>5} passed {:>3} failed  {name}", counts.passed, counts.failed)?;
    }
    let skips = fs::read_to_string(skipped)?;
    for line in skips.lines() {
        writeln!(out, "  skipped: {line}")?;
    }
    let passed: u64 = ran.iter().map(|ran| ran.counts.passed).sum();
    let failed: u64 = ran.iter().map(|ran| ran.counts.failed).sum();
    // A test that skipped itself is counted as passed by its runner.
    let skipped = skips.lines().count() as u64;
    writeln!(
        out,
        "in {} s{}",
        started.elapsed().as_secs(),
        if ok { "" } else { ", with errors (see above)" }
    )?;
    writeln!(out, "{} passed, {failed} failed, {skipped} skipped", passed.saturating_sub(skipped))
}

fn say(text: &str) {
    println!("suite: {text}");
}
