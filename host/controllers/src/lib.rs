//! (room: controllers)
