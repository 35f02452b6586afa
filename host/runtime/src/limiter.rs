//! Holds one instance to its container's memory, table and instance limits.
//!
//! A growth beyond the container's memory ends the instance instead of being refused: that is what
//! a limit of a container means (`OOMKilled`), and most languages turn a refusal into an abort that
//! nobody can tell from a bug. A growth beyond what the program itself declares as its maximum is
//! refused, as WebAssembly says.

use std::sync::Arc;

use thiserror::Error;
use wasmtime::{ResourceLimiter, Result};

use crate::account::Account;

/// The error a call ends with when its container's memory is used up.
#[derive(Debug, Error)]
#[error("out of memory: the limit is {limit} bytes")]
pub(crate) struct OutOfMemory {
    pub(crate) limit: u64,
}

/// Bytes of host memory for each element of a table.
const TABLE_ELEMENT_BYTES: u64 = 8;

pub(crate) struct Limiter {
    account: Arc<Account>,
    /// Counted in the account for this instance, given back when the instance is gone.
    held: u64,
    /// The last growth that was allowed: taken back if the allocator then fails.
    last: u64,
}

impl Limiter {
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self { account, held: 0, last: 0 }
    }

    fn take(&mut self, bytes: u64) -> Result<bool> {
        self.account.grow(bytes).map_err(|limit| OutOfMemory { limit })?;
        self.held += bytes;
        self.last = bytes;
        Ok(true)
    }

    fn undo(&mut self) {
        self.account.shrink(self.last);
        self.held -= self.last;
        self.last = 0;
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        self.last = 0;
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.take(desired.saturating_sub(current) as u64)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> Result<()> {
        self.undo();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        self.last = 0;
        let limit = usize::try_from(self.account.limits().table_elements).unwrap_or(usize::MAX);
        if desired > maximum.unwrap_or(usize::MAX).min(limit) {
            return Ok(false);
        }
        self.take((desired.saturating_sub(current) as u64).saturating_mul(TABLE_ELEMENT_BYTES))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> Result<()> {
        self.undo();
        Ok(())
    }

    fn instances(&self) -> usize {
        usize::try_from(self.account.limits().instances).unwrap_or(usize::MAX)
    }

    // One memory and a few tables for each core instance is what toolchains make; the bytes are
    // counted above.
    fn memories(&self) -> usize {
        self.instances()
    }

    fn tables(&self) -> usize {
        self.instances().saturating_mul(4)
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.account.shrink(self.held);
    }
}
