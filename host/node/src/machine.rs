//! What this machine is and how it is doing, as read from the system. What cannot be read is left out, never invented.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;

use k8s_openapi::api::core::v1::NodeSystemInfo;

/// What does not change while the process runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Machine {
    pub(crate) cpus: usize,
    pub(crate) memory_bytes: u64,
    pub(crate) ip: IpAddr,
    pub(crate) hostname: String,
    pub(crate) info: NodeSystemInfo,
}

/// Kubernetes' names of architectures and systems, where they differ from Rust's.
fn kubernetes_name(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "macos" => "darwin",
        other => other,
    }
}

impl Machine {
    pub(crate) fn read(version: &str, ip: Option<IpAddr>) -> Self {
        let system = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        Self {
            cpus: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            memory_bytes: memory("MemTotal").unwrap_or(0),
            ip: ip.unwrap_or_else(own_address),
            hostname: text(system.nodename()),
            info: NodeSystemInfo {
                architecture: kubernetes_name(std::env::consts::ARCH).to_owned(),
                operating_system: kubernetes_name(std::env::consts::OS).to_owned(),
                kernel_version: text(system.release()),
                os_image: os_image().unwrap_or_else(|| text(system.sysname())),
                boot_id: line("/proc/sys/kernel/random/boot_id"),
                machine_id: line("/etc/machine-id"),
                system_uuid: line("/sys/class/dmi/id/product_uuid"),
                container_runtime_version: format!("skiff://{version}"),
                kubelet_version: "v1.37.1+skiff".to_owned(),
                // The field is deprecated, still required, and empty with the real kubelet, too.
                kube_proxy_version: String::new(),
                ..NodeSystemInfo::default()
            },
        }
    }
}

fn line(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn os_image() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches('"').to_owned())
}

/// A line of the kernel's memory table, in bytes.
fn memory(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The address from which this machine would reach the outside. Connecting a UDP socket sends nothing.
fn own_address() -> IpAddr {
    let documentation = (Ipv4Addr::new(192, 0, 2, 1), 9);
    let routed = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect(documentation)?;
        socket.local_addr()
    });
    match routed {
        Ok(address) if !address.ip().is_unspecified() => address.ip(),
        // A machine without a network still runs Pods.
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// Whether something is running out. Thresholds are the kubelet's eviction defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pressure {
    pub(crate) memory: bool,
    pub(crate) disk: bool,
    pub(crate) pids: bool,
}

const MEMORY_BYTES_MIN: u64 = 100 << 20;
/// The kubelet's hard eviction threshold.
const DISK_PERCENT_MIN: u64 = 10;
const DISK_BYTES_ENOUGH: u64 = 2 << 30;
const PIDS_PERCENT_MIN: u64 = 10;

impl Pressure {
    pub(crate) fn measure(data_dir: &Path) -> Self {
        Self {
            memory: memory("MemAvailable").is_some_and(|left| left < MEMORY_BYTES_MIN),
            disk: disk(data_dir).is_some_and(Disk::is_scarce),
            pids: are_pids_scarce().unwrap_or(false),
        }
    }
}

/// The file system of the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) bytes: u64,
    used_bytes: u64,
    /// What is left for processes without privileges.
    available_bytes: u64,
}

impl Disk {
    /// Little is left, absolutely and in relation to what can be used. Images, logs and volumes of Pods are small beside those of
    /// containers, so a tenth of a large disk is not too little. What the file system keeps for the superuser is not counted at all.
    fn is_scarce(self) -> bool {
        let usable = self.used_bytes.saturating_add(self.available_bytes);
        let least = (usable / 100).saturating_mul(DISK_PERCENT_MIN).min(DISK_BYTES_ENOUGH);
        self.available_bytes < least
    }
}

pub(crate) fn disk(path: &Path) -> Option<Disk> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(Disk {
        bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        used_bytes: stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(stat.f_frsize),
        available_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
    })
}

fn are_pids_scarce() -> Option<bool> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    let used: u64 = load.split_whitespace().nth(3)?.split('/').nth(1)?.parse().ok()?;
    let max: u64 = line("/proc/sys/kernel/pid_max").parse().ok()?;
    Some(max.saturating_sub(used).saturating_mul(100) < max.saturating_mul(PIDS_PERCENT_MIN))
}

#[cfg(test)]
#[test]
fn the_machine_is_read_and_not_invented() {
    let machine = Machine::read("1", None);
    assert!(machine.cpus > 0 && machine.memory_bytes > 0);
    assert!(!machine.info.kernel_version.is_empty() && !machine.hostname.is_empty());
    assert_eq!(machine.info.container_runtime_version, "skiff://1");
    assert!(!machine.ip.is_unspecified());
    assert!(memory("MemAvailable").is_some());
    assert!(disk(Path::new("/")).is_some_and(|disk| disk.bytes > 0));
}

#[cfg(test)]
#[test]
fn a_disk_is_scarce_when_little_is_left_in_every_sense() {
    const GIB: u64 = 1 << 30;
    let is_scarce = |used_bytes, available_bytes| {
        Disk { bytes: 300 * GIB, used_bytes, available_bytes }.is_scarce()
    };
    assert!(!is_scarce(250 * GIB, 2 * GIB), "a hundredth of a large disk is enough");
    assert!(is_scarce(250 * GIB, 2 * GIB - 1));
    assert!(!is_scarce(9 * GIB / 10, GIB / 9), "a tenth of a small disk is enough");
    assert!(is_scarce(9 * GIB / 10, GIB / 11));
    assert!(is_scarce(GIB, 0));
}
