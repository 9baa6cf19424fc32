//! Viewers of a stream, each on a thread of its own.

use super::Outcome;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes of a transport packet.
const PACKET: usize = 188;

/// PIDs of pictures and sound.
const CODED: std::ops::RangeInclusive<u16> = 0x100..=0x101;

/// A viewer that reads as fast as it can.
pub(crate) struct Viewer {
    socket: TcpStream,
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

/// What a viewer has seen.
#[derive(Debug)]
struct Seen {
    begun: Instant,
    bytes: AtomicU64,
    coded_bytes: AtomicU64,
    jumps: AtomicU64,
    last_ms: AtomicU64,
    longest_ms: AtomicU64,
    ended: AtomicBool,
}

/// Connects and asks for a channel; returns behind the answer's head.
pub(crate) fn tune(stream: &str, channel: u32) -> Outcome<TcpStream> {
    let mut socket = TcpStream::connect(stream)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(
        socket,
        "GET /auto/v{channel} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    if head.starts_with(b"HTTP/1.1 200 ") {
        Ok(socket)
    } else {
        Err(String::from_utf8_lossy(&head).into_owned().into())
    }
}

/// Milliseconds from connecting to the first packet; the socket is still open.
pub(crate) fn first_byte(stream: &str, channel: u32) -> Outcome<(f64, TcpStream)> {
    let begun = Instant::now();
    let mut socket = tune(stream, channel)?;
    let mut packet = [0; PACKET];
    socket.read_exact(&mut packet)?;
    let waited_ms = begun.elapsed().as_secs_f64() * 1000.0;
    if packet.first() == Some(&0x47) {
        Ok((waited_ms, socket))
    } else {
        Err("no packet".into())
    }
}

impl Viewer {
    pub(crate) fn tune(stream: &str, channel: u32) -> Outcome<Self> {
        let socket = tune(stream, channel)?;
        let seen = Arc::new(Seen {
            begun: Instant::now(),
            bytes: AtomicU64::new(0),
            coded_bytes: AtomicU64::new(0),
            jumps: AtomicU64::new(0),
            last_ms: AtomicU64::new(0),
            longest_ms: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let thread = {
            let (socket, seen) = (socket.try_clone()?, Arc::clone(&seen));
            std::thread::Builder::new()
                .stack_size(256 << 10)
                .spawn(move || seen.watch(&socket))?
        };
        Ok(Self {
            socket,
            seen,
            thread: Some(thread),
        })
    }

    /// Begins to count pauses anew.
    pub(crate) fn forget_pauses(&self) {
        self.seen.longest_ms.store(0, Ordering::Relaxed);
    }

    /// The longest pause between two reads, in milliseconds; the one that lasts included.
    pub(crate) fn longest_pause_ms(&self) -> u64 {
        let since_last = self.seen.now_ms() - self.seen.last_ms.load(Ordering::Relaxed);
        self.seen.longest_ms.load(Ordering::Relaxed).max(since_last)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.seen.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of pictures and sound, without what packets add.
    pub(crate) fn coded_bytes(&self) -> u64 {
        self.seen.coded_bytes.load(Ordering::Relaxed)
    }

    /// How often the stream said that it jumps in time.
    pub(crate) fn jumps(&self) -> u64 {
        self.seen.jumps.load(Ordering::Relaxed)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.seen.ended.load(Ordering::Relaxed)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Seen {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn watch(&self, mut socket: &TcpStream) {
        let mut buffer = vec![0; PACKET * 512];
        let mut held = 0;
        while let Some(free) = buffer.get_mut(held..)
            && let Ok(got @ 1..) = socket.read(free)
        {
            let now_ms = self.now_ms();
            let pause_ms = now_ms - self.last_ms.swap(now_ms, Ordering::Relaxed);
            self.longest_ms.fetch_max(pause_ms, Ordering::Relaxed);
            self.bytes.fetch_add(got as u64, Ordering::Relaxed);
            held += got;
            let whole = held - held % PACKET;
            let packets = buffer.get(..whole).unwrap_or_default();
            let coded: u64 = packets.chunks_exact(PACKET).map(coded_bytes).sum();
            self.coded_bytes.fetch_add(coded, Ordering::Relaxed);
            let jumps = packets.chunks_exact(PACKET).filter(|packet| jumps(packet));
            let jumps = u64::try_from(jumps.count()).unwrap_or(0);
            self.jumps.fetch_add(jumps, Ordering::Relaxed);
            buffer.copy_within(whole..held, 0);
            held -= whole;
        }
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// Bytes of pictures or sound in a packet (ISO/IEC 13818-1 §2.4.3.2).
fn coded_bytes(packet: &[u8]) -> u64 {
    let [_, high, low, flags, adaptation, ..] = packet else {
        return 0;
    };
    let pid = u16::from_be_bytes([high & 0x1F, *low]);
    if !CODED.contains(&pid) {
        return 0;
    }
    match (flags >> 4) & 3 {
        1 => 184,
        3 => 183_u64.saturating_sub(u64::from(*adaptation)),
        _ => 0,
    }
}

/// Whether a packet has the `discontinuity_indicator` (ISO/IEC 13818-1 §2.4.3.5).
fn jumps(packet: &[u8]) -> bool {
    match packet {
        [_, _, _, control, length, flags, ..] => {
            control & 0x20 != 0 && *length > 0 && flags & 0x80 != 0
        }
        _ => false,
    }
}
