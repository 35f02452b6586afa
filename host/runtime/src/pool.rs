//! How many instances get a prepared slot, and what a slot is.
//!
//! The pool reserves address space for every slot when it is made and hands out slots without system calls
//! that others wait for. Its real limit is the number of memory mappings a process may have
//! (`vm.max_map_count`, 65,530 on most systems): a slot needs two for its stack from the start, and
//! a live instance four more. Instances beyond the pool run on an engine that maps memory on demand
//! (see `host.rs`), so the size is a matter of speed and not a promise.

use wasmtime::{Enabled, PoolingAllocationConfig};

/// Mappings of the process that are not ours: libraries, heaps, thread stacks, the store's files,
/// compiled programs.
const MAPPINGS_RESERVED: u64 = 4_000;

/// Two for a stack and its guard page, four for a memory and a table of a live instance. Measured.
const MAPPINGS_PER_INSTANCE: u64 = 6;

/// Linux' value where it cannot be read.
const MAX_MAP_COUNT_DEFAULT: u64 = 65_530;

/// Each slot reserves 4 GiB and a guard of 32 MiB, and an address space of 47 bits has one hole of
/// about 86 TiB.
const ADDRESS_SPACE_SLOTS: u64 = 20_000;

/// Most components have one memory; linked ones have one for each inner component.
const MEMORIES_PER_COMPONENT_MAX: u32 = 64;
const TABLES_PER_COMPONENT_MAX: u32 = 128;

/// Pages a freed slot keeps so that the next instance in it starts without page faults. Small
/// guests dirty less than this.
const KEEP_MEMORY_BYTES: usize = 128 * 1024;
const KEEP_TABLE_BYTES: usize = 16 * 1024;
const KEEP_STACK_BYTES: usize = 32 * 1024;

/// Bounds what kept pages cost when everything is idle: 48 times the sum above is 8 MiB.
const WARM_SLOTS_MAX: u32 = 48;

/// Slots for `max_map_count` mappings.
pub(crate) fn slots(max_map_count: u64) -> u32 {
    let by_mappings = max_map_count.saturating_sub(MAPPINGS_RESERVED) / MAPPINGS_PER_INSTANCE;
    u32::try_from(by_mappings.clamp(16, ADDRESS_SPACE_SLOTS)).unwrap_or(u32::MAX)
}

/// The system's limit; other systems than Linux have none that matters here.
pub(crate) fn max_map_count() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok();
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(MAX_MAP_COUNT_DEFAULT)
}

pub(crate) fn allocation(slots: u32, table_elements: usize) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // Core instances are only counted; memories, tables and stacks are slots.
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(8))
        .total_memories(slots)
        .total_tables(slots.saturating_mul(2))
        .total_stacks(slots)
        .max_component_instance_size(8 << 20)
        .max_core_instance_size(8 << 20)
        .max_core_instances_per_component(128)
        .max_memories_per_component(MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_component(TABLES_PER_COMPONENT_MAX)
        .max_tables_per_module(8)
        .max_memories_per_module(1)
        .max_memory_size(1 << 32)
        .table_elements(table_elements)
        .max_unused_warm_slots(WARM_SLOTS_MAX)
        .linear_memory_keep_resident(KEEP_MEMORY_BYTES)
        .table_keep_resident(KEEP_TABLE_BYTES)
        .async_stack_keep_resident(KEEP_STACK_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}

#[cfg(test)]
mod tests;
