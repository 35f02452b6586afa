//! Sockets (`wasi:sockets`): TCP, UDP and names, every one of them a call on the container's
//! [`Network`].
//!
//! No socket of the host is opened here. What binds, who may connect where, and which names exist
//! is decided behind the seam; this capability keeps the interface's state machines and the count
//! of open sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use wasmtime::component::{HasData, Linker, ResourceTable};

use super::Capability;
use crate::account::{Account, SocketSlot};
use crate::network::Network;
use crate::spec::Spec;
use crate::state::State;
use crate::stop::Stop;

use bindings::network::ErrorCode;
use error::SocketResult;

mod address;
mod bindings;
mod error;
mod names;
mod stream;
mod tcp;
mod udp;

pub(super) struct Networking;

impl Capability for Networking {
    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:sockets/network@0.2",
            "wasi:sockets/instance-network@0.2",
            "wasi:sockets/tcp@0.2",
            "wasi:sockets/tcp-create-socket@0.2",
            "wasi:sockets/udp@0.2",
            "wasi:sockets/udp-create-socket@0.2",
            "wasi:sockets/ip-name-lookup@0.2",
        ]
    }

    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        let options = bindings::network::LinkOptions::default();
        bindings::network::add_to_linker::<State, Viewed>(linker, &options, View::of)?;
        bindings::instance_network::add_to_linker::<State, Viewed>(linker, View::of)?;
        bindings::tcp::add_to_linker::<State, Viewed>(linker, View::of)?;
        bindings::tcp_create_socket::add_to_linker::<State, Viewed>(linker, View::of)?;
        bindings::udp::add_to_linker::<State, Viewed>(linker, View::of)?;
        bindings::udp_create_socket::add_to_linker::<State, Viewed>(linker, View::of)?;
        bindings::ip_name_lookup::add_to_linker::<State, Viewed>(linker, View::of)
    }
}

/// What one instance's sockets share.
pub(crate) struct Sockets {
    network: Arc<dyn Network>,
    account: Arc<Account>,
    stop: Stop,
    listeners: Arc<AtomicUsize>,
}

impl Sockets {
    /// `listeners` counts the listeners that are open, for whoever runs the instance.
    pub(crate) fn new(spec: &Spec, stop: &Stop, listeners: &Arc<AtomicUsize>) -> Self {
        Self {
            network: Arc::clone(&spec.network),
            account: Arc::clone(&spec.account),
            stop: stop.clone(),
            listeners: Arc::clone(listeners),
        }
    }

    fn slot(&self) -> SocketResult<SocketSlot> {
        Ok(self.account.open_socket().ok_or(ErrorCode::NewSocketLimit)?)
    }
}

/// Counts a listener for as long as it is open.
struct ListenerCount(Arc<AtomicUsize>);

impl ListenerCount {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for ListenerCount {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The part of an instance's state that socket calls work on.
pub(crate) struct View<'a> {
    sockets: &'a mut Sockets,
    table: &'a mut ResourceTable,
}

impl View<'_> {
    fn of(state: &mut State) -> View<'_> {
        View { sockets: &mut state.sockets, table: &mut state.table }
    }
}

/// Names the view to the linker.
struct Viewed;

impl HasData for Viewed {
    type Data<'a> = View<'a>;
}
