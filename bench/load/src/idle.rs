//! The `idle` command: connections that hold one subscription each and say nothing, and the memory they cost.

use crate::answer::{Answer, Refusals, read};
use crate::args::Args;
use crate::event::hex;
use crate::process::usage;
use crate::random::Random;
use crate::report::Report;
use crate::swarm::{Client, Swarm, text_frame};
use std::time::Duration;

const POLL: Duration = Duration::from_millis(50);
const SECOND: u64 = 1_000_000_000;

#[derive(Default)]
struct Sleepers {
    open: usize,
    lost_connections: u64,
    refusals: Refusals,
}

impl Client for Sleepers {
    fn message(&mut self, _connection: usize, text: &[u8], _now: u64, _out: &mut Vec<u8>) {
        match read(text) {
            Answer::Eose { .. } => self.open += 1,
            Answer::Closed { message, .. } => self.refusals.refuse(message),
            Answer::Notice { message } => self.refusals.notice(message),
            _ => {}
        }
    }

    fn closed(&mut self, _connection: usize) {
        self.lost_connections += 1;
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Report, String> {
    let url: String = args.required("url")?;
    let connections: usize = args.get("connections", 5_000)?;
    let seconds: f64 = args.get("seconds", 3.0)?;
    let timeout: u64 = args.get("timeout", 30)?;
    let pid: u32 = args.required("pid")?;
    args.finish()?;

    let before = usage(pid);
    let began = std::time::Instant::now();
    let mut swarm = Swarm::open(&url, connections)?;
    let opened = began.elapsed().as_secs_f64();
    let mut sleepers = Sleepers::default();
    let mut random = Random::new(connections as u64);
    for connection in 0..connections {
        let mut author = [0; 32];
        random.fill(&mut author);
        let filter = serde_json::json!({ "kinds": [1], "authors": [hex(&author)], "limit": 1 });
        swarm.send(connection, &text_frame(&format!("[\"REQ\",\"idle\",{filter}]")));
        if connection % 64 == 63 {
            swarm.poll(Duration::ZERO, &mut sleepers)?;
        }
    }
    let patience = swarm.now() + timeout * SECOND;
    while sleepers.open < connections && swarm.now() < patience && sleepers.lost_connections == 0 {
        swarm.poll(POLL, &mut sleepers)?;
    }
    let quiet = usage(pid);
    let end = swarm.now() + (seconds * SECOND as f64) as u64;
    while swarm.now() < end {
        swarm.poll(POLL, &mut sleepers)?;
    }
    let after = usage(pid);
    let each = connections as f64;
    let unanswered = (connections - sleepers.open.min(connections)) as u64;
    let report = Report::new("idle")
        .with("connections", connections)
        .with("still_open", swarm.open_count())
        .rate("connects_per_second", each / opened)
        .with("rss_before_kb", before.rss_kb)
        .with("rss_after_kb", after.rss_kb)
        .rate(
            "rss_kb_per_connection",
            (after.rss_kb as f64 - before.rss_kb as f64) / each,
        )
        .rate(
            "anonymous_kb_per_connection",
            (after.anonymous_kb as f64 - before.anonymous_kb as f64) / each,
        )
        .rate(
            "idle_cpu_percent",
            (after.cpu_us - quiet.cpu_us) / (seconds * 1e4),
        )
        .with("unanswered", unanswered)
        .with("lost_connections", sleepers.lost_connections)
        .with(
            "problems",
            unanswered + sleepers.lost_connections + sleepers.refusals.total(),
        );
    Ok(sleepers.refusals.report(report, ""))
}
