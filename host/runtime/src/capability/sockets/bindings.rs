//! The generated traits of `wasi:sockets`, with our own types behind its resources.

wasmtime::component::bindgen!({
    path: "wit/p2",
    world: "skiff:network/sockets",
    imports: { default: trappable },
    require_store_data_send: true,
    trappable_error_type: { "wasi:sockets/network.error-code" => super::error::SocketError },
    with: {
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        "wasi:sockets/network.network": super::names::Interface,
        "wasi:sockets/ip-name-lookup.resolve-address-stream": super::names::Lookup,
        "wasi:sockets/tcp.tcp-socket": super::tcp::TcpSocket,
        "wasi:sockets/udp.udp-socket": super::udp::UdpSocket,
        "wasi:sockets/udp.incoming-datagram-stream": super::udp::Incoming,
        "wasi:sockets/udp.outgoing-datagram-stream": super::udp::Outgoing,
    },
});

pub(super) use wasi::sockets::*;
