//! Errors of sockets: codes a guest sees, and traps for guests that break the interface's rules.

use std::io;

use wasmtime::component::ResourceTableError;

use super::bindings::network::ErrorCode;

#[derive(Debug)]
pub(crate) enum SocketError {
    Code(ErrorCode),
    Trap(wasmtime::Error),
}

pub(super) type SocketResult<T> = Result<T, SocketError>;

impl SocketError {
    pub(super) fn into_code(self) -> wasmtime::Result<ErrorCode> {
        match self {
            Self::Code(code) => Ok(code),
            Self::Trap(error) => Err(error),
        }
    }
}

impl From<ErrorCode> for SocketError {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<ResourceTableError> for SocketError {
    fn from(error: ResourceTableError) -> Self {
        match error {
            // A full table is the guest's doing and has a code of its own.
            ResourceTableError::Full => Self::Code(ErrorCode::NewSocketLimit),
            error => Self::Trap(error.into()),
        }
    }
}

impl From<io::Error> for SocketError {
    fn from(error: io::Error) -> Self {
        Self::Code(code_of(&error))
    }
}

pub(super) fn code_of(error: &io::Error) -> ErrorCode {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::PermissionDenied => ErrorCode::AccessDenied,
        Kind::ConnectionRefused => ErrorCode::ConnectionRefused,
        Kind::ConnectionReset | Kind::BrokenPipe => ErrorCode::ConnectionReset,
        Kind::ConnectionAborted => ErrorCode::ConnectionAborted,
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => {
            ErrorCode::RemoteUnreachable
        }
        Kind::AddrInUse => ErrorCode::AddressInUse,
        Kind::AddrNotAvailable => ErrorCode::AddressNotBindable,
        Kind::TimedOut => ErrorCode::Timeout,
        Kind::InvalidInput => ErrorCode::InvalidArgument,
        Kind::Unsupported => ErrorCode::NotSupported,
        Kind::QuotaExceeded => ErrorCode::NewSocketLimit,
        Kind::OutOfMemory => ErrorCode::OutOfMemory,
        Kind::WouldBlock => ErrorCode::WouldBlock,
        Kind::NotFound => ErrorCode::NameUnresolvable,
        _ => ErrorCode::Unknown,
    }
}
