//! Controllers and scheduler against the real API server over its memory store, in one process.

#![expect(clippy::print_stderr, reason = "rates are for people who run the tests")]

mod cluster;
mod reconcilers;
mod scenarios;
