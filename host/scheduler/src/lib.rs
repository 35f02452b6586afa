//! (room: scheduler)
