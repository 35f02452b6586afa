//! SPDY/3.1, as far as kubectl needs it: many streams over one connection, opened by the client.
//!
//! HTTP left SPDY behind in 2016, but port forwarding, exec and attach of older clients still speak it, and newer ones send it inside a
//! WebSocket. There is no server push, no priorities and no flow control here: the peers of this protocol never had them, and a
//! connection's back-pressure is that of its socket.
//!
//! `frame` and `block` are pure and bounded; `session` runs a connection. See <https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/>.

mod block;
mod frame;
mod session;

pub(super) use session::{Session, Stream, Writer, serve, serve_with};

#[cfg(test)]
pub(super) mod tests;
