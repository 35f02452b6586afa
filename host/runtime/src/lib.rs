//! Runs WebAssembly: compiles programs once, starts instances of them in microseconds, and holds
//! every instance to its limits of memory, CPU, handles, sockets and output.
//!
//! The room knows programs and instances and nothing of Pods, images or Kubernetes. Everything from
//! outside is an argument: directories ([`Mount`]), output ([`Sink`]), the network ([`Network`]),
//! the threads guests run on ([`executor`]). It is not a sandbox of its own making: isolation is
//! that of `wasmtime`, whose safety rests on code that only this room compiles.
//!
//! Start reading at [`Engine::load`], [`Program::run`] (a command that runs until it exits) and
//! [`Program::serve`] (an HTTP function that exists only while it answers).

mod account;
mod bucket;
mod cache;
mod capability;
mod classify;
mod compile;
mod config;
mod engine;
mod executor;
mod exit;
mod host;
mod instance;
mod limiter;
mod limits;
mod memory;
mod metered;
mod network;
mod output;
mod pool;
mod program;
mod service;
mod spec;
mod state;
mod stop;
mod ticker;

pub use account::Account;
pub use classify::Unsuitable;
pub use config::Config;
pub use engine::{Engine, EngineError};
pub use executor::executor;
pub use exit::Exit;
pub use instance::StartError;
pub use limits::Limits;
pub use memory::{ProgramPages, release_heap};
pub use network::{
    Body, BodyError, Connection, Datagrams, HttpHandler, Listener, Network, NoNetwork, Route,
    Stream,
};
pub use output::{Discard, Full, Line, Sink};
pub use program::{Kind, LoadError, Program, Wasm};
pub use service::{Crashes, HttpService, ServeOptions};
pub use spec::{Mount, Spec};
pub use stop::Stop;
