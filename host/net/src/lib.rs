//! The Pod network without packets: connections inside a node are rings in memory, and everything that is usually done to packets is done
//! once, when a connection is opened.
//!
//! Pure tables answer who is where ([`plan`], [`Pool`], [`Services`], [`names`]); the [`Fabric`] opens connections between Pods;
//! [`node_port`] lets the world in through real listeners. Nothing here needs privileges, and nothing here knows what runs in a Pod.
//!
//! Start from [`Fabric`], [`Services`] and [`names::Resolver`].

mod address_pool;
mod affinity;
mod balance;
mod datagram;
mod fabric;
mod front;
pub mod names;
pub mod node_port;
mod pipe;
pub mod plan;
mod service;
mod stream;

pub use address_pool::{Exhausted, Pool};
pub use balance::{Client, Dropped, Target};
pub use datagram::{Datagram, Datagrams};
pub use fabric::{ConnectError, Fabric, Handler, ListenError, Listener};
pub use front::{Endpoint, Front, Protocol};
pub use pipe::{Pipe, WINDOW_BYTES, pair};
pub use service::{ServiceKey, Services};
pub use stream::{Connection, Stream};
