//! Standard streams (`wasi:cli/stdin`, `stdout`, `stderr`): input is at its end, output goes to the
//! container's sinks by lines.
//!
//! A guest that prints faster than its sink takes, or than its limit allows, waits. What it has
//! printed is never dropped and never more than two lines' worth of memory.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime::component::Linker;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::cli;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{WasiCtxBuilder, async_trait};

use super::{Capability, Preparation};
use crate::account::Account;
use crate::output::{Full, LINE_BYTES_MAX, Line, Sink};
use crate::spec::Spec;
use crate::state::State;

pub(super) struct Stdio;

impl Capability for Stdio {
    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:cli/stdin@0.2",
            "wasi:cli/stdout@0.2",
            "wasi:cli/stderr@0.2",
            "wasi:cli/terminal-input@0.2",
            "wasi:cli/terminal-output@0.2",
            "wasi:cli/terminal-stdin@0.2",
            "wasi:cli/terminal-stdout@0.2",
            "wasi:cli/terminal-stderr@0.2",
            "wasi:cli/stdin@0.3",
            "wasi:cli/stdout@0.3",
            "wasi:cli/stderr@0.3",
            "wasi:cli/terminal-input@0.3",
            "wasi:cli/terminal-output@0.3",
            "wasi:cli/terminal-stdin@0.3",
            "wasi:cli/terminal-stdout@0.3",
            "wasi:cli/terminal-stderr@0.3",
        ]
    }

    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        cli::stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
        cli::stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
        cli::stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
        cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
        cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
        cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
        cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
        cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)
    }

    /// Standard input of a fresh context is empty already.
    fn prepare(
        &self,
        context: &mut WasiCtxBuilder,
        preparation: &Preparation<'_>,
    ) -> io::Result<()> {
        context.stdout(preparation.output.stdout.clone());
        context.stderr(preparation.output.stderr.clone());
        Ok(())
    }
}

/// The two output streams of one instance.
#[derive(Clone)]
pub(crate) struct Output {
    stdout: Printer,
    stderr: Printer,
}

impl Output {
    pub(crate) fn new(spec: &Spec) -> Self {
        let printer = |sink: &Arc<dyn Sink>| Printer {
            sink: Arc::clone(sink),
            account: Arc::clone(&spec.account),
            pending: Arc::default(),
        };
        Self { stdout: printer(&spec.stdout), stderr: printer(&spec.stderr) }
    }

    /// Hands over what is left, an unfinished last line included.
    pub(crate) async fn finish(&self) {
        self.stdout.finish().await;
        self.stderr.finish().await;
    }
}

#[derive(Clone)]
struct Printer {
    sink: Arc<dyn Sink>,
    account: Arc<Account>,
    pending: Arc<Mutex<Pending>>,
}

/// Printed bytes that the sink has not taken.
#[derive(Default)]
struct Pending {
    bytes: BytesMut,
    /// No newline among the first so many bytes.
    searched: usize,
}

/// Why a line could not be handed over.
enum Blocked {
    Sink,
    Rate(Instant),
}

impl Printer {
    /// Hands over every line that is complete, and the rest too if nothing follows.
    fn drain(&self, is_end: bool) -> Result<(), Blocked> {
        let mut pending = self.pending.lock();
        while let Some((length, is_whole)) = pending.next_line(is_end) {
            let now = Instant::now();
            if let Some(until) = self.account.output_blocked_until(now) {
                return Err(Blocked::Rate(until));
            }
            let bytes = pending.bytes.get(..length).unwrap_or_default();
            self.sink.offer(Line { bytes, is_whole }).map_err(|Full| Blocked::Sink)?;
            let consumed = pending.consume(length, is_whole);
            self.account.charge_output(consumed, now);
        }
        Ok(())
    }

    async fn drained(&self, is_end: bool) {
        loop {
            match self.drain(is_end) {
                Ok(()) => return,
                Err(Blocked::Sink) => self.sink.ready().await,
                Err(Blocked::Rate(until)) => tokio::time::sleep_until(until.into()).await,
            }
        }
    }

    async fn finish(&self) {
        self.drained(true).await;
    }

    fn print(&self, bytes: &[u8]) {
        self.pending.lock().bytes.extend_from_slice(bytes);
        // What cannot be handed over now is when the guest next asks whether it may print.
        let _later = self.drain(false);
    }

    fn room(&self) -> usize {
        match self.drain(false) {
            Ok(()) => LINE_BYTES_MAX,
            Err(_) => 0,
        }
    }
}

impl Pending {
    /// Length of the next line and whether it is whole.
    fn next_line(&mut self, is_end: bool) -> Option<(usize, bool)> {
        let rest = self.bytes.get(self.searched..).unwrap_or_default();
        let newline = rest.iter().position(|byte| *byte == b'\n').map(|at| self.searched + at);
        self.searched = newline.unwrap_or(self.bytes.len());
        match newline {
            Some(length) if length <= LINE_BYTES_MAX => Some((length, true)),
            Some(_) => Some((LINE_BYTES_MAX, false)),
            None if self.bytes.len() > LINE_BYTES_MAX => Some((LINE_BYTES_MAX, false)),
            None if is_end && !self.bytes.is_empty() => Some((self.bytes.len(), true)),
            None => None,
        }
    }

    /// Forgets a line that was taken, and its newline.
    fn consume(&mut self, length: usize, is_whole: bool) -> usize {
        let newline = usize::from(is_whole && self.bytes.len() > length);
        self.bytes.advance(length + newline);
        self.searched = 0;
        length + newline
    }
}

impl IsTerminal for Printer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printer {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Writer { printer: self.clone(), waiting: Mutex::new(None) })
    }
}

impl OutputStream for Printer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > LINE_BYTES_MAX {
            return Err(StreamError::trap("wrote more than check-write allowed"));
        }
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(self.room())
    }
}

#[async_trait]
impl Pollable for Printer {
    async fn ready(&mut self) {
        self.drained(false).await;
    }
}

/// The same for WASI 0.3, whose streams are futures' ones.
struct Writer {
    printer: Printer,
    waiting: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl AsyncWrite for Writer {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.as_ref().get_ref().poll_room(cx));
        let length = bytes.len().min(LINE_BYTES_MAX);
        self.printer.print(bytes.get(..length).unwrap_or_default());
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Writer {
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.waiting.lock();
        let wait = waiting.get_or_insert_with(|| {
            let printer = self.printer.clone();
            Box::pin(async move { printer.drained(false).await })
        });
        ready!(wait.as_mut().poll(cx));
        *waiting = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests;
