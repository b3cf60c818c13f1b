//! Many WebSocket connections on one thread: level-triggered epoll, one read buffer for all, writes gathered
//! until the end of a round. Owns the sockets and what is half read or half written on them.

use crate::frame;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// Connections that may be in their handshake at once: more overflow a server's accept queue.
const HANDSHAKES_MAX: usize = 64;
/// Connections from one loopback address: below the range of ephemeral ports.
const CONNECTIONS_PER_SOURCE: usize = 20_000;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
const READ_BYTES: usize = 1 << 20;
const EVENTS_MAX: usize = 1_024;
const MASK: [u8; 4] = [0x5a, 0xc3, 0x17, 0x88];

/// What a scenario does with what arrives.
pub trait Client {
    /// One text message of a relay; what is appended to `out` goes back on the same connection.
    fn message(&mut self, connection: usize, text: &[u8], now: u64, out: &mut Vec<u8>);
    /// The relay closed a connection, or broke the protocol on it.
    fn closed(&mut self, connection: usize);
}

struct Connection {
    stream: Option<TcpStream>,
    /// Received bytes that are not a whole frame yet.
    rest: Vec<u8>,
    /// The parts of a fragmented message so far.
    fragments: Vec<u8>,
    out: Vec<u8>,
    /// Bytes of `out` that are written.
    written: usize,
    waits_for_write: bool,
}

/// All connections of a run.
pub struct Swarm {
    poll: OwnedFd,
    connections: Vec<Connection>,
    scratch: Vec<u8>,
    start: Instant,
}

/// One masked text frame.
pub fn text_frame(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 14);
    push_text(&mut out, text);
    out
}

/// Appends one masked text frame.
pub fn push_text(out: &mut Vec<u8>, text: &str) {
    frame::push(out, frame::TEXT, text.as_bytes(), MASK);
}

impl Swarm {
    /// Opens `count` connections to a `ws://host:port/path` and waits for every handshake.
    pub fn open(url: &str, count: usize) -> Result<Swarm, String> {
        raise_file_limit();
        let target = Target::parse(url)?;
        let poll = new_epoll()?;
        let mut swarm = Swarm {
            poll,
            connections: Vec::new(),
            scratch: vec![0; READ_BYTES],
            start: Instant::now(),
        };
        while swarm.connections.len() < count {
            let batch = HANDSHAKES_MAX.min(count - swarm.connections.len());
            let streams: Result<Vec<_>, _> = (0..batch)
                .map(|i| target.begin(swarm.connections.len() + i))
                .collect();
            for stream in streams? {
                swarm.admit(target.complete(stream)?)?;
            }
        }
        Ok(swarm)
    }

    /// Nanoseconds since the swarm began.
    pub fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Connections that are open.
    pub fn open_count(&self) -> usize {
        self.connections
            .iter()
            .filter(|connection| connection.stream.is_some())
            .count()
    }

    /// Sends bytes, which are whole frames, on one connection.
    pub fn send(&mut self, index: usize, bytes: &[u8]) {
        self.connections[index].out.extend_from_slice(bytes);
        self.flush(index);
    }

    /// Waits for something to arrive, at most `timeout`, and hands every message to the client.
    pub fn poll(&mut self, timeout: Duration, client: &mut impl Client) -> Result<(), String> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS_MAX];
        let timeout = timeout.as_millis().min(i32::MAX as u128) as i32;
        // SAFETY: the kernel writes at most EVENTS_MAX entries into the array.
        let ready = unsafe {
            libc::epoll_wait(
                self.poll.as_raw_fd(),
                events.as_mut_ptr(),
                EVENTS_MAX as i32,
                timeout,
            )
        };
        if ready < 0 {
            let error = std::io::Error::last_os_error();
            let interrupted = error.kind() == ErrorKind::Interrupted;
            return if interrupted {
                Ok(())
            } else {
                Err(format!("Cannot wait for sockets: {error}"))
            };
        }
        for event in &events[..ready as usize] {
            let index = event.u64 as usize;
            if event.events & !(libc::EPOLLOUT as u32) != 0 {
                self.receive(index, client);
            }
            self.flush(index);
        }
        Ok(())
    }

    fn admit(&mut self, (stream, rest): (TcpStream, Vec<u8>)) -> Result<(), String> {
        stream
            .set_nonblocking(true)
            .map_err(|e| format!("Cannot set socket non-blocking: {e}"))?;
        let index = self.connections.len();
        self.control(libc::EPOLL_CTL_ADD, &stream, index, false)?;
        self.connections.push(Connection {
            stream: Some(stream),
            rest,
            fragments: Vec::new(),
            out: Vec::new(),
            written: 0,
            waits_for_write: false,
        });
        Ok(())
    }

    fn control(&self, operation: i32, stream: &TcpStream, index: usize, write: bool) -> Result<(), String> {
        let events = libc::EPOLLIN | if write { libc::EPOLLOUT } else { 0 };
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: index as u64,
        };
        // SAFETY: both descriptors are open, and the event outlives the call.
        let code =
            unsafe { libc::epoll_ctl(self.poll.as_raw_fd(), operation, stream.as_raw_fd(), &mut event) };
        if code == 0 {
            Ok(())
        } else {
            Err(format!(
                "Cannot watch socket: {}",
                std::io::Error::last_os_error()
            ))
        }
    }

    fn receive(&mut self, index: usize, client: &mut impl Client) {
        let now = self.now();
        let connection = &mut self.connections[index];
        let Some(stream) = &mut connection.stream else {
            return;
        };
        let kept = connection.rest.len();
        if self.scratch.len() < kept + READ_BYTES {
            self.scratch.resize(kept + READ_BYTES, 0);
        }
        self.scratch[..kept].copy_from_slice(&connection.rest);
        let filled = match stream.read(&mut self.scratch[kept..]) {
            Ok(0) => return self.drop_connection(index, client),
            Ok(bytes) => kept + bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => return self.drop_connection(index, client),
        };
        match connection.deliver(&self.scratch[..filled], index, now, client) {
            Some(used) => {
                connection.rest.clear();
                connection.rest.extend_from_slice(&self.scratch[used..filled]);
            }
            None => self.drop_connection(index, client),
        }
    }

    fn flush(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let Some(stream) = &mut connection.stream else {
            return;
        };
        while connection.written < connection.out.len() {
            match stream.write(&connection.out[connection.written..]) {
                Ok(bytes) => connection.written += bytes,
                // What broke shows at the next read as a closed connection.
                Err(_) => break,
            }
        }
        if connection.written == connection.out.len() {
            connection.out.clear();
            connection.written = 0;
        }
        let waits = !connection.out.is_empty();
        if waits != connection.waits_for_write {
            connection.waits_for_write = waits;
            if let Some(stream) = &self.connections[index].stream {
                let _ = self.control(libc::EPOLL_CTL_MOD, stream, index, waits);
            }
        }
    }

    fn drop_connection(&mut self, index: usize, client: &mut impl Client) {
        if self.connections[index].stream.take().is_some() {
            client.closed(index);
        }
    }
}

impl Connection {
    /// Hands over every whole message; the bytes used, or `None` when the connection is at its end.
    fn deliver(&mut self, buffer: &[u8], index: usize, now: u64, client: &mut impl Client) -> Option<usize> {
        let mut used = 0;
        while let Some(frame) = frame::read(&buffer[used..]).ok()? {
            used += frame.length;
            match frame.opcode {
                frame::TEXT if frame.fin => client.message(index, frame.payload, now, &mut self.out),
                frame::TEXT | frame::CONTINUATION => {
                    self.fragments.extend_from_slice(frame.payload);
                    if frame.fin {
                        let whole = std::mem::take(&mut self.fragments);
                        client.message(index, &whole, now, &mut self.out);
                    }
                }
                frame::PING => frame::push(&mut self.out, frame::PONG, frame.payload, MASK),
                frame::CLOSE => return None,
                _ => {}
            }
        }
        Some(used)
    }
}

/// A parsed `ws://` address.
struct Target {
    address: SocketAddr,
    host: String,
    path: String,
}

impl Target {
    fn parse(url: &str) -> Result<Target, String> {
        let wrong = |why: &str| format!("Cannot use URL \"{url}\": {why}");
        let rest = url
            .strip_prefix("ws://")
            .ok_or_else(|| wrong("it does not start with ws://"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let with_port = if host.contains(':') {
            host.to_string()
        } else {
            format!("{host}:80")
        };
        let found = with_port
            .to_socket_addrs()
            .map_err(|e| wrong(&e.to_string()))?
            .next();
        let address = found.ok_or_else(|| wrong("it has no address"))?;
        Ok(Target {
            address,
            host: host.to_string(),
            path: format!("/{path}"),
        })
    }

    /// Connects and sends the upgrade request, without waiting for the answer.
    fn begin(&self, index: usize) -> Result<TcpStream, String> {
        let fail = |e: std::io::Error| format!("Cannot connect to \"{}\": {e}", self.host);
        let mut stream = self.connect(index).map_err(fail)?;
        stream.set_nodelay(true).map_err(fail)?;
        stream.set_read_timeout(Some(HANDSHAKE_TIMEOUT)).map_err(fail)?;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            self.path, self.host
        );
        stream.write_all(request.as_bytes()).map_err(fail)?;
        Ok(stream)
    }

    /// Beyond one address's ports, connections come from further loopback addresses.
    fn connect(&self, index: usize) -> std::io::Result<TcpStream> {
        let SocketAddr::V4(address) = self.address else {
            return TcpStream::connect(self.address);
        };
        if index < CONNECTIONS_PER_SOURCE || !address.ip().is_loopback() {
            return TcpStream::connect(self.address);
        }
        let source = [127, 0, 1, (1 + index / CONNECTIONS_PER_SOURCE) as u8];
        connect_from(source, address)
    }

    /// Reads the server's answer; what follows it on the socket is returned with the stream.
    fn complete(&self, mut stream: TcpStream) -> Result<(TcpStream, Vec<u8>), String> {
        let mut buffer = Vec::new();
        let mut chunk = [0; 4_096];
        loop {
            if let Some(end) = memchr::memmem::find(&buffer, b"\r\n\r\n") {
                if !buffer.starts_with(b"HTTP/1.1 101") {
                    let line = String::from_utf8_lossy(&buffer[..end.min(80)]).into_owned();
                    return Err(format!("Cannot open WebSocket on \"{}\": {line}", self.host));
                }
                return Ok((stream, buffer.split_off(end + 4)));
            }
            match stream.read(&mut chunk) {
                Ok(0) => {
                    return Err(format!(
                        "Cannot open WebSocket on \"{}\": connection closed",
                        self.host
                    ));
                }
                Ok(bytes) => buffer.extend_from_slice(&chunk[..bytes]),
                Err(error) => return Err(format!("Cannot open WebSocket on \"{}\": {error}", self.host)),
            }
        }
    }
}

fn connect_from(source: [u8; 4], to: std::net::SocketAddrV4) -> std::io::Result<TcpStream> {
    let raw = |ip: [u8; 4], port: u16| libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes(ip),
        },
        sin_zero: [0; 8],
    };
    let size = size_of::<libc::sockaddr_in>() as u32;
    // SAFETY: the descriptor is checked and owned at once; both addresses are whole sockaddr_in values.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        let stream = TcpStream::from_raw_fd(fd);
        let (from, to) = (raw(source, 0), raw(to.ip().octets(), to.port()));
        let bound = libc::bind(fd, (&raw const from).cast(), size) == 0;
        if !bound || libc::connect(fd, (&raw const to).cast(), size) != 0 {
            return Err(std::io::Error::last_os_error());
        }
        Ok(stream)
    }
}

/// A new epoll instance.
pub fn new_epoll() -> Result<OwnedFd, String> {
    // SAFETY: epoll_create1 returns a new descriptor or -1, which is checked.
    let poll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    if poll < 0 {
        return Err(format!(
            "Cannot create epoll: {}",
            std::io::Error::last_os_error()
        ));
    }
    // SAFETY: the descriptor is new and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(poll) })
}

/// Lets the process open as many sockets as the system allows.
pub fn raise_file_limit() {
    // SAFETY: both calls only read and write the struct that they are given.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}
