//! The agent as a whole: Pods come from a fake API server, programs are real, and what is checked is what the API server would see.
#![expect(clippy::unwrap_used, reason = "tests")]

mod fake;
mod pods;
