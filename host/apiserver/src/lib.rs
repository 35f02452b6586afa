//! (room: apiserver)
