//! HTTP functions and commands for skiff in a few lines of Rust.
//!
//! A **function** answers HTTP requests. It has no server loop: skiff starts an instance when a
//! request comes and keeps nothing while none does. Its crate is a library (`crate-type =
//! ["cdylib"]`) with a router:
//!
//! ```no_run
//! use skiff_guest::{Json, Request, Result, Router, config};
//! use serde::Serialize;
//!
//! #[derive(Serialize)]
//! struct Greeting {
//!     text: String,
//!     from: String,
//! }
//!
//! fn greet(request: Request) -> Result<Json<Greeting>> {
//!     let text = format!("hello, {}", request.param("name"));
//!     Ok(Json(Greeting { text, from: config::get("HOSTNAME")? }))
//! }
//!
//! fn router() -> Router {
//!     Router::new().get("/hello/{name}", greet)
//! }
//!
//! skiff_guest::serve!(router);
//! # fn main() {}
//! ```
//!
//! A **command** runs until it is done. Its crate is an ordinary program; an error that `main`
//! returns is printed with its causes and becomes exit code 1:
//!
//! ```no_run
//! use skiff_guest::{Result, config, http, info};
//!
//! fn main() -> Result<()> {
//!     let url: String = config::get("URL")?;
//!     let page = http::get(&url)?.text()?;
//!     info!("{url} has {} bytes", page.len());
//!     Ok(())
//! }
//! ```
//!
//! Build either with `cargo build --release --target wasm32-wasip2`, or let `skiff up` do it.
//! Files, sockets, clocks and random bytes need nothing from here: they are the standard library's.

mod command;
pub mod config;
mod error;
#[doc(hidden)]
pub mod function;
pub mod http;
mod json;
pub mod log;
mod path;
mod request;
mod response;
mod router;

pub use command::exit;
pub use error::{Error, Result};
pub use json::Json;
pub use request::Request;
pub use response::{BodyWriter, IntoResponse, Response};
pub use router::{Handler, Router};
