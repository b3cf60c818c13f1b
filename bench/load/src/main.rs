//! `sluice-load`: drives a Nostr relay over WebSocket on one thread, checks its answers and times them.
//!
//! Every command prints one line of JSON. The exit code is 1 when an answer was wrong or missing, 2 when the
//! command could not run.
//!
//! ```text
//! sluice-load corpus --events N --out FILE [--seed S] [--authors N] [--until UNIX] [--ephemeral SHARE]
//! sluice-load ingest --url URL --file FILE [--connections C] [--window W | --one-at-a-time] [--skip K]
//!                    [--events N] [--pid P] [--timeout SECONDS]
//! sluice-load query  --url URL --file FILE --kind KIND [--connections C] [--window W] [--seconds T] [--warmup T]
//!                    [--events N] [--seed S] [--pool Q] [--pid P]
//! sluice-load fanout --url URL [--subscribers N] [--subscriptions M] [--matching K] [--events E] [--window W]
//!                    [--rate R] [--pid P] [--timeout SECONDS]
//! sluice-load idle   --url URL --pid P [--connections N] [--seconds T] [--timeout SECONDS]
//! sluice-load mixed  --url URL --file FILE --stored N [--kind KIND] [--writers W] [--readers R] [--window W]
//!                    [--seconds T] [--seed S] [--pid P]
//! sluice-load upstreams --file FILE [--relays N] [--events E] [--copies C] [--rate R] [--seed S] [--port P]
//! ```

mod answer;
mod args;
mod corpus;
mod dataset;
mod event;
mod fanout;
mod filters;
mod frame;
mod histogram;
mod idle;
mod ingest;
mod mixed;
mod process;
mod query;
mod random;
mod report;
mod swarm;
mod upstreams;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let result = args::Args::parse(words).and_then(|args| match command.as_str() {
        "corpus" => corpus::run(&args),
        "ingest" => ingest::run(&args),
        "query" => query::run(&args),
        "fanout" => fanout::run(&args),
        "idle" => idle::run(&args),
        "mixed" => mixed::run(&args),
        "upstreams" => upstreams::run(&args),
        other => Err(format!(
            "Cannot run command \"{other}\": use corpus, ingest, query, fanout, idle, mixed, upstreams"
        )),
    });
    match result {
        Ok(report) => {
            println!("{}", report.line());
            ExitCode::from(u8::from(report.failed()))
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
