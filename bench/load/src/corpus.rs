//! The `corpus` command: a seeded, realistic set of validly signed events, one JSON text a line.
//!
//! The mix of kinds, the Zipf distribution of authors and the chains of e and p tags follow what public relays
//! hold; events come in the order of their `created_at`, and tags refer to earlier events only.

use crate::args::Args;
use crate::event::{Author, Draft, Signed, hex, sign};
use crate::random::{Random, Zipf};
use crate::report::Report;
use crate::words::{HASHTAGS, REACTIONS, WORDS};
use std::collections::VecDeque;
use std::io::{BufWriter, Write};

/// Events that new ones may refer to: conversations are about what is recent.
const RECENT_MAX: usize = 20_000;
const DAY_SECONDS: u64 = 86_400;
const RELAY_HINT: &str = "wss://relay.example.com";

/// What a later event may need of an earlier one.
struct Earlier {
    id: String,
    author: usize,
    kind: u32,
    json: Option<String>,
}

/// The state of one generation.
struct Maker {
    random: Random,
    authors: Vec<Author>,
    zipf: Zipf,
    recent: VecDeque<Earlier>,
}

struct Content {
    kind: u32,
    tags: Vec<Vec<String>>,
    text: String,
}

/// Writes `--events` events of `--seed` to `--out`; `--until` is the `created_at` of the last one.
pub fn run(args: &Args) -> Result<Report, String> {
    let events: usize = args.required("events")?;
    let seed: u64 = args.get("seed", 1)?;
    let out: String = args.required("out")?;
    let author_count: usize = args.get("authors", 2_000)?;
    let ephemeral: f64 = args.get("ephemeral", 0.0)?;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_err(|e| e.to_string())?;
    let until: u64 = args.get("until", now.as_secs())?;
    args.finish()?;

    let started = std::time::Instant::now();
    let file = std::fs::File::create(&out).map_err(|e| format!("Cannot create corpus \"{out}\": {e}"))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let mut maker = Maker::new(seed, author_count);
    let mut bytes = 0;
    for index in 0..events {
        let behind = DAY_SECONDS * (events - 1 - index) as u64 / events.max(1) as u64;
        let signed = maker.make(until - behind, ephemeral);
        bytes += signed.json.len();
        writeln!(file, "{}", signed.json).map_err(|e| format!("Cannot write corpus \"{out}\": {e}"))?;
    }
    file.flush()
        .map_err(|e| format!("Cannot write corpus \"{out}\": {e}"))?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Report::new("corpus")
        .with("events", events)
        .with("seed", seed)
        .rate("bytes_per_event", bytes as f64 / events.max(1) as f64)
        .rate("events_per_second", events as f64 / seconds))
}

impl Maker {
    fn new(seed: u64, author_count: usize) -> Maker {
        let mut random = Random::new(seed);
        let mut authors = Vec::with_capacity(author_count);
        while authors.len() < author_count.max(2) {
            let mut secret = [0; 32];
            random.fill(&mut secret);
            authors.extend(Author::new(secret));
        }
        Maker {
            zipf: Zipf::new(authors.len()),
            random,
            authors,
            recent: VecDeque::new(),
        }
    }

    fn make(&mut self, created_at: u64, ephemeral: f64) -> Signed {
        let author = self.zipf.draw(&mut self.random);
        let content = if self.random.chance(ephemeral) {
            Content {
                kind: 20_001,
                tags: self.mentions(1),
                text: self.prose(8),
            }
        } else {
            self.content()
        };
        let draft = Draft {
            author: &self.authors[author],
            created_at,
            kind: content.kind,
            tags: &content.tags,
            content: &content.text,
        };
        let signed = sign(&draft);
        if matches!(content.kind, 1 | 6 | 30_023) {
            if self.recent.len() == RECENT_MAX {
                self.recent.pop_front();
            }
            let json = (content.kind == 1).then(|| signed.json.clone());
            self.recent.push_back(Earlier {
                id: signed.id.clone(),
                author,
                kind: content.kind,
                json,
            });
        }
        signed
    }

    /// Chooses a kind by its share, in thousandths, and fills it.
    fn content(&mut self) -> Content {
        match self.random.below(1_000) {
            0..250 => self.reaction(),
            250..310 => self.repost(),
            310..320 => self.profile(),
            320..325 => self.follow_list(),
            325..335 => self.relay_list(),
            335..355 => self.sealed(4),
            355..385 => self.sealed(1_059),
            385..410 => self.zap(),
            410..415 => self.article(),
            _ => self.note(),
        }
    }

    fn note(&mut self) -> Content {
        let words = self.random.log_uniform(3.0, 60.0);
        let mut tags = Vec::new();
        if self.random.chance(0.5) {
            if let Some((id, author)) = self.earlier() {
                tags.push(self.marked(id, "root"));
                if self.random.chance(0.35) {
                    if let Some((id, _)) = self.earlier() {
                        tags.push(self.marked(id, "reply"));
                    }
                }
                tags.push(vec!["p".into(), self.authors[author].pubkey.clone()]);
            }
        }
        let mut text = self.prose(words);
        if self.random.chance(0.12) {
            let hashtag = HASHTAGS[self.random.below(HASHTAGS.len())];
            tags.push(vec!["t".into(), hashtag.into()]);
            text.push_str(" #");
            text.push_str(hashtag);
        }
        Content { kind: 1, tags, text }
    }

    fn reaction(&mut self) -> Content {
        let text = REACTIONS[self.random.below(REACTIONS.len())].to_string();
        Content {
            kind: 7,
            tags: self.reference(),
            text,
        }
    }

    fn repost(&mut self) -> Content {
        let tags = self.reference();
        let wanted = tags
            .first()
            .and_then(|tag| tag.get(1))
            .cloned()
            .unwrap_or_default();
        let embed = self.random.chance(0.5);
        let found = self
            .recent
            .iter()
            .rev()
            .take(if embed { 200 } else { 0 })
            .find(|event| event.id == wanted);
        let text = found.and_then(|event| event.json.clone()).unwrap_or_default();
        Content { kind: 6, tags, text }
    }

    fn profile(&mut self) -> Content {
        let about = self.prose(15).replace(['"', '\n'], " ");
        let name = WORDS[self.random.below(WORDS.len())];
        let text = format!(
            "{{\"name\":\"{name}\",\"about\":\"{about}\",\"picture\":\"https://example.com/{name}.jpg\"}}"
        );
        Content {
            kind: 0,
            tags: vec![],
            text,
        }
    }

    fn follow_list(&mut self) -> Content {
        let count = self.random.log_uniform(5.0, 300.0);
        Content {
            kind: 3,
            tags: self.mentions(count),
            text: String::new(),
        }
    }

    fn relay_list(&mut self) -> Content {
        let count = 2 + self.random.below(5);
        let tags = (0..count)
            .map(|i| vec!["r".into(), format!("wss://relay{i}.example.com")])
            .collect();
        Content {
            kind: 10_002,
            tags,
            text: String::new(),
        }
    }

    /// Encrypted payloads are base64: nothing to read, a p tag to find them by.
    fn sealed(&mut self, kind: u32) -> Content {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let length = if kind == 4 {
            128
        } else {
            640 + 64 * self.random.below(8)
        };
        let text = (0..length)
            .map(|_| ALPHABET[self.random.below(64)] as char)
            .collect();
        Content {
            kind,
            tags: self.mentions(1),
            text,
        }
    }

    fn zap(&mut self) -> Content {
        let mut tags = self.reference();
        let mut invoice = [0; 96];
        self.random.fill(&mut invoice);
        tags.push(vec!["bolt11".into(), format!("lnbc{}", hex(&invoice))]);
        Content {
            kind: 9_735,
            tags,
            text: String::new(),
        }
    }

    fn article(&mut self) -> Content {
        let mut slug = [0; 6];
        self.random.fill(&mut slug);
        let title = self.prose(5);
        let words = self.random.log_uniform(200.0, 800.0);
        let tags = vec![vec!["d".into(), hex(&slug)], vec!["title".into(), title]];
        Content {
            kind: 30_023,
            tags,
            text: self.prose(words),
        }
    }

    /// An e tag of an earlier event and a p tag of its author.
    fn reference(&mut self) -> Vec<Vec<String>> {
        match self.earlier() {
            Some((id, author)) => {
                vec![
                    vec!["e".into(), id],
                    vec!["p".into(), self.authors[author].pubkey.clone()],
                ]
            }
            None => vec![],
        }
    }

    fn mentions(&mut self, count: usize) -> Vec<Vec<String>> {
        let mut tags = Vec::with_capacity(count);
        for _ in 0..count {
            let author = self.zipf.draw(&mut self.random);
            tags.push(vec!["p".into(), self.authors[author].pubkey.clone()]);
        }
        tags
    }

    fn marked(&mut self, id: String, marker: &str) -> Vec<String> {
        let hint = if self.random.chance(0.5) { RELAY_HINT } else { "" };
        vec!["e".into(), id, hint.into(), marker.into()]
    }

    /// An earlier note, the newer the likelier.
    fn earlier(&mut self) -> Option<(String, usize)> {
        if self.recent.is_empty() {
            return None;
        }
        let back = self
            .random
            .log_uniform(1.0, self.recent.len() as f64 + 0.49)
            .clamp(1, self.recent.len());
        let event = &self.recent[self.recent.len() - back];
        // A reply to a repost goes to what is near it: threads hang on notes.
        let event = if event.kind == 6 {
            &self.recent[self.recent.len() - 1]
        } else {
            event
        };
        Some((event.id.clone(), event.author))
    }

    fn prose(&mut self, words: usize) -> String {
        let mut text = String::with_capacity(words * 7);
        for index in 0..words {
            if index > 0 {
                text.push_str(if self.random.chance(0.04) { ".\n" } else { " " });
            }
            text.push_str(WORDS[self.random.below(WORDS.len())]);
        }
        text
    }
}
