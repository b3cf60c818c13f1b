//! rust-nostr's negentropy behind lines of text, for tests to compare with:
//! `tests/support/negentropy_oracle.ts` speaks the other side. The lines are those of the reference's own
//! harness (hoytech/negentropy, test/), plus `reset`:
//!
//!   reset,FRAMEBYTES     forget everything; 0 for no limit
//!   item,TIMESTAMP,ID    add an item
//!   seal                 all items are there
//!   initiate             answers `msg,HEX`
//!   msg,HEX              answers `have,ID` and `need,ID` lines on the initiating side, then `msg,HEX` or
//! `done`;
//!                        `error,TEXT` if the message is refused
use negentropy::{Id, Negentropy, NegentropyStorageVector};
use std::io::{stdin, stdout, BufRead, BufWriter, Write};

fn main() {
    let mut out = BufWriter::new(stdout().lock());
    let mut storage = NegentropyStorageVector::new();
    let mut frame_bytes = 0;
    let mut session: Option<Negentropy<'static, NegentropyStorageVector>> = None;
    for line in stdin().lock().lines() {
        let line = line.expect("a line");
        let fields: Vec<&str> = line.split(',').collect();
        match fields[0] {
            "reset" => {
                storage = NegentropyStorageVector::new();
                frame_bytes = fields[1].parse().expect("bytes of a frame");
            }
            "item" => {
                let id: [u8; 32] = from_hex(fields[2]).try_into().expect("32 bytes");
                let timestamp = fields[1].parse().expect("seconds");
                storage.insert(timestamp, Id::from_byte_array(id)).expect("an open storage");
            }
            "seal" => {
                let mut sealed = std::mem::take(&mut storage);
                sealed.seal().expect("an open storage");
                session = Some(Negentropy::owned(sealed, frame_bytes).expect("a frame of 4,096 bytes or more"));
            }
            "initiate" => {
                let message = session.as_mut().expect("a session").initiate().expect("a first message");
                writeln!(out, "msg,{}", to_hex(&message)).expect("output");
            }
            "msg" => answer(session.as_mut().expect("a session"), &from_hex(fields[1]), &mut out),
            other => panic!("unknown command {other}"),
        }
        out.flush().expect("output");
    }
}

fn answer(session: &mut Negentropy<'static, NegentropyStorageVector>, message: &[u8], out: &mut impl Write) {
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let result = if session.is_initiator() {
        session.reconcile_with_ids(message, &mut have, &mut need)
    } else {
        session.reconcile(message).map(Some)
    };
    for id in have {
        writeln!(out, "have,{}", to_hex(id.as_bytes())).expect("output");
    }
    for id in need {
        writeln!(out, "need,{}", to_hex(id.as_bytes())).expect("output");
    }
    match result {
        Ok(Some(message)) => writeln!(out, "msg,{}", to_hex(&message)),
        Ok(None) => writeln!(out, "done"),
        Err(error) => writeln!(out, "error,{error}"),
    }
    .expect("output");
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex")).collect()
}
