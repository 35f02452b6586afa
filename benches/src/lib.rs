//! (room: benches)
