//! Work that ends: the group `batch`.

mod cron_job;
mod indexes;
mod job;
mod schedule;
