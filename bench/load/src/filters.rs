//! The queries that clients send most, drawn from a corpus, each with the number of events its answer must hold.

use crate::dataset::{Dataset, Stored};
use crate::random::Random;
use crate::words::WORDS;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

const LIMIT: usize = 100;
const TIMELINE_AUTHORS: usize = 200;

/// A filter and how many events answer it; `None` when that cannot be known.
pub struct Query {
    pub filter: Value,
    pub expected: Option<usize>,
}

/// The names of all query kinds, for messages.
pub const NAMES: &str = "ids, ids100, author, profile, kind100, etag, ptag, timeline200, search, mix";

/// Draws queries of one kind from a corpus.
pub struct Drawer<'a> {
    dataset: &'a Dataset,
    random: Random,
    /// Indices of events that nothing replaces.
    lasting: Vec<usize>,
    by_author: HashMap<&'a str, Vec<&'a Stored>>,
    by_e: HashMap<&'a str, Vec<&'a Stored>>,
    by_p: HashMap<&'a str, Vec<&'a Stored>>,
    notes: Vec<u64>,
    authors: Vec<&'a str>,
}

impl<'a> Drawer<'a> {
    pub fn new(dataset: &'a Dataset, seed: u64) -> Drawer<'a> {
        let events = &dataset.events;
        let mut by_author: HashMap<&str, Vec<&Stored>> = HashMap::new();
        let mut by_e: HashMap<&str, Vec<&Stored>> = HashMap::new();
        let mut by_p: HashMap<&str, Vec<&Stored>> = HashMap::new();
        for event in events {
            by_author.entry(&event.pubkey).or_default().push(event);
            event
                .e_tags
                .iter()
                .for_each(|value| by_e.entry(value).or_default().push(event));
            event
                .p_tags
                .iter()
                .for_each(|value| by_p.entry(value).or_default().push(event));
        }
        let mut authors: Vec<&str> = by_author.keys().copied().collect();
        // A hash map's order differs from run to run; the queries must not.
        authors.sort_unstable();
        Drawer {
            dataset,
            random: Random::new(seed ^ 0x51_1ce),
            lasting: (0..events.len())
                .filter(|&index| [1, 6, 7, 9_735].contains(&events[index].kind))
                .collect(),
            notes: events
                .iter()
                .filter(|event| event.kind == 1)
                .map(|event| event.created_at)
                .collect(),
            by_author,
            by_e,
            by_p,
            authors,
        }
    }

    /// One query of a kind, by its name.
    pub fn draw(&mut self, name: &str) -> Result<Query, String> {
        match name {
            "ids" => Ok(self.ids(1)),
            "ids100" => Ok(self.ids(LIMIT)),
            "author" => Ok(self.author()),
            "profile" => Ok(self.profile()),
            "kind100" => Ok(self.kind()),
            "etag" => Ok(self.e_tag()),
            "ptag" => Ok(self.p_tag()),
            "timeline200" => Ok(self.timeline()),
            "search" => Ok(self.search()),
            "mix" => {
                let names = [
                    "ids",
                    "ids",
                    "ids",
                    "profile",
                    "profile",
                    "etag",
                    "ptag",
                    "author",
                    "timeline200",
                ];
                let name = names[self.random.below(names.len())];
                self.draw(name)
            }
            other => Err(format!("Cannot draw query \"{other}\": use {NAMES}")),
        }
    }

    fn event(&mut self) -> &'a Stored {
        &self.dataset.events[self.lasting[self.random.below(self.lasting.len())]]
    }

    fn ids(&mut self, count: usize) -> Query {
        let ids: HashSet<&str> = (0..count).map(|_| self.event().id.as_str()).collect();
        let expected = Some(ids.len());
        Query {
            filter: json!({ "ids": ids.into_iter().collect::<Vec<_>>() }),
            expected,
        }
    }

    fn author(&mut self) -> Query {
        let author = &self.event().pubkey;
        let expected = counted(&self.by_author, author, &[1, 6, 7]);
        Query {
            filter: json!({ "authors": [author], "kinds": [1, 6, 7], "limit": LIMIT }),
            expected,
        }
    }

    fn profile(&mut self) -> Query {
        let author = &self.event().pubkey;
        let expected = counted(&self.by_author, author, &[0]);
        Query {
            filter: json!({ "authors": [author], "kinds": [0] }),
            expected,
        }
    }

    /// A page of notes as of some moment: `until` differs, so no answer repeats.
    fn kind(&mut self) -> Query {
        let until = self.notes[self.random.below(self.notes.len())];
        let before = self.notes.partition_point(|&created_at| created_at <= until);
        Query {
            filter: json!({ "kinds": [1], "until": until, "limit": LIMIT }),
            expected: Some(before.min(LIMIT)),
        }
    }

    fn e_tag(&mut self) -> Query {
        let id = loop {
            if let Some(id) = self.event().e_tags.first() {
                break id;
            }
        };
        let expected = counted(&self.by_e, id, &[1, 6, 7]);
        Query {
            filter: json!({ "#e": [id], "kinds": [1, 6, 7], "limit": LIMIT }),
            expected,
        }
    }

    fn p_tag(&mut self) -> Query {
        let pubkey = loop {
            if let Some(pubkey) = self.event().p_tags.first() {
                break pubkey;
            }
        };
        let expected = counted(&self.by_p, pubkey, &[1, 6, 7, 9_735]);
        Query {
            filter: json!({ "#p": [pubkey], "kinds": [1, 6, 7, 9_735], "limit": LIMIT }),
            expected,
        }
    }

    /// The newest notes and reposts of 200 authors: what a client shows first.
    fn timeline(&mut self) -> Query {
        let mut authors: Vec<&str> = Vec::with_capacity(TIMELINE_AUTHORS);
        let mut chosen = HashSet::new();
        while chosen.len() < TIMELINE_AUTHORS.min(self.authors.len()) {
            let author = self.authors[self.random.below(self.authors.len())];
            if chosen.insert(author) {
                authors.push(author);
            }
        }
        let sum: usize = authors
            .iter()
            .filter_map(|author| counted(&self.by_author, author, &[1, 6]))
            .sum();
        Query {
            filter: json!({ "authors": authors, "kinds": [1, 6], "limit": LIMIT }),
            expected: Some(sum.min(LIMIT)),
        }
    }

    /// Two words (NIP-50); which notes rank highest is the relay's to say.
    fn search(&mut self) -> Query {
        let mut word = || loop {
            let word = WORDS[self.random.below(WORDS.len())];
            if word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_lowercase()) {
                return word;
            }
        };
        let text = format!("{} {}", word(), word());
        Query {
            filter: json!({ "search": text, "kinds": [1], "limit": 20 }),
            expected: None,
        }
    }
}

fn counted(lists: &HashMap<&str, Vec<&Stored>>, key: &str, kinds: &[u64]) -> Option<usize> {
    let events = lists.get(key).into_iter().flatten();
    Some(
        events
            .filter(|event| kinds.contains(&event.kind))
            .count()
            .min(LIMIT),
    )
}
