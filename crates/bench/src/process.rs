//! Figures of a process of this machine from `/proc`, and the search for the process that listens
//! on a port.

use std::{fs, net::SocketAddr};

use serde::Serialize;

/// CPU time used so far, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cpu {
    pub user_us: u64,
    pub system_us: u64,
}

impl Cpu {
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            user_us: self.user_us.saturating_sub(earlier.user_us),
            system_us: self.system_us.saturating_sub(earlier.system_us),
        }
    }

    pub const fn total_us(self) -> u64 {
        self.user_us + self.system_us
    }
}

/// Returns the CPU time of all threads, or None if there is no such process or no `/proc`.
pub fn cpu(pid: u32) -> Option<Cpu> {
    cpu_of_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Returns the resident memory in bytes, or None if it is unknown.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    resident_of_status(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// Returns the process that listens at this address, or None if it is on another machine or not
/// accessible.
pub fn listening(address: SocketAddr) -> Option<u32> {
    if !address.ip().is_loopback() {
        return None;
    }
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"];
    let socket = sockets.iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        listening_socket(&table, address.port())
    })?;
    let link = format!("socket:[{socket}]");
    processes().find(|pid| has_open(*pid, &link))
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn has_open(pid: u32, link: &str) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd"));
    files
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == link))
}

/// Parses `/proc/PID/stat`, see proc(5). The name in brackets may contain any character; after it,
/// fields 14 and 15 are the ticks of user and system time.
fn cpu_of_stat(stat: &str) -> Option<Cpu> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Cpu {
        user_us: ticks()? * TICK_US,
        system_us: ticks()? * TICK_US,
    })
}

fn resident_of_status(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// Returns the number of the socket in state LISTEN at this port.
fn listening_socket(table: &str, port: u16) -> Option<u64> {
    let port = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [_, local, _, state, ..] = fields[..] else {
            return None;
        };
        (state == LISTEN && local.ends_with(&port)).then(|| fields.get(9)?.parse().ok())?
    })
}

/// One tick of `/proc`. USER_HZ is 100, independent of the kernel's own clock.
const TICK_US: u64 = 10_000;
const LISTEN: &str = "0A";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_after_any_process_name() {
        let stat = "12 (a) b (c) S 1 12 12 0 -1 4194560 1 2 3 4 250 75 8 9 20 0 3 0 100 1 2";
        let wanted = Cpu {
            user_us: 2_500_000,
            system_us: 750_000,
        };
        assert_eq!(cpu_of_stat(stat), Some(wanted));
        assert_eq!(cpu_of_stat("12 (a"), None);
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmPeak:\t  900 kB\nVmRSS:\t    12 kB\nThreads:\t1\n";
        assert_eq!(resident_of_status(status), Some(12 << 10));
        assert_eq!(resident_of_status("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn only_a_listening_socket_is_found() {
        let table = "  sl  local_address rem_address   st\n   \
            0: 0100007F:EF4D 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 111 1\n   \
            1: 0100007F:EF4D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1\n";
        assert_eq!(listening_socket(table, 0xef4d), Some(222));
        assert_eq!(listening_socket(table, 0x1234), None);
    }

    #[test]
    fn this_process_is_found_by_the_port_it_listens_on() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listening(address), Some(std::process::id()));
        assert!(resident_bytes(std::process::id()).is_some_and(|bytes| bytes > 1 << 20));
        assert!(cpu(std::process::id()).is_some());
        assert_eq!(listening(([192, 0, 2, 1], address.port()).into()), None);
    }
}
