//! Somebody between a client and a door, who changes what is said.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub(crate) const PACKET_BYTES: usize = 188;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    Vanishes,
    /// It and all that follow, while the connection stays.
    Silence,
    /// It and all that follow.
    End,
}

/// A door whose documents are changed as text.
pub(crate) fn retold(door: &str, from: String, to: String) -> SocketAddr {
    between(door, move |mut client, mut upstream| {
        let mut answer = String::new();
        if upstream.read_to_string(&mut answer).is_ok() {
            let _ = client.write_all(answer.replace(&from, &to).as_bytes());
        }
    })
}

/// A door whose streams are changed packet by packet.
pub(crate) fn repacked(
    door: &str,
    change: impl Fn(u64, &mut [u8; PACKET_BYTES]) -> Fate + Send + Sync + 'static,
) -> SocketAddr {
    between(door, move |mut client, mut upstream| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if upstream.read_exact(&mut byte).is_err() {
                return;
            }
            head.push(byte[0]);
        }
        if client.write_all(&head).is_err() {
            return;
        }
        let mut packet = [0; PACKET_BYTES];
        for number in 0.. {
            if upstream.read_exact(&mut packet).is_err() {
                return;
            }
            match change(number, &mut packet) {
                Fate::Passes if client.write_all(&packet).is_ok() => {}
                Fate::Vanishes => {}
                Fate::Silence => return thread::sleep(Duration::from_secs(20)),
                Fate::Passes | Fate::End => return,
            }
        }
    })
}

fn between(
    door: &str,
    answer: impl Fn(TcpStream, TcpStream) + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let (door, answer) = (door.to_owned(), Arc::new(answer));
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut upstream = TcpStream::connect(&door).unwrap();
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let mut request = [0; 4096];
                let len = client.read(&mut request).unwrap();
                upstream.write_all(&request[..len]).unwrap();
                answer(client.try_clone().unwrap(), upstream);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    at
}

/// Somebody at UDP and TCP 65001 who answers with this; with nothing where it is empty.
pub(crate) fn found_as(frame: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let socket = UdpSocket::bind(at).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((_, peer)) = socket.recv_from(&mut buffer) {
            if !frame.is_empty() {
                socket.send_to(&frame, peer).unwrap();
            }
        }
    });
    // Connections are taken by the kernel, and nobody says anything.
    thread::spawn(move || (listener, thread::sleep(Duration::from_secs(120))));
    at
}
