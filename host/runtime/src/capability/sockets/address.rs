//! Socket addresses between the interface's shape and the standard library's, and the checks every
//! use of one begins with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::bindings::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use super::error::SocketResult;

impl From<IpSocketAddress> for SocketAddr {
    fn from(address: IpSocketAddress) -> Self {
        match address {
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }) => {
                SocketAddrV4::new(Ipv4Addr::from_octets(address.into()), port).into()
            }
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info, address, scope_id }) => {
                let ip = Ipv6Addr::from_segments(address.into());
                SocketAddrV6::new(ip, port, flow_info, scope_id).into()
            }
        }
    }
}

impl From<SocketAddr> for IpSocketAddress {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(v4) => {
                let address = v4.ip().octets().into();
                Self::Ipv4(Ipv4SocketAddress { port: v4.port(), address })
            }
            SocketAddr::V6(v6) => Self::Ipv6(Ipv6SocketAddress {
                port: v6.port(),
                flow_info: v6.flowinfo(),
                address: v6.ip().segments().into(),
                scope_id: v6.scope_id(),
            }),
        }
    }
}

impl From<IpAddr> for IpAddress {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::Ipv4(v4.octets().into()),
            IpAddr::V6(v6) => Self::Ipv6(v6.segments().into()),
        }
    }
}

/// An address to bind to: of the socket's family, for one host.
pub(super) fn local(address: IpSocketAddress, family: IpAddressFamily) -> SocketResult<SocketAddr> {
    let address = of_family(address, family)?;
    if address.ip().is_multicast() || is_broadcast(address.ip()) {
        return Err(ErrorCode::InvalidArgument.into());
    }
    Ok(address)
}

/// An address to reach: that, and neither port nor host left open.
pub(super) fn remote(
    address: IpSocketAddress,
    family: IpAddressFamily,
) -> SocketResult<SocketAddr> {
    let address = local(address, family)?;
    if address.port() == 0 || address.ip().is_unspecified() {
        return Err(ErrorCode::InvalidArgument.into());
    }
    Ok(address)
}

fn of_family(address: IpSocketAddress, family: IpAddressFamily) -> SocketResult<SocketAddr> {
    let address = SocketAddr::from(address);
    let is_of_family = match (address.ip(), family) {
        (IpAddr::V4(_), IpAddressFamily::Ipv4) => true,
        // Dual-stack sockets do not exist in WASI, so a mapped address is always a mistake.
        (IpAddr::V6(ip), IpAddressFamily::Ipv6) => ip.to_ipv4_mapped().is_none(),
        _ => false,
    };
    if is_of_family { Ok(address) } else { Err(ErrorCode::InvalidArgument.into()) }
}

fn is_broadcast(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(v4) if v4.is_broadcast())
}
