//! The `fanout` command: one publisher, many subscriptions. Every delivery is checked and timed.
//!
//! Subscriptions are spread over the subscriber connections. The first `--matching` of them follow the publisher,
//! the others follow authors who never write. The publisher keeps `--window` events in flight (an event is in
//! flight until its OK and its last delivery), or sends at `--rate` a second.

use crate::answer::{Answer, Refusals, event_id, read, short_id};
use crate::args::Args;
use crate::event::{Author, Draft, hex, sign};
use crate::histogram::Histogram;
use crate::process::Meter;
use crate::random::Random;
use crate::report::Report;
use crate::swarm::{Client, Swarm, push_text, text_frame};
use std::collections::HashMap;
use std::time::Duration;

const POLL: Duration = Duration::from_millis(20);
const SECOND: u64 = 1_000_000_000;

/// An event on its way.
struct Flight {
    sent: u64,
    ok: bool,
    remaining: usize,
    /// One bit a subscription that has it already.
    delivered: Vec<u64>,
}

/// The publisher on connection 0 and the subscribers on the others.
struct Crowd {
    matching: usize,
    open: usize,
    flights: HashMap<u64, Flight>,
    deliveries: u64,
    twice: u64,
    unwanted: u64,
    lost_connections: u64,
    refusals: Refusals,
    latency: Histogram,
    ok_latency: Histogram,
    last_delivery: u64,
}

impl Crowd {
    fn deliver(&mut self, subscription: &[u8], event: &[u8], now: u64) {
        let number = std::str::from_utf8(subscription)
            .ok()
            .and_then(|text| text.parse::<usize>().ok());
        let Some(number) = number.filter(|number| *number < self.matching) else {
            self.unwanted += 1;
            return;
        };
        let Some(id) = event_id(event) else { return };
        let Some(flight) = self.flights.get_mut(&id) else {
            self.twice += 1;
            return;
        };
        let (word, bit) = (number / 64, 1 << (number % 64));
        if flight.delivered[word] & bit != 0 {
            self.twice += 1;
            return;
        }
        flight.delivered[word] |= bit;
        flight.remaining -= 1;
        self.deliveries += 1;
        self.latency.add(now - flight.sent);
        self.last_delivery = now;
        self.land(id);
    }

    fn land(&mut self, id: u64) {
        if self
            .flights
            .get(&id)
            .is_some_and(|flight| flight.ok && flight.remaining == 0)
        {
            self.flights.remove(&id);
        }
    }

    fn missing(&self) -> u64 {
        self.flights
            .values()
            .map(|flight| flight.remaining as u64 + u64::from(!flight.ok))
            .sum()
    }
}

impl Client for Crowd {
    fn message(&mut self, _connection: usize, text: &[u8], now: u64, _out: &mut Vec<u8>) {
        match read(text) {
            Answer::Event { subscription, event } => self.deliver(subscription, event, now),
            Answer::Eose { .. } => self.open += 1,
            Answer::Ok {
                id,
                accepted,
                message,
            } => {
                let Some(id) = short_id(id) else { return };
                let Some(flight) = self.flights.get_mut(&id) else {
                    return;
                };
                flight.ok = true;
                self.ok_latency.add(now - flight.sent);
                if !accepted {
                    self.refusals.refuse(message);
                    self.flights.remove(&id);
                }
                self.land(id);
            }
            Answer::Closed { message, .. } => self.refusals.refuse(message),
            Answer::Notice { message } => self.refusals.notice(message),
            Answer::Other => {}
        }
    }

    fn closed(&mut self, _connection: usize) {
        self.lost_connections += 1;
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Report, String> {
    let url: String = args.required("url")?;
    let subscribers: usize = args.get("subscribers", 100)?;
    let subscriptions: usize = args.get("subscriptions", subscribers)?;
    let matching: usize = args.get("matching", subscriptions)?;
    let events: usize = args.get("events", 1_000)?;
    let window: usize = args.get("window", 16)?;
    let rate: f64 = args.get("rate", 0.0)?;
    let timeout: u64 = args.get("timeout", 15)?;
    let pid: Option<u32> = args.optional("pid")?;
    args.finish()?;

    let mut crowd = Crowd {
        matching,
        open: 0,
        flights: HashMap::new(),
        deliveries: 0,
        twice: 0,
        unwanted: 0,
        lost_connections: 0,
        refusals: Refusals::default(),
        latency: Histogram::new(),
        ok_latency: Histogram::new(),
        last_delivery: 0,
    };
    let notes = Notes::make(events)?;
    let mut swarm = Swarm::open(&url, subscribers + 1)?;
    subscribe(
        &mut swarm,
        &mut crowd,
        &notes,
        subscribers,
        subscriptions,
        timeout,
    )?;
    let meter = Meter::start(pid);
    let start = swarm.now();
    crowd.last_delivery = start;
    let mut next = 0;
    while swarm.now() - crowd.last_delivery < timeout * SECOND && crowd.lost_connections == 0 {
        if next == events && crowd.flights.is_empty() {
            break;
        }
        let due = if rate > 0.0 {
            ((swarm.now() - start) as f64 / 1e9 * rate) as usize + 1
        } else {
            events
        };
        let mut out = Vec::new();
        while next < events.min(due) && crowd.flights.len() < window {
            out.extend_from_slice(&notes.frames[next]);
            let delivered = vec![0; matching.div_ceil(64)];
            let flight = Flight {
                sent: swarm.now(),
                ok: false,
                remaining: matching,
                delivered,
            };
            crowd.flights.insert(notes.ids[next], flight);
            next += 1;
        }
        swarm.send(0, &out);
        swarm.poll(
            if rate > 0.0 {
                Duration::from_millis(1)
            } else {
                POLL
            },
            &mut crowd,
        )?;
    }
    let seconds = (crowd.last_delivery - start).max(1) as f64 / 1e9;
    let missing = crowd.missing();
    let problems = missing
        + crowd.twice
        + crowd.unwanted
        + crowd.lost_connections
        + crowd.refusals.total()
        + (events - next) as u64;
    let report = Report::new("fanout")
        .with("subscribers", subscribers)
        .with("subscriptions", subscriptions)
        .with("matching", matching)
        .with("window", window)
        .with("events", next)
        .with("deliveries", crowd.deliveries)
        .rate("events_per_second", next as f64 / seconds)
        .rate("deliveries_per_second", crowd.deliveries as f64 / seconds)
        .rate("seconds", seconds)
        .with("missing", missing)
        .with("delivered_twice", crowd.twice)
        .with("unwanted", crowd.unwanted)
        .with("lost_connections", crowd.lost_connections)
        .with("problems", problems);
    let report = crowd.refusals.report(report, "").latency(&crowd.latency);
    let report = report.latency_as("ok_", &crowd.ok_latency);
    let report = meter.finish(report, "delivery", crowd.deliveries);
    Ok(report)
}

/// Opens every subscription and waits for its EOSE.
fn subscribe(
    swarm: &mut Swarm,
    crowd: &mut Crowd,
    notes: &Notes,
    subscribers: usize,
    subscriptions: usize,
    timeout: u64,
) -> Result<(), String> {
    let mut random = Random::new(subscriptions as u64);
    let mut requests = vec![Vec::new(); subscribers];
    for number in 0..subscriptions {
        let mut author = [0; 32];
        random.fill(&mut author);
        let author = if number < crowd.matching {
            notes.pubkey.clone()
        } else {
            hex(&author)
        };
        let filter = serde_json::json!({ "kinds": [1], "authors": [author], "limit": 1 });
        push_text(
            &mut requests[number % subscribers],
            &format!("[\"REQ\",\"{number}\",{filter}]"),
        );
    }
    for (index, request) in requests.iter().enumerate() {
        swarm.send(index + 1, request);
    }
    let patience = swarm.now() + timeout * SECOND;
    while crowd.open < subscriptions && crowd.refusals.total() == 0 {
        if swarm.now() > patience {
            return Err(format!(
                "Cannot subscribe: {} of {subscriptions} have their EOSE",
                crowd.open
            ));
        }
        swarm.poll(POLL, crowd)?;
    }
    Ok(())
}

/// Fresh notes of one author who has never written before, signed before the clock starts.
struct Notes {
    pubkey: String,
    frames: Vec<Vec<u8>>,
    ids: Vec<u64>,
}

impl Notes {
    fn make(count: usize) -> Result<Notes, String> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_err(|e| format!("Cannot read the clock: {e}"))?;
        let mut secret = [1; 32];
        Random::new(now.as_nanos() as u64).fill(&mut secret[8..]);
        let author = Author::new(secret).ok_or("Cannot make an author: the secret is no key")?;
        let mut notes = Notes {
            pubkey: author.pubkey.clone(),
            frames: Vec::new(),
            ids: Vec::new(),
        };
        for index in 0..count {
            let content = format!(
                "{index} {}",
                "what a note of an ordinary length says, more or less ".repeat(3)
            );
            let tags = [
                vec!["t".into(), "nostr".into()],
                vec!["p".into(), author.pubkey.clone()],
            ];
            let draft = Draft {
                author: &author,
                created_at: now.as_secs(),
                kind: 1,
                tags: &tags,
                content: &content,
            };
            let signed = sign(&draft);
            notes.ids.push(short_id(signed.id.as_bytes()).unwrap_or_default());
            notes
                .frames
                .push(text_frame(&format!("[\"EVENT\",{}]", signed.json)));
        }
        Ok(notes)
    }
}
