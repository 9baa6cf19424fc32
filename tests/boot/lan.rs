//! The other end of a board's network cable: Ethernet frames as QEMU's `dgram` network carries them,
//! with as much of IPv6 (RFC 8200), neighbour discovery (RFC 4861) and TCP (RFC 9293) as knocking at
//! ports takes.

use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The board's card, and the address of the link that it gives itself by that (RFC 4291, appendix A).
const BOARD_MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x99];
const OUR_MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x01];

/// The port that we knock from.
const FROM_PORT: u16 = 40_000;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

type Address = [u8; 16];

fn link_local(mac: [u8; 6]) -> Address {
    let mut address = [0; 16];
    address[..2].copy_from_slice(&[0xfe, 0x80]);
    address[8..].copy_from_slice(&[
        mac[0] ^ 2,
        mac[1],
        mac[2],
        0xff,
        0xfe,
        mac[3],
        mac[4],
        mac[5],
    ]);
    address
}

/// One end of the cable.
pub(crate) struct Cable {
    socket: UnixDatagram,
    board: PathBuf,
}

impl Cable {
    /// Lies between two sockets in a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let socket = UnixDatagram::bind(folder.join("ours")).unwrap();
        socket.set_nonblocking(true).unwrap();
        let board = folder.join("board");
        Self { socket, board }
    }

    /// What QEMU is told of it.
    pub(crate) fn options(&self) -> Vec<String> {
        let ours = self.board.with_file_name("ours");
        let mac = BOARD_MAC.map(|byte| format!("{byte:02x}")).join(":");
        vec![
            "-netdev".into(),
            format!(
                "dgram,id=cable,local.type=unix,local.path={},remote.type=unix,remote.path={}",
                self.board.display(),
                ours.display()
            ),
            "-device".into(),
            format!("virtio-net-pci,netdev=cable,mac={mac},romfile="),
        ]
    }

    /// Knocks at these ports of the board over TCP, several times, and gives those at which somebody
    /// opens and those at which it is said that nobody is there.
    pub(crate) fn knock(&self, ports: impl Iterator<Item = u16> + Clone) -> [BTreeSet<u16>; 2] {
        let mut answered = [BTreeSet::new(), BTreeSet::new()];
        for _round in 0..3 {
            for port in ports.clone() {
                self.send(&syn(port));
                self.listen(&mut answered);
            }
            let end = Instant::now() + PATIENCE;
            while Instant::now() < end {
                self.listen(&mut answered);
                std::thread::yield_now();
            }
        }
        answered
    }

    /// Waits while the board's queue is full: a frame that nobody saw proves nothing.
    fn send(&self, frame: &[u8]) {
        let end = Instant::now() + PATIENCE;
        while let Err(error) = self.socket.send_to(frame, &self.board) {
            assert!(Instant::now() < end, "the cable: {error}");
            std::thread::yield_now();
        }
    }

    fn listen(&self, answered: &mut [BTreeSet<u16>; 2]) {
        let mut frame = [0; 2048];
        while let Ok(length) = self.socket.recv(&mut frame) {
            let Some(packet) = for_us(&frame[..length]) else {
                continue;
            };
            let (kind, body) = (packet[6], &packet[40..]);
            // A neighbour solicitation, to ff02::1:ff00:0/104 or to us.
            if kind == 58 && body.len() >= 24 && body[0] == 135 {
                if body[8..24] == link_local(OUR_MAC) {
                    self.send(&advertisement(&packet[8..24]));
                }
            } else if kind == 6 && body.len() >= 20 && packet[24..40] == link_local(OUR_MAC) {
                let port = u16::from_be_bytes([body[0], body[1]]);
                let flags = body[13];
                answered[usize::from(flags & 0x04 != 0)].insert(port);
            }
        }
    }
}

/// The packet of a frame with IPv6 in it.
fn for_us(frame: &[u8]) -> Option<&[u8]> {
    let is_ipv6 = frame.len() >= 54 && frame[12..14] == [0x86, 0xdd];
    is_ipv6.then(|| &frame[14..])
}

/// "Is somebody at this port?"
fn syn(port: u16) -> Vec<u8> {
    let mut body = vec![0; 20];
    body[..2].copy_from_slice(&FROM_PORT.to_be_bytes());
    body[2..4].copy_from_slice(&port.to_be_bytes());
    body[4..8].copy_from_slice(&u32::from(port).to_be_bytes());
    body[12] = 5 << 4;
    body[13] = 0x02;
    body[14..16].copy_from_slice(&[0xff, 0xff]);
    frame(&link_local(BOARD_MAC), 6, 16, body)
}

/// "I am here."
fn advertisement(to: &[u8]) -> Vec<u8> {
    let mut body = vec![136, 0, 0, 0, 0x60, 0, 0, 0];
    body.extend(link_local(OUR_MAC));
    body.extend([2, 1]);
    body.extend(OUR_MAC);
    frame(to, 58, 2, body)
}

/// A body in IPv6 in Ethernet; `sum_at` is where its checksum belongs.
fn frame(to: &[u8], kind: u8, sum_at: usize, mut body: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let from = link_local(OUR_MAC);
    let mut summed = [&from, to, &[0, 0], &length.to_be_bytes()].concat();
    summed.extend([0, 0, 0, kind]);
    summed.extend(&body);
    let mut sum: u32 = summed
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    body[sum_at..sum_at + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    let mut frame = [BOARD_MAC, OUR_MAC].concat();
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([kind, 255]);
    frame.extend(from);
    frame.extend(to);
    frame.extend(body);
    frame
}
