//! The least of WebSocket framing (RFC 6455) that a client needs: masked text out, unmasked frames in.

/// A frame as it stands in a read buffer.
pub struct Frame<'a> {
    pub opcode: u8,
    pub fin: bool,
    pub payload: &'a [u8],
    /// Bytes of the whole frame.
    pub length: usize,
}

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// Appends one masked frame. The mask is any four bytes: servers must not care which.
pub fn push(out: &mut Vec<u8>, opcode: u8, payload: &[u8], mask: [u8; 4]) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length @ 126..65_536 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
}

/// Reads the frame at the start of a buffer; `None` while it is not whole, an error when a server masks.
pub fn read(buffer: &[u8]) -> Result<Option<Frame<'_>>, String> {
    let [first, second, ..] = *buffer else {
        return Ok(None);
    };
    if second & 0x80 != 0 {
        return Err("Cannot read frame: the server masked it".into());
    }
    let (header, length) = match second {
        126 => match buffer.get(2..4) {
            Some(bytes) => (4, usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))),
            None => return Ok(None),
        },
        127 => match buffer.get(2..10).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => (10, u64::from_be_bytes(bytes) as usize),
            None => return Ok(None),
        },
        short => (2, usize::from(short)),
    };
    let Some(payload) = buffer.get(header..header + length) else {
        return Ok(None);
    };
    Ok(Some(Frame {
        opcode: first & 15,
        fin: first & 0x80 != 0,
        payload,
        length: header + length,
    }))
}

/// Appends one frame of a server, which is not masked.
pub fn push_plain(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(length as u8),
        length @ 126..65_536 => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// Takes the client's frame at the start of a buffer out of it: opcode and payload; `None` while it is not whole.
pub fn read_masked(buffer: &mut Vec<u8>) -> Result<Option<(u8, Vec<u8>)>, String> {
    let [first, second, ..] = buffer[..] else {
        return Ok(None);
    };
    if second & 0x80 == 0 {
        return Err("Cannot read frame: the client did not mask it".into());
    }
    let (header, length) = match second & 0x7f {
        126 if buffer.len() >= 4 => (4, usize::from(u16::from_be_bytes([buffer[2], buffer[3]]))),
        127 if buffer.len() >= 10 => {
            let bytes: [u8; 8] = buffer[2..10].try_into().map_err(|_| "a length has 8 bytes")?;
            (10, u64::from_be_bytes(bytes) as usize)
        }
        126 | 127 => return Ok(None),
        short => (2, usize::from(short)),
    };
    let Some(mask) = buffer.get(header..header + 4) else {
        return Ok(None);
    };
    let mask = [mask[0], mask[1], mask[2], mask[3]];
    let start = header + 4;
    let Some(payload) = buffer.get(start..start + length) else {
        return Ok(None);
    };
    let payload = payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    buffer.drain(..start + length);
    Ok(Some((first & 15, payload)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_frame_is_taken_whole_and_leaves_the_next_one() {
        for length in [0, 125, 126, 65_536] {
            let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let mut bytes = Vec::new();
            push(&mut bytes, TEXT, &payload, [1, 2, 3, 4]);
            let whole = bytes.len();
            let mut part = bytes[..whole - 1].to_vec();
            assert!(read_masked(&mut part).unwrap().is_none());
            bytes.extend_from_slice(&[9, 9]);
            assert_eq!(read_masked(&mut bytes).unwrap(), Some((TEXT, payload)));
            assert_eq!(bytes, [9, 9]);
        }
    }

    #[test]
    fn what_is_pushed_masked_unmasks_to_the_same_text_at_every_length_form() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let mut out = Vec::new();
            push(&mut out, TEXT, &payload, [1, 2, 3, 4]);
            // Clear the mask bit and the mask, and the same bytes are a server's frame.
            let header = out.len() - length - 4;
            let mut server = out[..header].to_vec();
            server[1] &= 0x7f;
            server.extend(
                out[header + 4..]
                    .iter()
                    .zip([1, 2, 3, 4].iter().cycle())
                    .map(|(b, m)| b ^ m),
            );
            let frame = read(&server).unwrap().expect("a whole frame");
            assert_eq!(
                (frame.opcode, frame.fin, frame.length),
                (TEXT, true, server.len())
            );
            assert_eq!(frame.payload, payload);
            assert!(read(&server[..server.len() - 1]).unwrap().is_none());
        }
    }
}
