//! Log lines with a level, to standard error, where `kubectl logs` finds them.
//!
//! The variable `LOG_LEVEL` (`error`, `warn`, `info` or `debug`) sets the least important level
//! that is printed; `info` where it is not set.
//!
//! ```no_run
//! use skiff_guest::{debug, info, warn};
//!
//! info!("listening for {} names", 3);
//! debug!("nobody sees this by default");
//! warn!("the cupboard is bare");
//! ```

use std::fmt::Arguments;

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// Details for whoever looks for a fault.
    Debug,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }

    fn least_important() -> Self {
        let named = std::env::var("LOG_LEVEL").unwrap_or_default();
        let all = [Self::Error, Self::Warn, Self::Info, Self::Debug];
        all.into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(&named))
            .unwrap_or(Self::Info)
    }
}

#[doc(hidden)]
pub fn write(level: Level, message: Arguments<'_>) {
    if level <= Level::least_important() {
        eprintln!("{} {message}", level.name());
    }
}

/// Logs a failure.
#[macro_export]
macro_rules! error {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Error, format_args!($($message)*))
    };
}

/// Logs something odd.
#[macro_export]
macro_rules! warn {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Warn, format_args!($($message)*))
    };
}

/// Logs an event.
#[macro_export]
macro_rules! info {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Info, format_args!($($message)*))
    };
}

/// Logs a detail.
#[macro_export]
macro_rules! debug {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Debug, format_args!($($message)*))
    };
}
