//! The addresses of one node's Pods: each is in use by at most one Pod, and one that was given back rests before it is used again, so
//! that a client with an old answer in hand does not reach a stranger.
//!
//! Pure: time is an argument. After a restart the node [`adopt`](Pool::adopt)s the addresses of the Pods it still has.

use std::collections::{BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;

use crate::plan;

/// How long an address rests, if there are others.
const REST: Duration = Duration::from_mins(1);

/// The addresses of a range.
#[derive(Debug)]
pub struct Pool {
    first: u32,
    count: u32,
    /// Offsets below this were given out at least once.
    fresh: u32,
    used: BTreeSet<u32>,
    resting: VecDeque<(u32, Instant)>,
}

/// Every address is in use or resting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no free Pod address")]
pub struct Exhausted;

impl Pool {
    pub fn new(range: Ipv4Net) -> Self {
        Self {
            first: plan::first_pod(range),
            count: plan::pods_in(range),
            fresh: 0,
            used: BTreeSet::new(),
            resting: VecDeque::new(),
        }
    }

    /// How many addresses are in use.
    pub fn used(&self) -> usize {
        self.used.len()
    }

    /// Gives out an address that is not in use: one never used before, or the one that has rested longest.
    pub fn take(&mut self, now: Instant) -> Result<Ipv4Addr, Exhausted> {
        let rested =
            self.resting.front().is_some_and(|(_, since)| now.duration_since(*since) >= REST);
        while !rested && self.fresh < self.count {
            let offset = self.fresh;
            self.fresh += 1;
            if self.used.insert(offset) {
                return Ok(self.address(offset));
            }
        }
        if rested && let Some((offset, _)) = self.resting.pop_front() {
            self.used.insert(offset);
            return Ok(self.address(offset));
        }
        Err(Exhausted)
    }

    /// Marks an address as in use. Answers whether it was free and of this range.
    pub fn adopt(&mut self, address: Ipv4Addr) -> bool {
        match self.offset(address) {
            Some(offset) => {
                self.resting.retain(|(resting, _)| *resting != offset);
                self.used.insert(offset)
            }
            None => false,
        }
    }

    /// Takes an address back.
    pub fn give_back(&mut self, address: Ipv4Addr, now: Instant) {
        if let Some(offset) = self.offset(address)
            && self.used.remove(&offset)
        {
            self.fresh = self.fresh.max(offset + 1);
            self.resting.push_back((offset, now));
        }
    }

    fn address(&self, offset: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.first + offset)
    }

    fn offset(&self, address: Ipv4Addr) -> Option<u32> {
        u32::from(address).checked_sub(self.first).filter(|offset| *offset < self.count)
    }
}

#[cfg(test)]
mod tests;
