//! `sluice-load`: drives a Nostr relay over WebSocket on one thread, checks its answers and times them.
//!
//! Every command prints one line of JSON. The exit code is 1 when an answer was wrong or missing, 2 when the
//! command could not run.
//!
//! ```text
//! sluice-load corpus --events N --out FILE [--seed S] [--authors N] [--until UNIX] [--ephemeral SHARE]
//! sluice-load ingest --url URL --file FILE [--connections C] [--window W | --one-at-a-time] [--skip K]
//!                    [--events N] [--pid P] [--timeout SECONDS]
//! ```

mod answer;
mod args;
mod corpus;
mod event;
mod frame;
mod histogram;
mod ingest;
mod process;
mod random;
mod report;
mod swarm;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let result = args::Args::parse(words).and_then(|args| match command.as_str() {
        "corpus" => corpus::run(&args),
        "ingest" => ingest::run(&args),
        other => Err(format!("Cannot run command \"{other}\": use corpus, ingest")),
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
