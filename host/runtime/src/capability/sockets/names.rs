//! Names to addresses (`ip-name-lookup`), and the one network interface every instance has.

use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll, Waker};
use std::vec;

use futures::future::BoxFuture;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::View;
use super::bindings::network::{ErrorCode, IpAddress};
use super::bindings::{instance_network, ip_name_lookup, network};
use super::error::{SocketError, SocketResult, code_of};

/// The longest name DNS can carry.
const NAME_BYTES_MAX: usize = 253;

/// The handle guests pass along; there is one network, so it carries nothing.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Interface;

impl network::Host for View<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        error.into_code()
    }

    fn network_error_code(
        &mut self,
        _error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(None)
    }
}

impl network::HostNetwork for View<'_> {
    fn drop(&mut self, this: Resource<Interface>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl instance_network::Host for View<'_> {
    fn instance_network(&mut self) -> wasmtime::Result<Resource<Interface>> {
        Ok(self.table.push(Interface)?)
    }
}

/// A lookup going on, or the addresses it found that were not yet taken.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub enum Lookup {
    Asking(BoxFuture<'static, io::Result<Vec<IpAddr>>>),
    Found(vec::IntoIter<IpAddr>),
    Failed(ErrorCode),
}

impl Lookup {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Asking(asking) = self {
            *self = match std::task::ready!(asking.as_mut().poll(cx)) {
                Ok(found) if found.is_empty() => Self::Failed(ErrorCode::NameUnresolvable),
                Ok(found) => Self::Found(found.into_iter()),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    Self::Failed(ErrorCode::TemporaryResolverFailure)
                }
                Err(error) => Self::Failed(code_of(&error)),
            };
        }
        Poll::Ready(())
    }
}

#[async_trait]
impl Pollable for Lookup {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}

impl ip_name_lookup::Host for View<'_> {
    fn resolve_addresses(
        &mut self,
        _network: Resource<Interface>,
        name: String,
    ) -> SocketResult<Resource<Lookup>> {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let lookup = match name.parse::<IpAddr>() {
            Ok(ip) => Lookup::Found(vec![ip].into_iter()),
            Err(_) => Lookup::Asking(self.sockets.network.resolve(&name)),
        };
        Ok(self.table.push(lookup)?)
    }
}

impl ip_name_lookup::HostResolveAddressStream for View<'_> {
    fn resolve_next_address(&mut self, this: Resource<Lookup>) -> SocketResult<Option<IpAddress>> {
        let lookup = self.table.get_mut(&this)?;
        let _ = lookup.poll(&mut Context::from_waker(Waker::noop()));
        match lookup {
            Lookup::Asking(_) => Err(ErrorCode::WouldBlock.into()),
            Lookup::Found(addresses) => Ok(addresses.next().map(IpAddress::from)),
            Lookup::Failed(code) => Err((*code).into()),
        }
    }

    fn subscribe(&mut self, this: Resource<Lookup>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, this)
    }

    fn drop(&mut self, this: Resource<Lookup>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
