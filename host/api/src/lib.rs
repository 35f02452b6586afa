//! The client seam: how every room but the store's own reads and writes Kubernetes objects.
//!
//! A [`Transport`] carries requests: HTTP to any server, the API server's own service in the same
//! process, or a fake in tests. [`Api`] offers the typed verbs over it and [`Cache`] keeps a
//! watched copy of one resource with indexes, shared as `Arc`s.
//!
//! It is not a place for decisions: nothing here knows what a Pod means. Start from [`Client`],
//! [`Api`] and [`Cache`].

mod cache;
mod client;
mod error;
pub mod http;
pub mod kubeconfig;
mod object;
mod params;
mod resource;
mod transport;
mod typed;
mod wire;

pub use cache::{Cache, Change, Changes, Driver, ObjectKey, Setup};
pub use client::Client;
pub use error::{Error, Refusal};
pub use object::{Object, PartialObject};
pub use params::{DeleteParams, ListParams, Patch, Preconditions, Propagation, WriteParams};
pub use resource::Resource;
pub use transport::{
    Body, Connection, Event, EventKind, Form, Payload, Reread, Transport, Upgraded, WatchParams,
    Watching,
};
pub use typed::{Api, Page};
