//! The `query` command: a closed loop of REQs over some connections. Counts every answer's events up to its EOSE.

use crate::answer::{Answer, Refusals, read};
use crate::args::Args;
use crate::dataset::Dataset;
use crate::filters::Drawer;
use crate::histogram::Histogram;
use crate::process::Meter;
use crate::report::Report;
use crate::swarm::{Client, Swarm, text_frame};
use std::time::Duration;

const POLL: Duration = Duration::from_millis(50);
const SECOND: u64 = 1_000_000_000;
const POOL_DEFAULT: usize = 2_048;

/// A REQ and its CLOSE as frames; the subscription's name is the query's place in the pool.
struct Prepared {
    request: Vec<u8>,
    close: Vec<u8>,
    expected: Option<usize>,
}

/// A query without its EOSE yet.
struct Asked {
    query: usize,
    sent: u64,
    events: usize,
}

/// Asks from several connections and checks the answers.
pub struct Asker {
    pool: Vec<Prepared>,
    next: usize,
    window: usize,
    asked: Vec<Vec<Asked>>,
    /// While data is being written an answer may hold more than the corpus had.
    exact: bool,
    pub running: bool,
    pub events: u64,
    bytes: u64,
    wrong: u64,
    first_wrong: Option<String>,
    lost_connections: u64,
    refusals: Refusals,
    pub latency: Histogram,
    pub last_answer: u64,
}

impl Asker {
    /// Draws a pool of queries of one kind, or of several named with commas.
    pub fn new(
        dataset: &Dataset,
        names: &str,
        seed: u64,
        pool: usize,
        connections: usize,
        window: usize,
    ) -> Result<Asker, String> {
        let mut drawer = Drawer::new(dataset, seed);
        let names: Vec<&str> = names.split(',').collect();
        let mut prepared = Vec::with_capacity(pool);
        for index in 0..pool.max(connections * window) {
            let query = drawer.draw(names[index % names.len()])?;
            prepared.push(Prepared {
                request: text_frame(&format!("[\"REQ\",\"{index}\",{}]", query.filter)),
                close: text_frame(&format!("[\"CLOSE\",\"{index}\"]")),
                expected: query.expected,
            });
        }
        Ok(Asker {
            pool: prepared,
            next: 0,
            window,
            asked: (0..connections).map(|_| Vec::with_capacity(window)).collect(),
            exact: true,
            running: true,
            events: 0,
            bytes: 0,
            wrong: 0,
            first_wrong: None,
            lost_connections: 0,
            refusals: Refusals::default(),
            latency: Histogram::new(),
            last_answer: 0,
        })
    }

    /// Accepts answers that hold more than the corpus had.
    pub fn growing(mut self) -> Asker {
        self.exact = false;
        self
    }

    /// Fills a connection's window with the next queries of the pool.
    pub fn fill(&mut self, connection: usize, now: u64, out: &mut Vec<u8>) {
        while self.running && self.asked[connection].len() < self.window {
            let query = self.next % self.pool.len();
            self.next += 1;
            out.extend_from_slice(&self.pool[query].request);
            self.asked[connection].push(Asked {
                query,
                sent: now,
                events: 0,
            });
        }
    }

    /// Forgets what was counted so far: the warm-up is over.
    pub fn restart_counts(&mut self) {
        self.latency = Histogram::new();
        self.events = 0;
        self.bytes = 0;
    }

    pub fn pending(&self) -> u64 {
        self.asked.iter().map(|asked| asked.len() as u64).sum()
    }

    /// What makes the run a failure.
    pub fn problems(&self) -> u64 {
        self.pending() + self.wrong + self.lost_connections + self.refusals.total()
    }

    /// Adds counts and latency.
    pub fn report(&self, report: Report, prefix: &str) -> Report {
        let report = report
            .with(&format!("{prefix}unanswered"), self.pending())
            .with(&format!("{prefix}wrong_answers"), self.wrong)
            .with(&format!("{prefix}lost_connections"), self.lost_connections)
            .with("problems", self.problems());
        let report = match &self.first_wrong {
            Some(text) => report.with(&format!("{prefix}first_wrong"), text.clone()),
            None => report,
        };
        self.refusals
            .report(report, prefix)
            .latency_as(prefix, &self.latency)
    }

    fn found(&self, connection: usize, subscription: &[u8]) -> Option<usize> {
        let query = std::str::from_utf8(subscription).ok()?.parse::<usize>().ok()?;
        self.asked[connection]
            .iter()
            .position(|asked| asked.query == query)
    }

    fn finish(&mut self, connection: usize, index: usize, now: u64, out: &mut Vec<u8>) {
        let asked = self.asked[connection].swap_remove(index);
        out.extend_from_slice(&self.pool[asked.query].close);
        self.latency.add(now - asked.sent);
        self.last_answer = now;
        self.fill(connection, now, out);
    }

    fn check(&mut self, connection: usize, index: usize) {
        let Asked { query, events, .. } = self.asked[connection][index];
        let Some(expected) = self.pool[query].expected else {
            return;
        };
        let right = if self.exact {
            events == expected
        } else {
            events >= expected
        };
        if !right {
            self.wrong += 1;
            self.first_wrong
                .get_or_insert_with(|| format!("query {query}: {events} events, not {expected}"));
        }
    }
}

impl Client for Asker {
    fn message(&mut self, connection: usize, text: &[u8], now: u64, out: &mut Vec<u8>) {
        match read(text) {
            Answer::Event { subscription, .. } => {
                // An event after its EOSE is live traffic that crossed our CLOSE.
                if let Some(index) = self.found(connection, subscription) {
                    self.asked[connection][index].events += 1;
                    self.events += 1;
                    self.bytes += text.len() as u64;
                }
            }
            Answer::Eose { subscription } => {
                if let Some(index) = self.found(connection, subscription) {
                    self.check(connection, index);
                    self.finish(connection, index, now, out);
                }
            }
            Answer::Closed {
                subscription,
                message,
            } => {
                if let Some(index) = self.found(connection, subscription) {
                    self.refusals.refuse(message);
                    self.finish(connection, index, now, out);
                }
            }
            Answer::Notice { message } => self.refusals.notice(message),
            Answer::Ok { .. } | Answer::Other => {}
        }
    }

    fn closed(&mut self, _connection: usize) {
        self.lost_connections += 1;
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Report, String> {
    let url: String = args.required("url")?;
    let file: String = args.required("file")?;
    let kind: String = args.required("kind")?;
    let connections: usize = args.get("connections", 4)?;
    let window: usize = args.get("window", 1)?;
    let seconds: f64 = args.get("seconds", 5.0)?;
    let warmup: f64 = args.get("warmup", 0.5)?;
    let events: usize = args.get("events", usize::MAX)?;
    let seed: u64 = args.get("seed", 1)?;
    let pool: usize = args.get("pool", POOL_DEFAULT)?;
    let pid: Option<u32> = args.optional("pid")?;
    args.finish()?;

    let dataset = Dataset::load(&file, events)?;
    let mut asker = Asker::new(&dataset, &kind, seed, pool, connections, window)?;
    let mut swarm = Swarm::open(&url, connections)?;
    for connection in 0..connections {
        let mut out = Vec::new();
        asker.fill(connection, swarm.now(), &mut out);
        swarm.send(connection, &out);
    }
    let warm = swarm.now() + (warmup * SECOND as f64) as u64;
    while swarm.now() < warm && swarm.open_count() > 0 {
        swarm.poll(POLL, &mut asker)?;
    }
    asker.restart_counts();
    let meter = Meter::start(pid);
    let start = swarm.now();
    let end = start + (seconds * SECOND as f64) as u64;
    while swarm.now() < end && swarm.open_count() > 0 {
        swarm.poll(POLL, &mut asker)?;
    }
    let took = (swarm.now() - start) as f64 / 1e9;
    let queries = asker.latency.total();
    let report = Report::new("query")
        .with("kind", kind)
        .with("connections", connections)
        .with("window", window)
        .with("queries", queries)
        .rate("queries_per_second", queries as f64 / took)
        .rate("events_per_second", asker.events as f64 / took)
        .rate("events_per_query", asker.events as f64 / queries.max(1) as f64)
        .rate("megabytes_per_second", asker.bytes as f64 / 1e6 / took)
        .rate("seconds", took);
    let report = meter.finish(report, "query", queries);
    // What is still on its way must arrive too, but no longer counts.
    asker.running = false;
    let patience = swarm.now() + 30 * SECOND;
    while asker.pending() > 0 && swarm.now() < patience && swarm.open_count() > 0 {
        swarm.poll(POLL, &mut asker)?;
    }
    Ok(asker.report(report, ""))
}
