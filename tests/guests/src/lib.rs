//! Programs that tests run as guests, compiled by the build script: each does one thing, or abuses
//! one limit.
//!
//! Their sources are in `programs/src/bin`. A program named in no test fails `every_guest_is_used`
//! of the runtime's tests.

include!(concat!(env!("OUT_DIR"), "/constants.rs"));
