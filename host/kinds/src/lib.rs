//! (room: kinds)
