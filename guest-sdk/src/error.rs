//! One error type for handlers and commands: everything converts into it with `?`.

use std::error::Error as StdError;
use std::fmt;

/// What handlers and commands return.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// Any error, and the HTTP status it becomes when a handler returns it.
///
/// Clients see the message only of errors that were made for them, with [`Error::status`]. Every
/// other one is a 500 without details, and its causes go to the log.
///
/// ```no_run
/// use skiff_guest::{Error, Request, Result};
///
/// fn half(request: Request) -> Result<String> {
///     let number: u32 = request.param("number").parse()?;
///     if number % 2 == 1 {
///         return Err(Error::status(422, "only even numbers have a half here"));
///     }
///     Ok(format!("{}", number / 2))
/// }
/// ```
pub struct Error {
    status: u16,
    cause: Box<dyn StdError + Send + Sync>,
}

impl Error {
    /// An error whose message is meant for the client.
    pub fn status(status: u16, message: impl Into<String>) -> Self {
        Self { status, cause: message.into().into() }
    }

    /// An error of the program itself.
    pub fn new(message: impl Into<String>) -> Self {
        Self::status(INTERNAL, message)
    }

    pub(crate) fn is_for_client(&self) -> bool {
        self.status != INTERNAL
    }

    pub(crate) fn code(&self) -> u16 {
        self.status
    }
}

const INTERNAL: u16 = 500;

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(cause: E) -> Self {
        Self { status: INTERNAL, cause: cause.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.cause, f)
    }
}

/// The message and its causes: what a command prints when `main` returns the error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.cause, f)?;
        let mut cause = self.cause.source();
        while let Some(next) = cause {
            write!(f, ": {next}")?;
            cause = next.source();
        }
        Ok(())
    }
}
