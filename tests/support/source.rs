//! A stand-in for a server of video files: HTTP/1.1 on loopback with ranges and keep-alive, over a
//! folder, whose faults are switched while it runs.
//!
//! One thread per connection, files sent by the kernel (`sendfile`, which `std::io::copy` uses), so
//! that it costs next to nothing beside a benchmark. It shares no code with the reader that it
//! tests, and speaks no more HTTP than that reader needs.

#![allow(dead_code, reason = "each test or bench uses the part that it needs")]

#[path = "source/connection.rs"]
mod connection;

use connection::serve;
use socket2::{Domain, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Send buffer of a connection. Small, so that bytes that nobody reads are not counted as sent.
const SEND_BUFFER_BYTES: usize = 16 << 10;

/// How requests are answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// As they should be.
    Whole,
    /// With this status and a short text.
    Status(u16),
    /// With these bytes instead of HTTP; the connection is closed then.
    Raw(Vec<u8>),
    /// With a connection that is closed at once.
    Nothing,
    /// With a body that breaks off after so many bytes.
    Truncated(u64),
    /// With the whole file, whatever range was asked for.
    NoRanges,
    /// With a web page.
    Page,
    /// With a redirection to this location.
    Redirect(String),
    /// With bodies in chunks, so without a `Content-Length`.
    Chunked,
    /// As what is made while it is read: the whole file whatever range was asked for, in chunks.
    Made {
        /// The length of a chunk.
        chunk_bytes: u64,
        /// How long the first chunk takes, once the head was sent.
        first_after: Duration,
        /// After how many bytes it breaks off.
        most: u64,
    },
    /// With a `Content-Range` that begins this many bytes later than asked for.
    Shifted(u64),
    /// As if the file had this many bytes more.
    Longer(u64),
}

/// What can be switched.
#[derive(Debug, Clone)]
struct Faults {
    answer: Answer,
    /// How many requests get that answer, before they are answered as they should be again.
    times: u64,
    latency: Duration,
    paused_until: Option<Instant>,
    bytes_per_second: Option<u64>,
    /// Raised to reset the connections that were open before.
    generation: u64,
    refusing: bool,
    stopped: bool,
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Path with query.
    pub(crate) path: String,
    /// The value of `Range`.
    pub(crate) range: String,
    /// All header lines, as they came.
    pub(crate) headers: Vec<String>,
}

/// What has been counted since the beginning or since `reset_counts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) connections: u64,
    pub(crate) requests: u64,
    /// Bytes of bodies that were given to the kernel.
    pub(crate) body_bytes: u64,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    address: SocketAddr,
    faults: Mutex<Faults>,
    changed: Condvar,
    open: Mutex<Vec<TcpStream>>,
    asked: Mutex<Vec<Asked>>,
    connections: AtomicU64,
    requests: AtomicU64,
    body_bytes: AtomicU64,
}

/// The server and the switch of its faults. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct SourceServer {
    shared: Arc<Shared>,
    door: Option<JoinHandle<()>>,
}

impl SourceServer {
    /// Serves a folder on a free port of 127.0.0.1.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_at(folder, ([127, 0, 0, 1], 0).into())
    }

    /// Serves a folder on this address.
    pub(crate) fn start_at(folder: &Path, address: SocketAddr) -> Self {
        let listener = listen(address).unwrap();
        let shared = Arc::new(Shared {
            folder: folder.to_path_buf(),
            address: listener.local_addr().unwrap(),
            faults: Mutex::new(Faults {
                answer: Answer::Whole,
                times: u64::MAX,
                latency: Duration::ZERO,
                paused_until: None,
                bytes_per_second: None,
                generation: 0,
                refusing: false,
                stopped: false,
            }),
            changed: Condvar::new(),
            open: Mutex::default(),
            asked: Mutex::default(),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            body_bytes: AtomicU64::new(0),
        });
        let door = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || keep_door(&shared, listener))
        };
        let door = Some(door);
        Self { shared, door }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The address of a file in the folder.
    pub(crate) fn url(&self, name: &str) -> String {
        format!(
            "http://{}/{}",
            self.shared.address,
            name.replace(' ', "%20")
        )
    }

    /// Answers all requests like this from now on.
    pub(crate) fn answer(&self, answer: Answer) {
        self.answer_next(u64::MAX, answer);
    }

    /// Answers so many requests like this, and those after them as they should be.
    pub(crate) fn answer_next(&self, times: u64, answer: Answer) {
        self.shared.change(|faults| {
            faults.answer = answer;
            faults.times = times;
        });
    }

    /// Waits before each answer.
    pub(crate) fn latency(&self, latency: Duration) {
        self.shared.change(|faults| faults.latency = latency);
    }

    /// Sends nothing for so long, in the middle of bodies too; connections are taken.
    pub(crate) fn pause(&self, pause: Duration) {
        let until = Some(Instant::now() + pause);
        self.shared.change(|faults| faults.paused_until = until);
    }

    /// Ends a pause.
    pub(crate) fn resume(&self) {
        self.shared.change(|faults| faults.paused_until = None);
    }

    /// Sends no faster than this on each connection; `None` ends it.
    pub(crate) fn rate(&self, bytes_per_second: Option<u64>) {
        self.shared
            .change(|faults| faults.bytes_per_second = bytes_per_second);
    }

    /// Resets every connection that is open.
    pub(crate) fn reset(&self) {
        self.shared.change(|faults| faults.generation += 1);
        for stream in self.shared.open().drain(..) {
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Closes the door: connections are refused, and those that are open are reset. Returns when
    /// that is so.
    pub(crate) fn refuse(&self) {
        self.shared.change(|faults| faults.refusing = true);
        // Wakes the door.
        let _ = TcpStream::connect(self.shared.address);
        while TcpStream::connect(self.shared.address).is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.reset();
    }

    /// Opens the door again. Returns when that is so.
    pub(crate) fn admit(&self) {
        self.shared.change(|faults| faults.refusing = false);
        while TcpStream::connect(self.shared.address).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Counts {
            connections: read(&self.shared.connections),
            requests: read(&self.shared.requests),
            body_bytes: read(&self.shared.body_bytes),
        }
    }

    /// The requests in the order in which they came.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    pub(crate) fn reset_counts(&self) {
        let shared = &self.shared;
        for counter in [&shared.connections, &shared.requests, &shared.body_bytes] {
            counter.store(0, Ordering::SeqCst);
        }
        shared.asked.lock().unwrap().clear();
    }
}

impl Drop for SourceServer {
    fn drop(&mut self) {
        self.shared.change(|faults| faults.stopped = true);
        let _ = TcpStream::connect(self.shared.address);
        self.reset();
        if let Some(door) = self.door.take() {
            let _ = door.join();
        }
    }
}

impl Shared {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap()
    }

    fn open(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.faults());
        self.changed.notify_all();
    }

    /// Waits until there is no pause; gives the rate, or `None` when the connection is to be reset.
    fn allowed(&self, generation: u64) -> Option<Option<u64>> {
        let mut faults = self.faults();
        loop {
            if faults.stopped || faults.generation != generation {
                return None;
            }
            let now = Instant::now();
            match faults.paused_until.filter(|until| *until > now) {
                None => return Some(faults.bytes_per_second),
                Some(until) => {
                    faults = self.changed.wait_timeout(faults, until - now).unwrap().0;
                }
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    // Taken over by each connection.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(&address.into())?;
    socket.listen(256)?;
    Ok(socket.into())
}

/// Takes connections, as long as the door is open.
fn keep_door(shared: &Arc<Shared>, listener: TcpListener) {
    let mut listener = Some(listener);
    loop {
        {
            let mut faults = shared.faults();
            while faults.refusing && !faults.stopped {
                listener = None;
                faults = shared.changed.wait(faults).unwrap();
            }
            if faults.stopped {
                return;
            }
        }
        let open = listener.get_or_insert_with(|| listen(shared.address).unwrap());
        let Ok((stream, _)) = open.accept() else {
            continue;
        };
        let generation = {
            let faults = shared.faults();
            if faults.refusing || faults.stopped {
                continue;
            }
            faults.generation
        };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let _ = stream.set_nodelay(true);
        shared.open().push(stream.try_clone().unwrap());
        let shared = Arc::clone(shared);
        std::thread::Builder::new()
            .stack_size(128 << 10)
            .spawn(move || {
                let _ = serve(&shared, &stream, generation);
                let peer = stream.peer_addr().ok();
                shared.open().retain(|open| open.peer_addr().ok() != peer);
                if shared.faults().generation != generation {
                    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                }
            })
            .unwrap();
    }
}
