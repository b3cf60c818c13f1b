//! What a relay costs: CPU time and memory of a process and its descendants, read from /proc (Linux).

use crate::report::Report;
use std::collections::HashMap;
use std::fs;
use std::time::Instant;

/// One look at a process tree.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    /// User and system time of all threads, microseconds.
    pub cpu_us: f64,
    /// Resident memory, KiB.
    pub rss_kb: u64,
    /// The resident part that no file backs, KiB: what a mapped database does not blow up.
    pub anonymous_kb: u64,
}

/// A relay's cost between two looks.
pub struct Meter {
    pid: Option<u32>,
    before: Usage,
    driver_before: f64,
    busy_before: f64,
    start: Instant,
}

impl Meter {
    /// Takes the first look; without a pid only the driver's own cost is measured.
    pub fn start(pid: Option<u32>) -> Meter {
        Meter {
            pid,
            before: pid.map(usage).unwrap_or_default(),
            driver_before: driver_cpu_us(),
            busy_before: machine_busy_us(),
            start: Instant::now(),
        }
    }

    /// Takes the second look and adds the costs, divided by `count` operations, to a report.
    pub fn finish(self, report: Report, operation: &str, count: u64) -> Report {
        let count = count.max(1) as f64;
        let driver = driver_cpu_us() - self.driver_before;
        let report = report.rate(&format!("driver_cpu_us_per_{operation}"), driver / count);
        let Some(pid) = self.pid else { return report };
        let after = usage(pid);
        let relay = after.cpu_us - self.before.cpu_us;
        let elsewhere = machine_busy_us() - self.busy_before - relay - driver;
        let capacity = self.start.elapsed().as_micros() as f64 * processors();
        report
            .rate(&format!("relay_cpu_us_per_{operation}"), relay / count)
            // What others took of the machine: the more, the less a rate says.
            .rate("elsewhere_cpu_percent", (elsewhere / capacity * 100.0).max(0.0))
            .with("rss_before_kb", self.before.rss_kb)
            .with("rss_after_kb", after.rss_kb)
            .with("anonymous_before_kb", self.before.anonymous_kb)
            .with("anonymous_after_kb", after.anonymous_kb)
    }
}

/// CPU time and memory of a process and all that descend from it; zeros once it is gone.
pub fn usage(root: u32) -> Usage {
    let mut parents: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if let Some(fields) = stat(pid) {
            parents.entry(fields.parent).or_default().push(pid);
        }
    }
    let mut sum = Usage::default();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        open.extend(parents.get(&pid).into_iter().flatten());
        sum.cpu_us += stat(pid).map_or(0.0, |fields| fields.cpu_us);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        sum.rss_kb += kilobytes(&status, "VmRSS:");
        sum.anonymous_kb += kilobytes(&status, "RssAnon:");
    }
    sum
}

struct Stat {
    parent: u32,
    cpu_us: f64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold spaces: the fixed fields start after the last parenthesis.
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    let cpu_us = (ticks(11)? + ticks(12)?) * tick_us();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        cpu_us,
    })
}

fn kilobytes(status: &str, key: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(key));
    line.and_then(|line| line.split_whitespace().nth(1))
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
}

fn tick_us() -> f64 {
    // SAFETY: sysconf reads a constant of the system.
    1e6 / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
}

fn processors() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64)
}

/// CPU time of everything on the machine since its start: all but idle and waiting, microseconds.
fn machine_busy_us() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal; guest time is in user already.
    let busy = ticks
        .iter()
        .take(8)
        .enumerate()
        .filter(|(index, _)| ![3, 4].contains(index));
    busy.map(|(_, ticks)| ticks).sum::<f64>() * tick_us()
}

fn driver_cpu_us() -> f64 {
    // SAFETY: getrusage fills the zeroed struct that it is given.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let us = |time: libc::timeval| time.tv_sec as f64 * 1e6 + time.tv_usec as f64;
    us(usage.ru_utime) + us(usage.ru_stime)
}
