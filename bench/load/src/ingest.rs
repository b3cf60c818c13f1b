//! The `ingest` command: publishes a corpus over some connections, waits for each OK, and times it.

use crate::answer::{Answer, Refusals, event_id, read, short_id};
use crate::args::Args;
use crate::histogram::Histogram;
use crate::process::Meter;
use crate::report::Report;
use crate::swarm::{Client, Swarm, push_text};
use std::collections::VecDeque;
use std::time::Duration;

const POLL: Duration = Duration::from_millis(100);

/// EVENT messages as masked frames, one after the other, made before the clock starts.
pub struct Frames {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    ids: Vec<u64>,
}

impl Frames {
    /// Reads `events` lines of a corpus, after the first `skip`.
    pub fn load(path: &str, skip: usize, events: usize) -> Result<Frames, String> {
        let text =
            std::fs::read_to_string(path).map_err(|e| format!("Cannot read corpus \"{path}\": {e}"))?;
        let mut frames = Frames {
            bytes: Vec::with_capacity(text.len()),
            ends: vec![0],
            ids: Vec::new(),
        };
        for line in text.lines().skip(skip).take(events) {
            let id = event_id(line.as_bytes());
            frames
                .ids
                .push(id.ok_or_else(|| format!("Cannot read corpus \"{path}\": a line has no id"))?);
            push_text(&mut frames.bytes, &format!("[\"EVENT\",{line}]"));
            frames.ends.push(frames.bytes.len());
        }
        Ok(frames)
    }

    pub fn count(&self) -> usize {
        self.ids.len()
    }
}

/// Publishes from several connections and checks the OKs.
pub struct Publisher {
    frames: Frames,
    next: usize,
    window: usize,
    /// What each connection waits for: an id and when it was sent, nanoseconds.
    unanswered: Vec<VecDeque<(u64, u64)>>,
    pub accepted: u64,
    /// OKs for ids that were not asked about.
    unasked: u64,
    lost_connections: u64,
    refusals: Refusals,
    latency: Histogram,
    pub last_answer: u64,
}

impl Publisher {
    pub fn new(frames: Frames, connections: usize, window: usize) -> Publisher {
        Publisher {
            frames,
            next: 0,
            window,
            unanswered: vec![VecDeque::with_capacity(window); connections],
            accepted: 0,
            unasked: 0,
            lost_connections: 0,
            refusals: Refusals::default(),
            latency: Histogram::new(),
            last_answer: 0,
        }
    }

    /// Fills a connection's window with the next events of the corpus.
    pub fn fill(&mut self, connection: usize, now: u64, out: &mut Vec<u8>) {
        let room = self.window.saturating_sub(self.unanswered[connection].len());
        let end = (self.next + room).min(self.frames.count());
        if end > self.next {
            out.extend_from_slice(&self.frames.bytes[self.frames.ends[self.next]..self.frames.ends[end]]);
            let ids = self.frames.ids[self.next..end].iter();
            self.unanswered[connection].extend(ids.map(|id| (*id, now)));
            self.next = end;
        }
    }

    pub fn answered(&self) -> u64 {
        self.latency.total()
    }

    pub fn is_done(&self) -> bool {
        self.next == self.frames.count() && self.unanswered.iter().all(VecDeque::is_empty)
    }

    /// Events sent that got no answer.
    pub fn pending(&self) -> u64 {
        self.unanswered.iter().map(|queue| queue.len() as u64).sum()
    }

    /// Sends nothing more.
    pub fn stop(&mut self) {
        self.next = self.frames.count();
    }

    /// What makes the run a failure. A refused event is an answer, so it is none.
    pub fn problems(&self) -> u64 {
        self.pending() + self.unasked + self.lost_connections
    }

    /// Adds counts and latency.
    pub fn report(&self, report: Report, prefix: &str) -> Report {
        let report = report
            .with(&format!("{prefix}accepted"), self.accepted)
            .with(&format!("{prefix}unanswered"), self.pending())
            .with(&format!("{prefix}lost_connections"), self.lost_connections)
            .with("problems", self.problems());
        self.refusals
            .report(report, prefix)
            .latency_as(prefix, &self.latency)
    }

    fn answer(&mut self, connection: usize, id: &[u8], accepted: bool, message: &[u8], now: u64) {
        let queue = &mut self.unanswered[connection];
        let found = short_id(id).and_then(|id| queue.iter().position(|entry| entry.0 == id));
        let Some((_, sent)) = found.and_then(|index| queue.remove(index)) else {
            self.unasked += 1;
            return;
        };
        self.latency.add(now - sent);
        self.last_answer = now;
        if accepted {
            self.accepted += 1;
        } else {
            self.refusals.refuse(message);
        }
    }
}

impl Client for Publisher {
    fn message(&mut self, connection: usize, text: &[u8], now: u64, out: &mut Vec<u8>) {
        match read(text) {
            Answer::Ok {
                id,
                accepted,
                message,
            } => {
                self.answer(connection, id, accepted, message, now);
                self.fill(connection, now, out);
            }
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
    let file: String = args.required("file")?;
    let connections: usize = args.get("connections", 8)?;
    let window: usize = if args.switch("one-at-a-time")? {
        1
    } else {
        args.get("window", 64)?
    };
    let events: usize = args.get("events", usize::MAX)?;
    let skip: usize = args.get("skip", 0)?;
    let timeout: u64 = args.get("timeout", 30)?;
    let pid: Option<u32> = args.optional("pid")?;
    args.finish()?;

    let frames = Frames::load(&file, skip, events)?;
    let count = frames.count();
    let mut publisher = Publisher::new(frames, connections, window);
    let mut swarm = Swarm::open(&url, connections)?;
    let meter = Meter::start(pid);
    let start = swarm.now();
    let mut out = Vec::new();
    for connection in 0..connections {
        out.clear();
        publisher.fill(connection, swarm.now(), &mut out);
        swarm.send(connection, &out);
    }
    publisher.last_answer = swarm.now();
    let patience = timeout * 1_000_000_000;
    while !publisher.is_done() && swarm.now() - publisher.last_answer < patience && swarm.open_count() > 0 {
        swarm.poll(POLL, &mut publisher)?;
    }
    let seconds = (publisher.last_answer - start) as f64 / 1e9;
    let report = Report::new("ingest")
        .with("connections", connections)
        .with("window", window)
        .with("events", count)
        .rate("events_per_second", publisher.answered() as f64 / seconds)
        .rate("seconds", seconds);
    let report = publisher.report(report, "");
    Ok(meter.finish(report, "event", publisher.answered()))
}
