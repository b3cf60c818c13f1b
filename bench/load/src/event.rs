//! Signed Nostr events: building the JSON text of one, its id (NIP-01) and its signature (BIP-340).

use secp256k1::{Keypair, schnorr};
use sha2::{Digest, Sha256};

/// An author: a key pair and the hexadecimal public key that goes into events.
pub struct Author {
    keys: Keypair,
    pub pubkey: String,
}

impl Author {
    /// Makes an author from 32 secret bytes; `None` when they are no valid key (one in 2^127).
    pub fn new(secret: [u8; 32]) -> Option<Author> {
        let keys = Keypair::from_secret_bytes(secret).ok()?;
        let pubkey = hex(&keys.x_only_public_key().0.to_byte_array());
        Some(Author { keys, pubkey })
    }
}

/// What an event says, before it has an id.
pub struct Draft<'a> {
    pub author: &'a Author,
    pub created_at: u64,
    pub kind: u32,
    pub tags: &'a [Vec<String>],
    pub content: &'a str,
}

/// A signed event: its id in hexadecimal and its compact JSON text.
pub struct Signed {
    pub id: String,
    pub json: String,
}

/// Computes id and signature. The nonce is derived without fresh randomness, so equal drafts give equal events.
pub fn sign(draft: &Draft) -> Signed {
    let mut tags = String::with_capacity(256);
    push_tags(&mut tags, draft.tags);
    let mut content = String::with_capacity(draft.content.len() + 16);
    push_string(&mut content, draft.content);
    let Draft {
        author,
        created_at,
        kind,
        ..
    } = draft;
    let pubkey = &author.pubkey;
    let serial = format!("[0,\"{pubkey}\",{created_at},{kind},{tags},{content}]");
    let digest: [u8; 32] = Sha256::digest(serial.as_bytes()).into();
    let signature = hex(&schnorr::sign_no_aux_rand(&digest, &author.keys).to_byte_array());
    let id = hex(&digest);
    let json = format!(
        "{{\"id\":\"{id}\",\"pubkey\":\"{pubkey}\",\"created_at\":{created_at},\"kind\":{kind},\
         \"tags\":{tags},\"content\":{content},\"sig\":\"{signature}\"}}"
    );
    Signed { id, json }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
    text
}

fn push_tags(out: &mut String, tags: &[Vec<String>]) {
    out.push('[');
    for (index, tag) in tags.iter().enumerate() {
        out.push_str(if index == 0 { "[" } else { ",[" });
        for (index, value) in tag.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_string(out, value);
        }
        out.push(']');
    }
    out.push(']');
}

/// Writes a JSON string with exactly the escapes that NIP-01 names, so the same text serves the id and the event.
fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_event_verifies_and_its_id_is_the_hash_of_its_serial_form() {
        let author = Author::new([7; 32]).expect("a valid key");
        let tags = [vec!["t".to_string(), "a\"b\\c".to_string()]];
        let draft = Draft {
            author: &author,
            created_at: 1_700_000_000,
            kind: 1,
            tags: &tags,
            content: "line\n\"é\" 🌊",
        };
        let signed = sign(&draft);
        let value: serde_json::Value = serde_json::from_str(&signed.json).expect("valid JSON");
        let serial =
            serde_json::json!([0, author.pubkey, 1_700_000_000, 1, tags, "line\n\"é\" 🌊"]).to_string();
        let digest: [u8; 32] = Sha256::digest(serial.as_bytes()).into();
        assert_eq!(value["id"], hex(&digest));
        let signature: Vec<u8> = (0..64)
            .map(|i| u8::from_str_radix(&value["sig"].as_str().unwrap()[i * 2..i * 2 + 2], 16).unwrap())
            .collect();
        let signature = schnorr::Signature::from_byte_array(signature.try_into().unwrap());
        assert!(schnorr::verify(&signature, &digest, &author.keys.x_only_public_key().0).is_ok());
        assert!(schnorr::verify(&signature, &[0; 32], &author.keys.x_only_public_key().0).is_err());
    }
}
