//! What one container uses, counted against its [`Limits`] across all of its instances.
//!
//! Linear memory counts when it grows and until its store is gone; CPU is the time threads spend
//! inside the container's futures; sockets count while they are open. The caller keeps the `Arc`
//! and reads it for metrics at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::bucket::{Bucket, PERIOD};
use crate::limits::Limits;

#[derive(Debug)]
pub struct Account {
    limits: Limits,
    memory_bytes: AtomicU64,
    memory_bytes_peak: AtomicU64,
    cpu_nanos: AtomicU64,
    sockets: AtomicU32,
    /// Present only under a CPU limit, so that unlimited guests take no lock.
    cpu: Option<Mutex<Bucket>>,
    output: Mutex<Bucket>,
}

impl Default for Account {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Account {
    pub fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let nanos_per_period = |millis: u32| u64::from(millis) * nanos(PERIOD) / 1000;
        let cpu = limits.cpu_millis.map(|millis| Bucket::new(nanos_per_period(millis.get()), now));
        let bytes_per_period = u64::from(limits.output_bytes_per_sec.get()) / periods_per_sec();
        Self {
            limits,
            memory_bytes: AtomicU64::new(0),
            memory_bytes_peak: AtomicU64::new(0),
            cpu_nanos: AtomicU64::new(0),
            sockets: AtomicU32::new(0),
            cpu: cpu.map(Mutex::new),
            output: Mutex::new(Bucket::new(bytes_per_period, now)),
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Linear memory and tables held now.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Relaxed)
    }

    pub fn memory_bytes_peak(&self) -> u64 {
        self.memory_bytes_peak.load(Relaxed)
    }

    /// CPU time used since the container began.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_nanos.load(Relaxed))
    }

    pub fn sockets(&self) -> u32 {
        self.sockets.load(Relaxed)
    }

    pub(crate) fn charge_cpu(&self, used: Duration, now: Instant) {
        let used = nanos(used);
        self.cpu_nanos.fetch_add(used, Relaxed);
        if let Some(bucket) = &self.cpu {
            bucket.lock().spend(used, now);
        }
    }

    pub(crate) fn cpu_blocked_until(&self, now: Instant) -> Option<Instant> {
        self.cpu.as_ref()?.lock().blocked_until(now)
    }

    pub(crate) fn charge_output(&self, bytes: usize, now: Instant) {
        self.output.lock().spend(bytes as u64, now);
    }

    pub(crate) fn output_blocked_until(&self, now: Instant) -> Option<Instant> {
        self.output.lock().blocked_until(now)
    }

    /// Counts `bytes` more if the limit allows them; otherwise counts nothing and returns the
    /// limit.
    pub(crate) fn grow(&self, bytes: u64) -> Result<(), u64> {
        let limit = self.limits.memory_bytes.map_or(u64::MAX, std::num::NonZeroU64::get);
        let fits = |held: u64| held.checked_add(bytes).filter(|sum| *sum <= limit);
        let before = self.memory_bytes.fetch_update(Relaxed, Relaxed, fits).map_err(|_| limit)?;
        self.memory_bytes_peak.fetch_max(before + bytes, Relaxed);
        Ok(())
    }

    pub(crate) fn shrink(&self, bytes: u64) {
        self.memory_bytes.fetch_sub(bytes, Relaxed);
    }

    /// A place for one more socket; it is free again when the slot is dropped.
    pub(crate) fn open_socket(self: &Arc<Self>) -> Option<SocketSlot> {
        let free = |open: u32| (open < self.limits.sockets).then_some(open + 1);
        self.sockets.fetch_update(Relaxed, Relaxed, free).ok()?;
        Some(SocketSlot(Arc::clone(self)))
    }
}

#[derive(Debug)]
pub(crate) struct SocketSlot(Arc<Account>);

impl Drop for SocketSlot {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Relaxed);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn periods_per_sec() -> u64 {
    nanos(Duration::from_secs(1)) / nanos(PERIOD)
}
