//! Memory, CPU time and open files of this process, as the kernel counts them.
//!
//! See proc(5). Where there is no `/proc`, these numbers are left out.

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

pub(super) fn register(registry: &mut Registry) {
    let ticks = rustix::param::clock_ticks_per_second();
    let page = rustix::param::page_size() as u64;
    let stat = std::fs::read_to_string("/proc/self/stat").ok();
    if let Some(usage) = stat.as_deref().and_then(|stat| parse(stat, ticks, page)) {
        registry.register(
            "process_cpu_seconds",
            "CPU time used.",
            ConstCounter::new(usage.cpu_seconds),
        );
        let bytes = i64::try_from(usage.resident_bytes).unwrap_or(i64::MAX);
        registry.register(
            "process_resident_memory_bytes",
            "Resident memory.",
            ConstGauge::new(bytes),
        );
        registry.register("process_threads", "Threads.", ConstGauge::new(usage.threads));
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        let open = i64::try_from(files.count()).unwrap_or(i64::MAX);
        registry.register("process_open_fds", "Open files.", ConstGauge::new(open));
    }
}

#[derive(Debug, PartialEq)]
struct Usage {
    cpu_seconds: f64,
    resident_bytes: u64,
    threads: i64,
}

/// The name of the process stands in parentheses and may itself hold spaces and parentheses.
#[expect(clippy::cast_precision_loss, reason = "ticks of centuries are exact")]
fn parse(stat: &str, ticks_per_second: u64, page_bytes: u64) -> Option<Usage> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // The first field after the name is number 3 of the manual.
    let field = |number: usize| fields.get(number - 3);
    let ticks: u64 = field(14)?.parse::<u64>().ok()? + field(15)?.parse::<u64>().ok()?;
    Some(Usage {
        cpu_seconds: ticks as f64 / ticks_per_second as f64,
        resident_bytes: field(24)?.parse::<u64>().ok()? * page_bytes,
        threads: field(20)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_understood_whatever_the_name() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 7 0 100 1000000 256 18446744073709551615";
        let usage = Usage { cpu_seconds: 2.0, resident_bytes: 1 << 20, threads: 7 };
        assert_eq!(parse(stat, 100, 4096), Some(usage));
        assert_eq!(parse("", 100, 4096), None);
        assert_eq!(parse("1 (x) S", 100, 4096), None);
    }
}
