//! The clock of the machine, for those who do not bring their own.

use jiff::Timestamp;
use meta::Clock;

/// Wall-clock time. A jump of it makes history shorter or longer once, and does no other harm.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
