//! (room: tests)
