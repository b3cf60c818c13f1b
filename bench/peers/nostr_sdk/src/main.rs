//! The LocalRelay of rust-nostr on its LMDB store: the peer that `bench/peers/nostr_sdk.ts` starts.
//! Usage: `nostr-sdk-relay PORT DATA_DIR`. LMDB is synced at each commit. Rate limits are lifted.

use nostr_lmdb::NostrLMDB;
use nostr_relay_builder::{LocalRelay, RelayBuilder, builder::RateLimit};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(port), Some(data_dir)) = (words.next(), words.next()) else {
        return Err("usage: nostr-sdk-relay PORT DATA_DIR".into());
    };
    let database = NostrLMDB::open(data_dir)?;
    let builder = RelayBuilder::default()
        .addr([127, 0, 0, 1].into())
        .port(port.parse()?)
        .database(database)
        .rate_limit(RateLimit {
            max_reqs: 1_000_000,
            notes_per_minute: u32::MAX,
        });
    let relay = LocalRelay::new(builder);
    relay.run().await?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
