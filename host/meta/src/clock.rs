//! Time as an argument: rooms that need to know the time are given a clock, so that tests can stop
//! it.

use std::fmt::Debug;

/// A source of the current time.
pub trait Clock: Debug + Send + Sync {
    fn now(&self) -> jiff::Timestamp;
}
