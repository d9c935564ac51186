//! The figures that the system has of the process (Linux: proc(5)). Elsewhere they are absent.

/// The figures of the process; `None` if the system does not report them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessFigures {
    /// Seconds of processor time.
    pub cpu_seconds: Option<f64>,
    /// Bytes in RAM.
    pub resident_bytes: Option<u64>,
    /// Bytes of virtual memory.
    pub virtual_bytes: Option<u64>,
    /// Open file descriptors.
    pub open_fds: Option<u64>,
    /// Maximum number of open file descriptors.
    pub max_fds: Option<u64>,
}

impl ProcessFigures {
    /// Reads the figures.
    pub fn read() -> Self {
        let limit = rlimit::Resource::NOFILE.get_soft();
        Self {
            max_fds: limit.ok(),
            ..Self::of_system()
        }
    }

    #[cfg(target_os = "linux")]
    fn of_system() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            cpu_seconds: cpu_seconds(&stat),
            resident_bytes: bytes_of(&status, "VmRSS:"),
            virtual_bytes: bytes_of(&status, "VmSize:"),
            open_fds: open_fds(),
            max_fds: None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn of_system() -> Self {
        Self::default()
    }
}

/// Returns the times in user and system mode, the fields 14 and 15. The second field is a name in parentheses, which may
/// contain anything.
#[cfg(target_os = "linux")]
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some((next()? + next()?) as f64 / TICKS_PER_SECOND)
}

/// Returns the value of a line such as `VmRSS:     1234 kB`.
#[cfg(target_os = "linux")]
fn bytes_of(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

/// Since Linux 6.2 the size of the directory is the number of its entries; before, they have to be counted.
#[cfg(target_os = "linux")]
fn open_fds() -> Option<u64> {
    let directory = "/proc/self/fd";
    match std::fs::metadata(directory).ok()?.len() {
        0 => Some(std::fs::read_dir(directory).ok()?.count() as u64),
        count => Some(count),
    }
}

/// `USER_HZ` is 100 on all platforms of Linux that Rust supports.
#[cfg(target_os = "linux")]
const TICKS_PER_SECOND: f64 = 100.0;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_after_any_name() {
        let stat = "12 (a b) c) S 1 12 12 0 -1 4194560 99 0 0 0 150 50 0 0 20 0 1 0 100 1 1";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds(""), None);
        let status = "Name:\tcarillon\nVmSize:\t    2048 kB\nVmRSS:\t       4 kB\n";
        assert_eq!(bytes_of(status, "VmRSS:"), Some(4_096));
        assert_eq!(bytes_of(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_has_all_figures() {
        let ProcessFigures {
            cpu_seconds,
            resident_bytes,
            virtual_bytes,
            open_fds,
            max_fds,
        } = ProcessFigures::read();
        assert!(cpu_seconds.is_some());
        assert!(resident_bytes > Some(0) && virtual_bytes >= resident_bytes);
        // Standard input, output and error.
        assert!(open_fds >= Some(3) && max_fds >= open_fds);
    }
}
