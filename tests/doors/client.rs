//! A raw client: bytes in, bytes out.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Sends bytes and reads until the box closes.
pub(crate) async fn say(door: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(door).await.unwrap();
    // The box may hang up on a flood before all of it is sent.
    let _ = socket.write_all(bytes).await;
    rest(&mut socket).await
}

pub(crate) async fn rest(socket: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(60), socket.read_to_end(&mut answer)).await;
    // A reset after the answer is no answer lost.
    let _ = read.expect("the box closes the connection");
    answer
}

pub(crate) fn split(answer: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    (format!("{head}\r\n"), body.to_owned())
}

pub(crate) fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap_or("0").parse().unwrap_or(0)
}

/// Asks for a stream and reads its head and first packet.
pub(crate) async fn tune(door: SocketAddr, target: &str) -> (TcpStream, String, Vec<u8>) {
    let mut socket = TcpStream::connect(door).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: telly\r\nRange: bytes=0-\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reads = async {
        loop {
            if let Some(at) = answer.windows(4).position(|four| four == b"\r\n\r\n")
                && (answer.len() >= at + 4 + 188 || !answer.starts_with(b"HTTP/1.1 200"))
            {
                return at + 4;
            }
            if socket.read_buf(&mut answer).await.unwrap() == 0 {
                return answer.len();
            }
        }
    };
    let at = timeout(Duration::from_secs(10), reads).await.unwrap();
    let packets = answer.split_off(at);
    (socket, String::from_utf8(answer).unwrap(), packets)
}
