//! The corpus as a relay should hold it, so that the right number of events in an answer is known.
//!
//! Replaceable events (NIP-01) count once an author, addressable ones once an author and d tag; ephemeral ones never.

use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Kinds that a relay may keep from readers who are not involved (NIP-04, NIP-59): queries leave them out.
const PRIVATE: [u64; 2] = [4, 1_059];

/// One event that a relay keeps.
pub struct Stored {
    pub id: String,
    pub pubkey: String,
    pub created_at: u64,
    pub kind: u64,
    pub e_tags: Vec<String>,
    pub p_tags: Vec<String>,
}

/// All events that are kept, oldest first.
pub struct Dataset {
    pub events: Vec<Stored>,
}

impl Dataset {
    /// Reads the first `events` lines of a corpus.
    pub fn load(path: &str, events: usize) -> Result<Dataset, String> {
        let text =
            std::fs::read_to_string(path).map_err(|e| format!("Cannot read corpus \"{path}\": {e}"))?;
        let mut kept: Vec<Stored> = Vec::new();
        let mut latest: HashMap<String, usize> = HashMap::new();
        for line in text.lines().take(events) {
            let (event, address) =
                parse(line).ok_or_else(|| format!("Cannot read corpus \"{path}\": a line is no event"))?;
            if PRIVATE.contains(&event.kind) || (20_000..30_000).contains(&event.kind) {
                continue;
            }
            match address
                .as_ref()
                .and_then(|address| latest.get(address))
                .map(|&index| &mut kept[index])
            {
                Some(old) if replaces(&event, old) => *old = event,
                Some(_) => {}
                None => {
                    address.map(|address| latest.insert(address, kept.len()));
                    kept.push(event);
                }
            }
        }
        kept.sort_by_key(|event| event.created_at);
        Ok(Dataset { events: kept })
    }
}

/// NIP-01: the newer one stays; of two with the same time, the one with the lower id.
fn replaces(new: &Stored, old: &Stored) -> bool {
    new.created_at > old.created_at || (new.created_at == old.created_at && new.id < old.id)
}

/// An event and, when it can be replaced, what it is replaced by.
fn parse(line: &str) -> Option<(Stored, Option<String>)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| Some(value.get(key)?.as_str()?.to_string());
    let tags = value.get("tags")?.as_array()?;
    let values = |name: &str| -> Vec<String> {
        let mut seen = HashSet::new();
        let tags = tags
            .iter()
            .filter(|tag| tag[0] == name)
            .filter_map(|tag| tag[1].as_str());
        tags.filter(|value| seen.insert(*value))
            .map(String::from)
            .collect()
    };
    let kind = value.get("kind")?.as_u64()?;
    let pubkey = text("pubkey")?;
    let address = match kind {
        0 | 3 | 10_000..20_000 => Some(format!("{kind}:{pubkey}")),
        30_000..40_000 => Some(format!(
            "{kind}:{pubkey}:{}",
            values("d").first().cloned().unwrap_or_default()
        )),
        _ => None,
    };
    let created_at = value.get("created_at")?.as_u64()?;
    let event = Stored {
        id: text("id")?,
        pubkey,
        created_at,
        kind,
        e_tags: values("e"),
        p_tags: values("p"),
    };
    Some((event, address))
}
