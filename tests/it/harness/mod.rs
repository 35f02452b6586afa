//! A real server process for each test, the clients that drive it, and waiting for states.

mod binary;
mod clients;
mod cluster;
mod guests;
mod kubectl;
mod manifests;
mod reach;
mod wait;

pub(crate) use binary::{root, skiff};
pub(crate) use clients::{go_client, installed, on_path, skip, sources};
pub(crate) use cluster::{Cluster, free_address};
pub(crate) use guests::wat;
pub(crate) use kubectl::{have_kubectl, kubectls};
pub(crate) use manifests::{pod, web};
pub(crate) use reach::folder_size;
pub(crate) use wait::until;
