//! A stream in datagrams: seven packets in each, bare over UDP or behind a header of RTP (RFC 3550,
//! payload type 33 of RFC 3551), for clients that do not fetch it over HTTP.
//!
//! It goes to whoever asked for it and to nobody else. Its receiver says once a second that it is
//! still there; where it does not, the stream ends.

use super::desk::{Client, Denial};
use super::filter::Filter;
use crate::limits;
use crate::model::ChannelNumber;
use crate::tuner::{Lease, Tuners, Want};
use socket2::SockRef;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

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

impl Target {
    /// Whether a peer is the receiver.
    pub(super) fn is(&self, peer: SocketAddr) -> bool {
        (self.host(), self.to.port()) == (peer.ip().to_canonical(), peer.port())
    }

    /// The machine of the receiver.
    pub(super) fn host(&self) -> IpAddr {
        self.to.ip().to_canonical()
    }
}

/// What is to be sent, and where.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) tuner: usize,
    pub(super) channel: ChannelNumber,
    pub(super) target: Target,
    /// The ends of the connection on which it was asked for.
    pub(super) client: Client,
    pub(super) filter: Filter,
    /// The beginning comes no faster: receivers hold less than a stream brings along.
    pub(super) bits_per_second: u64,
}

/// A stream that is being sent. Dropping it ends it soon.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) target: Target,
    pub(super) channel: ChannelNumber,
    filter_tx: watch::Sender<Filter>,
    heard: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Sending {
    /// Begins to send. Returns when the stream is on air, and where that takes long before it is:
    /// libhdhomerun waits 2.5 s for an answer.
    ///
    /// # Errors
    /// It was refused, or there is no way from here to there.
    pub(super) async fn begin(order: Order, tuners: Arc<Tuners>) -> Result<Self, Denial> {
        let Order {
            tuner,
            channel,
            target,
            ..
        } = order;
        let socket = socket(&order).await.map_err(|error| {
            log::warn!("tuner{tuner}: cannot send to {target}: {error}");
            Denial::Refused("there is no way to this target")
        })?;
        let (filter_tx, filter_rx) = watch::channel(order.filter);
        let sender = Sender::new(socket, target.transport, filter_rx, order.bits_per_second);
        let (begun_tx, begun_rx) = oneshot::channel();
        let heard = Arc::new(Notify::new());
        let hearing = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            let lease = tuners
                .lease(channel, Want::Controlled(tuner), target.to)
                .await;
            let lease = match lease {
                Ok(lease) => lease,
                Err(refusal) => {
                    log::info!("tuner{tuner}: {target} is refused: {}", refusal.code());
                    let _ = begun_tx.send(Err(refusal));
                    return;
                }
            };
            let _ = begun_tx.send(Ok(()));
            log::info!("tuner{tuner}: sends {channel} to {target}");
            let why = send(lease, sender, &hearing).await;
            log::info!("tuner{tuner}: {target} {why}");
        });
        let sending = Self {
            target,
            channel,
            filter_tx,
            heard,
            task,
        };
        let patience = Duration::from_millis(limits::TARGET_BEGIN_MS);
        match timeout(patience, begun_rx).await {
            Ok(Ok(Err(refusal))) => Err(Denial::Refused(refusal.code())),
            _ => Ok(sending),
        }
    }

    /// The receiver has said that it is there.
    pub(super) fn hear(&self) {
        self.heard.notify_one();
    }

    /// Sends other packets from now on.
    pub(super) fn filter(&self, filter: &Filter) {
        self.filter_tx.send_if_modified(|known| {
            let is_other = known != filter;
            known.clone_from(filter);
            is_other
        });
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

/// A socket from where the client has reached the box to where the stream goes. An address of the
/// link is on the link of the connection.
async fn socket(order: &Order) -> io::Result<UdpSocket> {
    let Client { peer, mut local } = order.client;
    local.set_port(0);
    let mut to = order.target.to;
    if let (SocketAddr::V6(to), SocketAddr::V6(peer)) = (&mut to, peer) {
        to.set_scope_id(peer.scope_id());
    }
    let socket = UdpSocket::bind(local).await?;
    socket.connect(to).await?;
    SockRef::from(&socket).set_send_buffer_size(limits::STREAM_SOCKET_SEND_BYTES)?;
    Ok(socket)
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
    filter_rx: watch::Receiver<Filter>,
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
    fn new(
        socket: UdpSocket,
        transport: Transport,
        mut filter_rx: watch::Receiver<Filter>,
        bits_per_second: u64,
    ) -> Self {
        let filter = filter_rx.borrow_and_update().clone();
        let bits = 8_000_000 * (PACKET_BYTES * PACKETS) as u64;
        let now = Instant::now();
        Self {
            socket,
            transport,
            filter_rx,
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
        if self.filter_rx.has_changed().unwrap_or(false) {
            self.filter = self.filter_rx.borrow_and_update().clone();
        }
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
    use tokio::sync::watch;
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
        let (_filter_tx, filter_rx) = watch::channel(filter.parse::<Filter>().unwrap());
        let mut sender = Sender::new(socket, transport, filter_rx, 100_000_000);
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
        let (_filter_tx, filter_rx) = watch::channel(Filter::default());
        // A megabyte at eight megabits per second.
        let mut sender = Sender::new(socket, Transport::Udp, filter_rx, 8_000_000);
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
