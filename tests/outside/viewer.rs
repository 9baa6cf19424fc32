//! A viewer: one connection to the door of the streams, with everything that came and when.

use super::demo::{Demo, PATIENCE, Queue};
use super::ts_judge::{self, Arrival, Verdict};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Nothing may keep a viewer waiting for longer than this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Somebody who watches.
pub(crate) struct Viewer {
    reader: BufReader<TcpStream>,
    /// The head of the answer.
    pub(crate) head: String,
    /// How long the answer took to begin.
    pub(crate) waited: Duration,
    /// What has come since the head.
    pub(crate) bytes: Vec<u8>,
    /// When it came, from the head on.
    pub(crate) arrivals: Vec<Arrival>,
    began: Instant,
    last: Instant,
    longest_pause: Duration,
    /// What the machine's other work adds to pauses, where that is counted.
    queue: Option<Queue>,
    /// The longest pause without that.
    longest_own_pause: Duration,
}

/// Connects and asks, and leaves the answer to the caller.
pub(crate) fn ask(address: &str, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    socket
}

impl Viewer {
    /// Asks for a path and reads the answer's head, whatever it says.
    pub(crate) fn ask(address: &str, path: &str) -> Self {
        let asked = Instant::now();
        let mut reader = BufReader::with_capacity(64 << 10, ask(address, path));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(
                reader.read_line(&mut head).unwrap() > 0,
                "an answer without end: '{head}'"
            );
        }
        let now = Instant::now();
        Self {
            reader,
            head,
            waited: now - asked,
            bytes: Vec::new(),
            arrivals: Vec::new(),
            began: now,
            last: now,
            longest_pause: Duration::ZERO,
            queue: None,
            longest_own_pause: Duration::ZERO,
        }
    }

    /// Tunes a channel, which has to succeed.
    pub(crate) fn tune(address: &str, number: &str) -> Self {
        let viewer = Self::ask(address, &format!("/auto/v{number}"));
        assert_eq!(viewer.status(), 200, "{}", viewer.head);
        viewer
    }

    /// Tunes a channel and counts from then on how long the box keeps it waiting.
    pub(crate) fn tune_impatiently(demo: &Demo, number: &str) -> Self {
        let mut viewer = Self::tune(demo.stream(), number);
        viewer.queue = Some(demo.queue());
        viewer
    }

    pub(crate) fn status(&self) -> u16 {
        let code = self.head.split(' ').nth(1).unwrap();
        code.parse().unwrap()
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Takes what comes until then. The stream must not end.
    pub(crate) fn watch_until(&mut self, end: Instant) {
        let mut piece = vec![0; 64 << 10];
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let patience = left.max(Duration::from_millis(1));
            self.reader
                .get_ref()
                .set_read_timeout(Some(patience))
                .unwrap();
            match self.reader.read(&mut piece) {
                Ok(0) => panic!("the stream ended after {:?}", self.began.elapsed()),
                Ok(length) => self.take(&piece[..length]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("the stream broke: {error}"),
            }
        }
        self.pause(self.last.elapsed());
    }

    /// Takes what comes for so long.
    pub(crate) fn watch(&mut self, time: Duration) {
        self.watch_until(Instant::now() + time);
    }

    /// Whether packets come: the first few, and no more.
    pub(crate) fn sees_packets(&mut self) -> bool {
        let mut packets = [0; 2 * 188];
        self.reader.read_exact(&mut packets).is_ok() && packets[0] == 0x47 && packets[188] == 0x47
    }

    /// Everything up to the end of the answer, which has to come.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).unwrap();
        rest
    }

    fn take(&mut self, piece: &[u8]) {
        let now = Instant::now();
        self.pause(now - self.last);
        self.last = now;
        self.bytes.extend_from_slice(piece);
        self.arrivals.push(Arrival {
            end: self.bytes.len(),
            at_ms: (now - self.began).as_secs_f64() * 1000.0,
        });
    }

    fn pause(&mut self, pause: Duration) {
        let queued = self.queue.as_mut().map_or(Duration::ZERO, Queue::since);
        let own = pause.saturating_sub(queued);
        self.longest_pause = self.longest_pause.max(pause);
        self.longest_own_pause = self.longest_own_pause.max(own);
    }

    /// The longest time without a byte.
    pub(crate) fn longest_pause(&self) -> Duration {
        self.longest_pause
    }

    /// Holds that the box never kept the viewer waiting, whatever else the machine had to do.
    #[track_caller]
    pub(crate) fn assert_never_kept_waiting(&self) {
        assert!(self.queue.is_some(), "it was not counted");
        let (pause, of_all) = (self.longest_own_pause, self.longest_pause);
        println!("longest pause {of_all:?}, without the machine's other work {pause:?}");
        assert!(pause <= LONGEST_PAUSE, "nothing came for {pause:?}");
    }

    /// What has come, in whole packets.
    pub(crate) fn packets(&self) -> &[u8] {
        ts_judge::whole_packets(&self.bytes)
    }

    /// What the judge says, the speed included.
    pub(crate) fn verdict(&self) -> Verdict {
        ts_judge::judge_live(self.packets(), &self.arrivals)
    }
}
