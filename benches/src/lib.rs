//! What all benches share: two sizes, and one way to measure and to print.
//!
//! A bench runs in a tiny size with `cargo test`, so that it cannot rot, and in its own size with `cargo bench`. It prints for each part
//! the rate, the processor time for each operation, and a checksum of the work, so that work that was optimised away shows.

mod measure;

pub use measure::{Measured, Size, resident_bytes};
