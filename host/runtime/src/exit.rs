//! How an instance ended, and the exit code that Kubernetes shows for it.
//!
//! Codes follow what people know from processes: 128 plus the number of the signal that would have
//! ended one. A trap is an abort (134), a stop request taken by a guest that holds no listener is a
//! terminate (143), a kill and running out of memory are kills (137).

use std::fmt;

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::limiter::OutOfMemory;

const ABORTED: i32 = 134;
const KILLED: i32 = 137;
const TERMINATED: i32 = 143;

/// Lines beyond this say nothing new about a trap and would not fit a termination message.
const BACKTRACE_LINES_MAX: usize = 32;

/// How an instance ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned or called `exit`. A `run` that returns an error is 1.
    Code(i32),
    /// It broke a rule of WebAssembly: a panic, an out-of-bounds access, a full handle table.
    Trap { message: String, backtrace: String },
    /// It asked for more memory than its limit, in bytes.
    OutOfMemory { limit: u64 },
    /// It was asked to stop and had nothing to finish, see [`crate::Stop`].
    Stopped,
    /// It was stopped without being asked, or did not end when it was.
    Killed,
}

impl Exit {
    /// The exit code of the container.
    pub fn code(&self) -> i32 {
        match self {
            Self::Code(code) => *code,
            Self::Trap { .. } => ABORTED,
            Self::OutOfMemory { .. } | Self::Killed => KILLED,
            Self::Stopped => TERMINATED,
        }
    }

    pub fn is_success(&self) -> bool {
        *self == Self::Code(0)
    }

    /// Reads what a program's entry point returned.
    pub(crate) fn from_run(returned: wasmtime::Result<Result<(), ()>>) -> Self {
        match returned {
            Ok(Ok(())) => Self::Code(0),
            Ok(Err(())) => Self::Code(1),
            Err(error) => Self::from_error(&error),
        }
    }

    /// Reads the end of an instance out of the error that ended its call.
    pub(crate) fn from_error(error: &wasmtime::Error) -> Self {
        if let Some(I32Exit(code)) = error.downcast_ref() {
            return Self::Code(*code);
        }
        if let Some(OutOfMemory { limit }) = error.downcast_ref() {
            return Self::OutOfMemory { limit: *limit };
        }
        let message = match error.downcast_ref::<Trap>() {
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        };
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(symbolised);
        Self::Trap { message, backtrace: backtrace.unwrap_or_default() }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Trap { message, backtrace } if backtrace.is_empty() => write!(f, "{message}"),
            Self::Trap { message, backtrace } => write!(f, "{message}\n{backtrace}"),
            Self::OutOfMemory { limit } => {
                write!(f, "used more memory than its limit of {limit} bytes")
            }
            Self::Stopped => write!(f, "stopped on request"),
            Self::Killed => write!(f, "killed"),
        }
    }
}

/// The innermost frames with demangled names and, where the program carries them, files and lines.
fn symbolised(backtrace: &WasmBacktrace) -> String {
    let text = backtrace.to_string();
    let frames: Vec<&str> = text.lines().skip(1).take(BACKTRACE_LINES_MAX).collect();
    frames.join("\n")
}
