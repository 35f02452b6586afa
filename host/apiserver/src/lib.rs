//! The Kubernetes API over HTTP: parse, authenticate, authorize, admit, run the verb on the store, answer.
//!
//! Verbs are written once for all kinds; how kinds differ is data of the `kinds` room, a method of a kind, or one file in
//! [`admission`]. This room holds no controllers, and it is the only one that writes to the store: the parts of this process go through the
//! same chain as everybody else, without a socket.
//!
//! Start from [`Service`] (what answers requests), `chain` (the way of every request) and `verbs` (what the requests do).

mod admission;
mod at_once;
pub mod authentication;
pub mod authorization;
mod body;
mod bootstrap;
mod chain;
mod codec;
mod connect;
mod discovery;
mod etag;
mod gather;
mod health;
mod limits;
mod metrics;
mod openapi;
mod options;
mod query;
mod registry;
mod request;
mod reviews;
mod routes;
mod seams;
mod serve;
mod service;
mod state;
mod status;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod trust;
mod verbs;
mod version;
mod warnings;

pub use body::{Body, Error as BodyError, ReadError};
pub use gather::Watches;
pub use seams::{
    Attempt, Authenticate, Authorize, ClientCertificates, Decision, GatewayError, Handler,
    Identity, Mount, NoNodes, NodeGateway, Peer, ResourceAttempt, TokenAnswer,
};
pub use serve::{Listen, serve};
pub use service::{Event, EventKind, Payload, Service, Stored, Watch, describe};
pub use state::{Config, Parts};
