//! (room: testkit)
