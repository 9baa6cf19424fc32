//! Being found: the question of every client over UDP, and a variable over TCP.

use super::Finding;
use super::door::in_time;
use super::frame::{
    ASK, BASE_URL, DEVICE_ID, DEVICE_TYPE, DISCOVER, DISCOVERED, FRAME_BYTES, NAME, TOLD, VALUE,
    payload, value, written,
};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// Any device.
const ANY: &[u8] = &[0xFF; 4];

/// Datagrams get lost: the question is repeated so often, after so long.
const TRIES: usize = 4;
const AGAIN: Duration = Duration::from_millis(500);

/// Whether the box answers who looks for it, with its own number.
pub(super) async fn found(at: SocketAddr, id: Option<&str>) -> Finding {
    let wanted = match id {
        Some(id) => format!("device {id} found over UDP at {at}"),
        None => format!("the device of the web door found over UDP at {at}"),
    };
    let seen = match in_time(searched(at)).await {
        Err(why) => Err(format!("UDP {at}: {why}")),
        Ok((here, root)) => {
            let saw = format!("device {here} found, at {root}");
            if id == Some(here.as_str()) {
                Ok(saw)
            } else {
                Err(saw)
            }
        }
    };
    Finding::of("discovery", wanted, seen)
}

/// Whether the box tells what it is to who controls it.
pub(super) async fn controlled(at: SocketAddr) -> Finding {
    let wanted = format!("a model told over TCP at {at}");
    let seen = match in_time(model(at)).await {
        Ok(model) if !model.is_empty() => Ok(format!("/sys/model is {model}")),
        Ok(_) => Err("/sys/model is empty".to_owned()),
        Err(why) => Err(format!("TCP {at}: {why}")),
    };
    Finding::of("control", wanted, seen)
}

/// Asks who is there; the number and the root of whoever answers.
async fn searched(at: SocketAddr) -> io::Result<(String, String)> {
    let own: SocketAddr = if at.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(at).await?;
    let question = written(DISCOVER, &[(DEVICE_TYPE, ANY), (DEVICE_ID, ANY)]);
    let mut buffer = [0; FRAME_BYTES + 1];
    for _ in 0..TRIES {
        socket.send(&question).await?;
        let Ok(received) = timeout(AGAIN, socket.recv(&mut buffer)).await else {
            continue;
        };
        let frame = buffer.get(..received?).unwrap_or_default();
        let read = payload(frame, DISCOVERED).and_then(|told| {
            let id = u32::from_be_bytes(value(told, DEVICE_ID)?.try_into().ok()?);
            let root = String::from_utf8_lossy(value(told, BASE_URL)?).into_owned();
            Some((format!("{id:08X}"), root))
        });
        return read.ok_or(ErrorKind::InvalidData.into());
    }
    Err(ErrorKind::TimedOut.into())
}

/// Asks for the model.
async fn model(at: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(at).await?;
    stream
        .write_all(&written(ASK, &[(NAME, b"/sys/model\0")]))
        .await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [_, _, l0, l1] = head;
    // The payload, and the checksum behind it.
    let rest = usize::from(u16::from_be_bytes([l0, l1])).saturating_add(4);
    if rest > FRAME_BYTES {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut frame = head.to_vec();
    frame.resize(head.len().saturating_add(rest), 0);
    if let Some(place) = frame.get_mut(head.len()..) {
        stream.read_exact(place).await?;
    }
    let told = payload(&frame, TOLD).and_then(|told| value(told, VALUE));
    let told = told.ok_or(ErrorKind::InvalidData)?;
    let text = String::from_utf8_lossy(told);
    Ok(text.trim_end_matches('\0').to_owned())
}
