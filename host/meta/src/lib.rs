//! (room: meta)
