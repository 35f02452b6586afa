//! A real server process for each test, the clients that drive it, and waiting for states.

mod binary;
mod cluster;
mod guests;
mod kubectl;
mod wait;

pub(crate) use binary::{root, skiff};
pub(crate) use cluster::Cluster;
pub(crate) use guests::{guest, wat};
pub(crate) use kubectl::{have_kubectl, skip};
pub(crate) use wait::until;
