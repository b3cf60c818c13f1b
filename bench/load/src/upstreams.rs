//! The `upstreams` command: many simulated relays behind one port, each under a loopback address of its
//! own, for whoever reads from thousands of relays. They hold no stored events: a REQ is answered by EOSE,
//! and then new events come.
//!
//! Events are those of a corpus. Each is sent by one or more of the relays, drawn by Zipf's law, so that a
//! few large relays have nearly everything and most have little; `--copies` says by how many on average.
//!
//! It talks with who started it by lines of JSON on standard output and words on standard input:
//! `{"listening":PORT}`, then `{"subscribed":N,…}` when all relays have a subscription; `go` has it send,
//! `{"sent":…}` follows when the sockets have taken everything. It stays until standard input ends.

// long: one server, from its sockets to its answers
use crate::args::Args;
use crate::frame;
use crate::random::{Random, Zipf};
use crate::report::Report;
use crate::swarm::{new_epoll, raise_file_limit};
use sha1::{Digest, Sha1};
use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const EVENTS_MAX: usize = 1_024;
const READ_BYTES: usize = 1 << 18;
/// Bytes that may wait for one connection; beyond them its next events wait in the corpus.
const WAITING_BYTES_MAX: usize = 1 << 20;
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const LISTENER: u64 = u64::MAX;
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// One client of one simulated relay.
struct Connection {
    stream: TcpStream,
    /// Which relay, by the address that was called.
    relay: usize,
    is_open: bool,
    input: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    waits: bool,
    subscriptions: Vec<String>,
}

struct Relays {
    poll: OwnedFd,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// The connection of each relay that holds a subscription.
    subscribed: Vec<Option<usize>>,
    closed: u64,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Report, String> {
    let file: String = args.required("file")?;
    let relays: usize = args.get("relays", 100)?;
    let events: usize = args.get("events", 100_000)?;
    let copies: f64 = args.get("copies", 4.0)?;
    let rate: f64 = args.get("rate", 0.0)?;
    let seed: u64 = args.get("seed", 1)?;
    let port: u16 = args.get("port", 0)?;
    args.finish()?;
    let text = std::fs::read_to_string(&file).map_err(|e| format!("Cannot read corpus \"{file}\": {e}"))?;
    let lines: Vec<&str> = text.lines().take(events).collect();

    raise_file_limit();
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
        .map_err(|e| format!("Cannot listen on port {port}: {e}"))?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let mut state = Relays::new(relays, &listener)?;
    println!("{{\"listening\":{port}}}");
    let words = standard_input();
    let began = Instant::now();
    while state.subscribed.iter().any(Option::is_none) {
        if ended(&words) {
            return Ok(Report::new("upstreams").with("problems", 1));
        }
        state.turn(&listener, Duration::from_millis(20))?;
    }
    println!(
        "{{\"subscribed\":{relays},\"seconds\":{:.3}}}",
        began.elapsed().as_secs_f64()
    );
    loop {
        state.turn(&listener, Duration::from_millis(20))?;
        match words.try_recv() {
            Ok(word) if word == "go" => break,
            Ok(_) => {}
            Err(std::sync::mpsc::TryRecvError::Empty) => {}
            Err(_) => return Ok(Report::new("upstreams").with("problems", 1)),
        }
    }
    let began = Instant::now();
    let mut random = Random::new(seed);
    let zipf = Zipf::new(relays);
    let mut sent = 0_u64;
    for (n, line) in lines.iter().enumerate() {
        while rate > 0.0 && (n as f64) > rate * began.elapsed().as_secs_f64() {
            state.turn(&listener, Duration::from_millis(1))?;
        }
        for relay in carriers(relays, copies, &zipf, &mut random) {
            while !state.send(relay, line) {
                if ended(&words) {
                    return Ok(Report::new("upstreams").with("problems", 1));
                }
                state.turn(&listener, Duration::from_millis(5))?;
            }
            sent += 1;
        }
        if n % 64 == 63 {
            state.turn(&listener, Duration::ZERO)?;
        }
    }
    while state.has_waiting() {
        state.turn(&listener, Duration::from_millis(5))?;
    }
    println!(
        "{{\"sent\":{sent},\"events\":{},\"seconds\":{:.3}}}",
        lines.len(),
        began.elapsed().as_secs_f64()
    );
    while !ended(&words) {
        state.turn(&listener, Duration::from_millis(50))?;
    }
    Ok(Report::new("upstreams")
        .with("relays", relays)
        .with("events", lines.len())
        .with("sent", sent)
        .with("closed", state.closed))
}

/// The relays that have an event: each another one, drawn by Zipf's law.
fn carriers(relays: usize, copies: f64, zipf: &Zipf, random: &mut Random) -> Vec<usize> {
    let most = relays.min(copies.ceil() as usize * 2);
    let whole = copies.floor() as usize;
    let many = (whole + usize::from(random.chance(copies - whole as f64))).clamp(1, most);
    let mut chosen = Vec::with_capacity(many);
    while chosen.len() < many {
        // Where few are left to be drawn, the next one that is free.
        let mut relay = zipf.draw(random);
        while chosen.contains(&relay) {
            relay = (relay + 1) % relays;
        }
        chosen.push(relay);
    }
    chosen
}

/// Words of standard input, by a thread that blocks there; the channel ends with it.
fn standard_input() -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.send(line.trim().to_string()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn ended(words: &Receiver<String>) -> bool {
    matches!(words.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected))
}

impl Relays {
    fn new(relays: usize, listener: &TcpListener) -> Result<Relays, String> {
        listener.set_nonblocking(true).map_err(|e| e.to_string())?;
        let poll = new_epoll()?;
        let state = Relays {
            poll,
            connections: Vec::new(),
            free: Vec::new(),
            subscribed: vec![None; relays],
            closed: 0,
        };
        state.watch(libc::EPOLL_CTL_ADD, listener.as_raw_fd(), LISTENER, false)?;
        Ok(state)
    }

    fn watch(&self, operation: i32, descriptor: i32, key: u64, write: bool) -> Result<(), String> {
        let events = libc::EPOLLIN | if write { libc::EPOLLOUT } else { 0 };
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: key,
        };
        // SAFETY: both descriptors are open, and the event outlives the call.
        let code = unsafe { libc::epoll_ctl(self.poll.as_raw_fd(), operation, descriptor, &mut event) };
        if code == 0 {
            return Ok(());
        }
        Err(format!(
            "Cannot watch socket: {}",
            std::io::Error::last_os_error()
        ))
    }

    /// Waits for something to happen, at most `timeout`, and answers what came.
    fn turn(&mut self, listener: &TcpListener, timeout: Duration) -> Result<(), String> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS_MAX];
        // SAFETY: the kernel writes at most EVENTS_MAX entries into the array.
        let ready = unsafe {
            libc::epoll_wait(
                self.poll.as_raw_fd(),
                events.as_mut_ptr(),
                EVENTS_MAX as i32,
                timeout.as_millis() as i32,
            )
        };
        for event in &events[..ready.max(0) as usize] {
            if event.u64 == LISTENER {
                self.accept(listener)?;
                continue;
            }
            let index = event.u64 as usize;
            if event.events & libc::EPOLLIN as u32 != 0 {
                self.receive(index);
            }
            self.flush(index);
        }
        Ok(())
    }

    fn accept(&mut self, listener: &TcpListener) -> Result<(), String> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(format!("Cannot accept: {error}")),
            };
            let _ = stream.set_nonblocking(true);
            let _ = stream.set_nodelay(true);
            let relay = match stream.local_addr() {
                Ok(std::net::SocketAddr::V4(address)) => relay_of(*address.ip()),
                _ => continue,
            };
            let connection = Connection {
                stream,
                relay: relay % self.subscribed.len(),
                is_open: false,
                input: Vec::new(),
                output: Vec::new(),
                written: 0,
                waits: false,
                subscriptions: Vec::new(),
            };
            let index = self.free.pop().unwrap_or(self.connections.len());
            self.watch(
                libc::EPOLL_CTL_ADD,
                connection.stream.as_raw_fd(),
                index as u64,
                false,
            )?;
            if index == self.connections.len() {
                self.connections.push(Some(connection));
            } else {
                self.connections[index] = Some(connection);
            }
        }
    }

    fn receive(&mut self, index: usize) {
        let Some(connection) = &mut self.connections[index] else {
            return;
        };
        let mut chunk = vec![0; READ_BYTES];
        match connection.stream.read(&mut chunk) {
            Ok(0) => return self.close(index),
            Ok(bytes) => connection.input.extend_from_slice(&chunk[..bytes]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => return self.close(index),
        }
        if !connection.is_open && !connection.open() {
            if connection.input.len() > HEAD_BYTES_MAX {
                self.close(index);
            }
            return;
        }
        while let Some(connection) = &mut self.connections[index] {
            match frame::read_masked(&mut connection.input) {
                Ok(Some((frame::TEXT, payload))) => connection.answer(&payload),
                Ok(Some((frame::PING, payload))) => {
                    frame::push_plain(&mut connection.output, frame::PONG, &payload)
                }
                Ok(Some((frame::CLOSE, _))) | Err(_) => return self.close(index),
                Ok(Some(_)) => {}
                Ok(None) => break,
            }
        }
        if let Some(connection) = &self.connections[index] {
            let place = &mut self.subscribed[connection.relay];
            if !connection.subscriptions.is_empty() {
                *place = Some(index);
            } else if *place == Some(index) {
                *place = None;
            }
        }
    }

    /// Sends an event of a relay; false: its client has too much waiting.
    fn send(&mut self, relay: usize, event: &str) -> bool {
        let Some(index) = self.subscribed[relay] else {
            return false;
        };
        let Some(connection) = &mut self.connections[index] else {
            return false;
        };
        if connection.output.len() - connection.written > WAITING_BYTES_MAX {
            return false;
        }
        let Some(subscription) = connection.subscriptions.first() else {
            return false;
        };
        let text = format!("[\"EVENT\",{subscription},{event}]");
        frame::push_plain(&mut connection.output, frame::TEXT, text.as_bytes());
        if connection.output.len() > 16 * 1024 {
            self.flush(index);
        } else if !connection.waits {
            connection.waits = true;
            let descriptor = connection.stream.as_raw_fd();
            let _ = self.watch(libc::EPOLL_CTL_MOD, descriptor, index as u64, true);
        }
        true
    }

    fn has_waiting(&self) -> bool {
        self.connections
            .iter()
            .flatten()
            .any(|connection| !connection.output.is_empty())
    }

    fn flush(&mut self, index: usize) {
        let Some(connection) = &mut self.connections[index] else {
            return;
        };
        while connection.written < connection.output.len() {
            match connection.stream.write(&connection.output[connection.written..]) {
                Ok(bytes) => connection.written += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return self.close(index),
            }
        }
        if connection.written == connection.output.len() {
            connection.output.clear();
            connection.written = 0;
        }
        let waits = !connection.output.is_empty();
        if waits != connection.waits {
            connection.waits = waits;
            let descriptor = connection.stream.as_raw_fd();
            let _ = self.watch(libc::EPOLL_CTL_MOD, descriptor, index as u64, waits);
        }
    }

    fn close(&mut self, index: usize) {
        let Some(connection) = self.connections[index].take() else {
            return;
        };
        if self.subscribed[connection.relay] == Some(index) {
            self.subscribed[connection.relay] = None;
            self.closed += 1;
        }
        self.free.push(index);
    }
}

/// The number of the relay behind 127.1.X.Y.
fn relay_of(address: Ipv4Addr) -> usize {
    let [_, _, high, low] = address.octets();
    usize::from(high) * 250 + usize::from(low.max(1)) - 1
}

impl Connection {
    /// Answers the request's head, when it is whole; true: the WebSocket is open.
    fn open(&mut self) -> bool {
        let Some(end) = memchr::memmem::find(&self.input, b"\r\n\r\n") else {
            return false;
        };
        let head = String::from_utf8_lossy(&self.input[..end]).into_owned();
        self.input.drain(..end + 4);
        let Some(key) = header(&head, "sec-websocket-key") else {
            let body = concat!(
                r#"{"name":"simulated","supported_nips":[1,11],"#,
                r#""limitation":{"max_subscriptions":20,"max_limit":500}}"#
            );
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/nostr+json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            self.output.extend_from_slice(answer.as_bytes());
            return false;
        };
        let digest = Sha1::digest(format!("{key}{GUID}"));
        let accept = base64(&digest);
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        self.output.extend_from_slice(answer.as_bytes());
        self.is_open = true;
        true
    }

    /// Answers a message of the client.
    fn answer(&mut self, text: &[u8]) {
        let Ok(serde_json::Value::Array(message)) = serde_json::from_slice(text) else {
            return;
        };
        let id = message.get(1).map(ToString::to_string).unwrap_or_default();
        let answer = match message.first().and_then(|verb| verb.as_str()) {
            Some("REQ") => {
                if !self.subscriptions.contains(&id) {
                    self.subscriptions.push(id.clone());
                }
                format!("[\"EOSE\",{id}]")
            }
            Some("CLOSE") => {
                self.subscriptions.retain(|one| *one != id);
                return;
            }
            Some("NEG-OPEN") => format!("[\"NEG-ERR\",{id},\"blocked: no negentropy\"]"),
            _ => return,
        };
        frame::push_plain(&mut self.output, frame::TEXT, answer.as_bytes());
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_string())
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .enumerate()
            .fold(0_u32, |word, (n, byte)| word | u32::from(*byte) << (16 - 8 * n));
        for n in 0..4 {
            let is_there = n <= chunk.len();
            let digit = DIGITS[(word >> (18 - 6 * n) & 63) as usize] as char;
            text.push(if is_there { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_handshake_is_that_of_rfc_6455() {
        let digest = Sha1::digest(format!("dGhlIHNhbXBsZSBub25jZQ=={GUID}"));
        assert_eq!(base64(&digest), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn an_event_is_carried_by_as_many_relays_as_asked_each_once() {
        let mut random = Random::new(7);
        let zipf = Zipf::new(50);
        for _ in 0..1_000 {
            let mut chosen = carriers(50, 20.0, &zipf, &mut random);
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), 20);
        }
    }
}
