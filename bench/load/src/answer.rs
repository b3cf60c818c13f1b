//! Reading a relay's messages (NIP-01) without a JSON parser: the label, the first string, and the rest.

use crate::report::Report;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One message of a relay. Texts are raw JSON, still escaped.
#[derive(Debug, PartialEq)]
pub enum Answer<'a> {
    Event {
        subscription: &'a [u8],
        event: &'a [u8],
    },
    Ok {
        id: &'a [u8],
        accepted: bool,
        message: &'a [u8],
    },
    Eose {
        subscription: &'a [u8],
    },
    Closed {
        subscription: &'a [u8],
        message: &'a [u8],
    },
    Notice {
        message: &'a [u8],
    },
    /// AUTH, COUNT and whatever else a relay may say.
    Other,
}

/// Reads one message.
pub fn read(text: &[u8]) -> Answer<'_> {
    let Some((label, rest)) = string(skip(text, b'[')) else {
        return Answer::Other;
    };
    let Some((first, rest)) = string(skip(rest, b',')) else {
        return Answer::Other;
    };
    let rest = skip(rest, b',');
    match label {
        b"EVENT" => Answer::Event {
            subscription: first,
            event: rest,
        },
        b"EOSE" => Answer::Eose { subscription: first },
        b"OK" => {
            let accepted = rest.starts_with(b"true");
            let rest = rest.get(if accepted { 4 } else { 5 }..).unwrap_or_default();
            let message = string(skip(rest, b',')).map_or(&b""[..], |(message, _)| message);
            Answer::Ok {
                id: first,
                accepted,
                message,
            }
        }
        b"CLOSED" => {
            let message = string(rest).map_or(&b""[..], |(message, _)| message);
            Answer::Closed {
                subscription: first,
                message,
            }
        }
        b"NOTICE" => Answer::Notice { message: first },
        _ => Answer::Other,
    }
}

/// The id of an event in JSON text: its first 64 bits, which tell events of one run apart.
pub fn event_id(event: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"id\":";
    let at = memchr::memmem::find(event, KEY)? + KEY.len();
    string(skip(&event[at..], b' ')).and_then(|(id, _)| short_id(id))
}

/// The first 64 bits of an id in hexadecimal.
pub fn short_id(hex: &[u8]) -> Option<u64> {
    if hex.len() != 64 {
        return None;
    }
    hex[..16].iter().try_fold(0, |sum, digit| {
        Some(sum << 4 | u64::from((*digit as char).to_digit(16)?))
    })
}

fn skip(text: &[u8], separator: u8) -> &[u8] {
    let gap = |byte: &u8| *byte == separator || byte.is_ascii_whitespace();
    let end = text.iter().position(|byte| !gap(byte)).unwrap_or(text.len());
    &text[end..]
}

/// The JSON string at the start of a text, without its quotes, and what follows it.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let mut from = 0;
    loop {
        let end = from + memchr::memchr(b'"', &text[from..])?;
        let slashes = text[..end]
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if slashes % 2 == 0 {
            return Some((&text[..end], &text[end + 1..]));
        }
        from = end + 1;
    }
}

/// Counts of what went other than well, by the prefix of the relay's message.
#[derive(Default)]
pub struct Refusals {
    counts: BTreeMap<String, u64>,
    notices: u64,
    first_notice: Option<String>,
}

impl Refusals {
    /// Counts one OK false or CLOSED.
    pub fn refuse(&mut self, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        let prefix = text
            .split(':')
            .next()
            .unwrap_or_default()
            .chars()
            .take(40)
            .collect();
        *self.counts.entry(prefix).or_default() += 1;
    }

    /// Counts one NOTICE and keeps the first.
    pub fn notice(&mut self, message: &[u8]) {
        self.notices += 1;
        self.first_notice
            .get_or_insert_with(|| String::from_utf8_lossy(message).chars().take(200).collect());
    }

    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Adds what was refused, and notices when there were any; `prefix` goes before each key.
    pub fn report(&self, report: Report, prefix: &str) -> Report {
        let counts: Map<String, Value> = self.counts.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let report = report
            .with(&format!("{prefix}refused"), self.total())
            .with(&format!("{prefix}refused_by_prefix"), counts);
        match &self.first_notice {
            Some(text) => report
                .with(&format!("{prefix}notices"), self.notices)
                .with(&format!("{prefix}first_notice"), text.clone()),
            None => report,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_with_and_without_spaces() {
        let id = "ab".repeat(32);
        for text in [
            format!("[\"OK\",\"{id}\",false,\"blocked: no\"]"),
            format!("[\"OK\", \"{id}\", false, \"blocked: no\"]"),
        ] {
            let expected = Answer::Ok {
                id: id.as_bytes(),
                accepted: false,
                message: b"blocked: no",
            };
            assert_eq!(read(text.as_bytes()), expected);
        }
        let ok = format!("[\"OK\",\"{id}\",true,\"\"]");
        assert_eq!(
            read(ok.as_bytes()),
            Answer::Ok {
                id: id.as_bytes(),
                accepted: true,
                message: b""
            }
        );
        assert_eq!(read(b"[\"EOSE\",\"q7\"]"), Answer::Eose { subscription: b"q7" });
        assert_eq!(
            read(b"[\"NOTICE\",\"a \\\"b\\\"\"]"),
            Answer::Notice {
                message: b"a \\\"b\\\""
            }
        );
        assert_eq!(
            read(b"[\"EVENT\",\"s\",{\"x\":1}]"),
            Answer::Event {
                subscription: b"s",
                event: b"{\"x\":1}]"
            }
        );
        assert_eq!(read(b"not json"), Answer::Other);
    }

    #[test]
    fn an_id_inside_the_content_is_not_taken_for_the_event_s_own() {
        let id = "0123456789abcdef".repeat(4);
        let event = format!("{{\"content\":\"{{\\\"id\\\":\\\"ff\\\"}}\",\"id\":\"{id}\"}}");
        assert_eq!(event_id(event.as_bytes()), Some(0x0123_4567_89ab_cdef));
    }
}
