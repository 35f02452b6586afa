//! Modules for tests that are too small for a crate.

/// A module from its text.
pub(crate) fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}
