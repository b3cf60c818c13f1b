//! The `mixed` command: some connections publish, others query, at the same time.

use crate::args::Args;
use crate::dataset::Dataset;
use crate::ingest::{Frames, Publisher};
use crate::process::Meter;
use crate::query::Asker;
use crate::report::Report;
use crate::swarm::{Client, Swarm};
use std::time::Duration;

const POLL: Duration = Duration::from_millis(50);
const SECOND: u64 = 1_000_000_000;

/// The writers have the first connections, the readers the rest.
struct Both {
    writers: usize,
    publisher: Publisher,
    asker: Asker,
}

impl Both {
    fn fill(&mut self, connection: usize, now: u64, out: &mut Vec<u8>) {
        match connection.checked_sub(self.writers) {
            Some(reader) => self.asker.fill(reader, now, out),
            None => self.publisher.fill(connection, now, out),
        }
    }
}

impl Client for Both {
    fn message(&mut self, connection: usize, text: &[u8], now: u64, out: &mut Vec<u8>) {
        match connection.checked_sub(self.writers) {
            Some(reader) => self.asker.message(reader, text, now, out),
            None => self.publisher.message(connection, text, now, out),
        }
    }

    fn closed(&mut self, connection: usize) {
        match connection.checked_sub(self.writers) {
            Some(reader) => self.asker.closed(reader),
            None => self.publisher.closed(connection),
        }
    }
}

/// Runs the command: the first `--stored` lines are in the relay already, the rest is written.
pub fn run(args: &Args) -> Result<Report, String> {
    let url: String = args.required("url")?;
    let file: String = args.required("file")?;
    let kind: String = args.get("kind", "mix".to_string())?;
    let stored: usize = args.required("stored")?;
    let writers: usize = args.get("writers", 4)?;
    let readers: usize = args.get("readers", 4)?;
    let window: usize = args.get("window", 16)?;
    let seconds: f64 = args.get("seconds", 5.0)?;
    let seed: u64 = args.get("seed", 1)?;
    let pid: Option<u32> = args.optional("pid")?;
    args.finish()?;

    let frames = Frames::load(&file, stored, usize::MAX)?;
    let dataset = Dataset::load(&file, stored)?;
    let asker = Asker::new(&dataset, &kind, seed, 2_048, readers, 1)?.growing();
    let mut both = Both {
        writers,
        publisher: Publisher::new(frames, writers, window),
        asker,
    };
    let mut swarm = Swarm::open(&url, writers + readers)?;
    let meter = Meter::start(pid);
    let start = swarm.now();
    for connection in 0..writers + readers {
        let mut out = Vec::new();
        both.fill(connection, swarm.now(), &mut out);
        swarm.send(connection, &out);
    }
    let end = start + (seconds * SECOND as f64) as u64;
    while swarm.now() < end && swarm.open_count() > 0 && !both.publisher.is_done() {
        swarm.poll(POLL, &mut both)?;
    }
    let took = (swarm.now() - start) as f64 / 1e9;
    let (written, queries) = (both.publisher.answered(), both.asker.latency.total());
    let report = Report::new("mixed")
        .with("kind", kind)
        .with("writers", writers)
        .with("readers", readers)
        .with("window", window)
        .with("exhausted", both.publisher.is_done())
        .rate("writes_per_second", written as f64 / took)
        .rate("queries_per_second", queries as f64 / took)
        .rate("events_read_per_second", both.asker.events as f64 / took)
        .rate("seconds", took);
    let report = meter.finish(report, "operation", written + queries);
    both.publisher.stop();
    both.asker.running = false;
    let patience = swarm.now() + 30 * SECOND;
    while both.publisher.pending() + both.asker.pending() > 0 && swarm.now() < patience {
        swarm.poll(POLL, &mut both)?;
    }
    let report = both
        .asker
        .report(both.publisher.report(report, "write_"), "query_");
    let problems = both.publisher.problems() + both.asker.problems();
    Ok(report.with("problems", problems))
}
