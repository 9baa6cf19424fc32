//! A stream in datagrams: seven packets in each, bare over UDP or behind a header of RTP (RFC 3550,
//! payload type 33 of RFC 3551), for clients that do not fetch it over HTTP.
//!
//! It goes to whoever asked for it and to nobody else. Its receiver says once a second that it is
//! still there; where it does not, the stream ends.

use super::filter::Filter;
use crate::limits;
use crate::tuner::Lease;
use socket2::SockRef;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

const PACKET_BYTES: usize = 188;

/// Packets in a datagram.
const PACKETS: usize = 7;

const RTP_BYTES: usize = 12;

/// Version 2, and the payload type of a transport stream.
const RTP_HEAD: [u8; 2] = [0x80, 33];

/// Where a stream goes, and in what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    transport: Transport,
    pub(super) to: SocketAddr,
}

/// What the packets are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Rtp,
}

/// This is no address for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTarget;

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        let (transport, to) = match text.split_once("://") {
            Some(("udp", to)) => (Transport::Udp, to),
            Some(("rtp", to)) => (Transport::Rtp, to),
            Some(_) => return Err(NoTarget),
            None => (Transport::Udp, text),
        };
        let to: SocketAddr = to.parse().map_err(|_| NoTarget)?;
        if to.port() == 0 {
            return Err(NoTarget);
        }
        Ok(Self { transport, to })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            Transport::Udp => "udp",
            Transport::Rtp => "rtp",
        };
        write!(f, "{scheme}://{}", self.to)
    }
}

/// A stream that is being sent. Dropping it ends it soon.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) target: Target,
    heard: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Sending {
    /// Sends what a lease gives to the target, from `local`. The beginning comes no faster than
    /// `bits_per_second`: receivers hold less than a stream brings along.
    ///
    /// # Errors
    /// There is no way from here to there.
    pub(super) async fn begin(
        lease: Lease,
        (local, target): (IpAddr, Target),
        filter: Filter,
        bits_per_second: u64,
    ) -> io::Result<Self> {
        let socket = UdpSocket::bind((local, 0)).await?;
        socket.connect(target.to).await?;
        SockRef::from(&socket).set_send_buffer_size(limits::STREAM_SOCKET_SEND_BYTES)?;
        let sender = Sender::new(socket, target.transport, filter, bits_per_second);
        let heard = Arc::new(Notify::new());
        let hearing = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            let tuner = lease.tuner();
            log::info!("tuner{tuner}: sends to {target}");
            let why = send(lease, sender, &hearing).await;
            log::info!("tuner{tuner}: {target} {why}");
        });
        Ok(Self {
            target,
            heard,
            task,
        })
    }

    /// The receiver has said that it is there.
    pub(super) fn hear(&self) {
        self.heard.notify_one();
    }

    /// Whether it has ended by itself.
    pub(super) fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Ends it; returns when its tuner is free.
    pub(super) async fn end(mut self) {
        self.task.abort();
        // It ends with its panic, which is told, or because it was told to.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends until nobody takes it any more; says why.
async fn send(mut lease: Lease, mut sender: Sender, heard: &Notify) -> &'static str {
    let patience = Duration::from_millis(limits::TARGET_SILENT_MS);
    let silent = sleep(patience);
    tokio::pin!(silent);
    loop {
        tokio::select! {
            biased;
            () = heard.notified() => silent.as_mut().reset(Instant::now() + patience),
            () = &mut silent => return "is not heard any more",
            packets = lease.next() => if let Err(error) = sender.send(&packets).await {
                log::debug!("a datagram cannot be sent: {error}");
                return "takes nothing any more";
            },
        }
    }
}

/// Packs packets into datagrams.
struct Sender {
    socket: UdpSocket,
    transport: Transport,
    filter: Filter,
    /// How long a datagram is on its way at the highest rate.
    pause: Duration,
    /// When the next one may go.
    due: Instant,
    begun: Instant,
    sequence: u16,
    packed: Vec<u8>,
}

impl Sender {
    fn new(socket: UdpSocket, transport: Transport, filter: Filter, bits_per_second: u64) -> Self {
        let bits = 8_000_000 * (PACKET_BYTES * PACKETS) as u64;
        let now = Instant::now();
        Self {
            socket,
            transport,
            filter,
            pause: Duration::from_micros(bits / bits_per_second.max(1)),
            due: now + Duration::from_millis(limits::TARGET_SETTLE_MS),
            begun: now,
            sequence: 0,
            packed: Vec::with_capacity(RTP_BYTES + PACKET_BYTES * PACKETS),
        }
    }

    /// Sends packets as far as they fill datagrams, and keeps the rest for the next time.
    async fn send(&mut self, packets: &[u8]) -> io::Result<()> {
        let (packets, _) = packets.as_chunks::<PACKET_BYTES>();
        for packet in packets {
            if !self.filter.lets(packet) {
                continue;
            }
            if self.packed.is_empty() && self.transport == Transport::Rtp {
                let head = self.head();
                self.packed.extend_from_slice(&head);
            }
            self.packed.extend_from_slice(packet);
            if self.packed.len() >= PACKET_BYTES * PACKETS {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if self.due > now + self.pause * limits::TARGET_BURST {
            sleep_until(self.due).await;
        }
        self.due = self.due.max(now) + self.pause;
        self.socket.send(&self.packed).await?;
        self.packed.clear();
        Ok(())
    }

    /// The header of RTP for the next datagram.
    fn head(&mut self) -> [u8; RTP_BYTES] {
        let elapsed_90k = self.begun.elapsed().as_micros().saturating_mul(9) / 100;
        // Modulo 2³², as RTP counts.
        let [.., t0, t1, t2, t3] = elapsed_90k.to_be_bytes();
        let [s0, s1] = self.sequence.to_be_bytes();
        self.sequence = self.sequence.wrapping_add(1);
        let [version, payload] = RTP_HEAD;
        // One source, which has no number of its own.
        [version, payload, s0, s1, t0, t1, t2, t3, 0, 0, 0, 0]
    }
}

#[cfg(test)]
mod tests {
    use super::{NoTarget, Sender, Target, Transport};
    use crate::discover::control::filter::Filter;
    use std::net::Ipv4Addr;
    use std::time::Duration;
    use tokio::net::UdpSocket;
    use tokio::time::Instant;

    #[test]
    fn targets_are_written_as_they_are_read() {
        for text in [
            "udp://10.0.0.2:5000",
            "rtp://10.0.0.2:5000",
            "udp://[fd99::2]:5000",
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        let bare: Target = "10.0.0.2:5000".parse().unwrap();
        assert_eq!(bare.to_string(), "udp://10.0.0.2:5000");
        for text in [
            "",
            "none",
            "http://10.0.0.2:1",
            "udp://tv:1",
            "udp://10.0.0.2",
            "10.0.0.2:0",
        ] {
            assert_eq!(text.parse::<Target>(), Err(NoTarget), "{text}");
        }
    }

    /// One that can be asked what it has got.
    fn receiver() -> std::net::UdpSocket {
        let receiver = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        receiver.set_nonblocking(true).unwrap();
        receiver
    }

    fn packets(count: u8) -> Vec<u8> {
        let packet = |number| {
            let mut packet = [number; 188];
            packet[..3].copy_from_slice(&[0x47, 0x01, number % 2]);
            packet
        };
        (0..count).flat_map(packet).collect()
    }

    /// Everything that comes out of packets that go in in pieces.
    async fn through(transport: Transport, filter: &str) -> Vec<Vec<u8>> {
        let receiver = receiver();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        socket
            .connect(receiver.local_addr().unwrap())
            .await
            .unwrap();
        let filter: Filter = filter.parse().unwrap();
        let mut sender = Sender::new(socket, transport, filter, 100_000_000);
        let packets = packets(30);
        tokio::time::pause();
        for piece in [&packets[..188], &packets[188..188 * 9], &packets[188 * 9..]] {
            sender.send(piece).await.unwrap();
        }
        let mut got = Vec::new();
        let mut buffer = [0; 2_000];
        while let Ok(len) = receiver.recv(&mut buffer) {
            got.push(buffer[..len].to_vec());
        }
        got
    }

    #[tokio::test]
    async fn seven_packets_go_in_each_datagram() {
        let got = through(Transport::Udp, "0x0000-0x1fff").await;
        assert!(got.concat() == packets(28));
        assert!(got.iter().all(|one| one.len() == 7 * 188));
    }

    #[tokio::test]
    async fn rtp_counts_its_datagrams() {
        let got = through(Transport::Rtp, "0x0000-0x1fff").await;
        for (number, one) in got.iter().enumerate() {
            assert_eq!(one[..4], [0x80, 33, 0, u8::try_from(number).unwrap()]);
        }
        let bodies: Vec<u8> = got.iter().flat_map(|one| one[12..].to_vec()).collect();
        assert!(bodies == packets(28));
    }

    #[tokio::test]
    async fn only_the_wanted_pids_are_sent() {
        let got = through(Transport::Udp, "0x0101").await.concat();
        assert_eq!(got.len(), 14 * 188);
        assert!(got.as_chunks::<188>().0.iter().all(|packet| packet[2] == 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_beginning_comes_no_faster_than_it_may() {
        let receiver = receiver();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        socket
            .connect(receiver.local_addr().unwrap())
            .await
            .unwrap();
        let all: Filter = "0x0000-0x1fff".parse().unwrap();
        // A megabyte at eight megabits per second.
        let mut sender = Sender::new(socket, Transport::Udp, all, 8_000_000);
        let begun = Instant::now();
        for _ in 0..760 {
            sender.send(&packets(7)).await.unwrap();
        }
        let took = begun.elapsed();
        assert!(
            (Duration::from_millis(1_200)..Duration::from_millis(1_300)).contains(&took),
            "{took:?}"
        );
    }
}
