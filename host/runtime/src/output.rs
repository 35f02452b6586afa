//! Where a guest's standard output goes: a [`Sink`] takes whole lines and may say that it is full,
//! and then the guest waits.

use std::fmt;

use futures::future::BoxFuture;

/// Longer lines arrive in pieces of this size, as container runtimes deliver them.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;

/// A destination for output, usually a log file. Several instances of one container may offer at
/// the same time.
pub trait Sink: fmt::Debug + Send + Sync + 'static {
    /// Takes the line, or nothing at all.
    fn offer(&self, line: Line<'_>) -> Result<(), Full>;

    /// Completes when an offer may succeed again.
    fn ready(&self) -> BoxFuture<'_, ()>;
}

/// A line without its newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub bytes: &'a [u8],
    /// False for the pieces of an overlong line, its last one excepted.
    pub is_whole: bool,
}

/// The sink takes nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Takes everything and keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Sink for Discard {
    fn offer(&self, _line: Line<'_>) -> Result<(), Full> {
        Ok(())
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
