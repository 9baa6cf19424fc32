//! The doors over HTTP: a request, a bounded answer, the connection's end.
//!
//! The box closes after each answer and never sends in pieces, as the hardware does; that is all of
//! HTTP/1.1 (RFC 9112) that is understood here.

use super::Finding;
use crate::limits;
use serde_json::Value;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// Longest head of an answer.
const HEAD_BYTES: usize = 16 << 10;

/// An answer that has begun.
#[derive(Debug)]
pub(super) struct Answer<S> {
    pub(super) status: u16,
    head: String,
    /// What has come of the body.
    pub(super) body: Vec<u8>,
    /// Where the rest comes from.
    pub(super) rest: S,
}

/// Sends a request and reads the head of the answer.
///
/// # Errors
/// Those of the connection; what is no HTTP, or does not come in time, is one.
pub(super) async fn ask<S>(mut stream: S, host: &str, path: &str) -> io::Result<Answer<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = read.split_off(end.saturating_add(4));
            let head = String::from_utf8_lossy(&read).into_owned();
            let status = head
                .strip_prefix("HTTP/1.1 ")
                .and_then(|rest| rest.get(..3));
            return Ok(Answer {
                status: status
                    .and_then(|digits| digits.parse().ok())
                    .ok_or(ErrorKind::InvalidData)?,
                head,
                body,
                rest: stream,
            });
        }
        if read.len() > HEAD_BYTES {
            return Err(ErrorKind::InvalidData.into());
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
}

impl<S: AsyncRead + Unpin> Answer<S> {
    /// A field of the head.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The rest of it, to the end of the connection.
    async fn whole(mut self) -> io::Result<Vec<u8>> {
        while self.rest.read_buf(&mut self.body).await? > 0 {
            if self.body.len() > limits::PROOF_DOCUMENT_BYTES {
                return Err(ErrorKind::FileTooLarge.into());
            }
        }
        Ok(self.body)
    }
}

/// A document of a door; anything but 200 is an error.
///
/// # Errors
/// In words.
pub(super) async fn document(at: SocketAddr, path: &str) -> Result<Value, String> {
    let got = async {
        let stream = TcpStream::connect(at).await?;
        let answer = ask(stream, &at.to_string(), path).await?;
        let status = answer.status;
        Ok((status, answer.whole().await?))
    };
    let (status, body) = in_time(got).await.map_err(|why| format!("{at}: {why}"))?;
    if status != 200 {
        return Err(format!("{at} answers {status} to {path}"));
    }
    serde_json::from_slice(&body).map_err(|error| format!("{at}{path} is no JSON: {error}"))
}

/// The number of the device that a door shows.
///
/// # Errors
/// In words.
pub(super) async fn device(at: SocketAddr) -> Result<String, String> {
    let document = document(at, "/discover.json").await?;
    let id = document.get("DeviceID").and_then(Value::as_str);
    id.map(str::to_owned)
        .ok_or_else(|| format!("{at}/discover.json names no DeviceID"))
}

/// Whether another door shows the device that the first one does.
pub(super) async fn same_device(name: &'static str, at: SocketAddr, id: Option<&str>) -> Finding {
    let wanted = match id {
        Some(id) => format!("device {id}"),
        None => "the device of the web door".to_owned(),
    };
    let seen = device(at).await.and_then(|here| {
        let saw = format!("device {here} at {at}");
        if id == Some(here.as_str()) {
            Ok(saw)
        } else {
            Err(saw)
        }
    });
    Finding::of(name, wanted, seen)
}

/// Whether all that the box keeps is whole.
pub(super) async fn store(control: &Path) -> Finding {
    let limit = Duration::from_millis(limits::STORE_CHECK_MS + limits::PROOF_ANSWER_MS);
    let got = async {
        let stream = UnixStream::connect(control).await?;
        ask(stream, "localhost", "/api/store/check")
            .await?
            .whole()
            .await
    };
    let read = timeout(limit, got)
        .await
        .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
    let seen = match read {
        Err(error) => Err(format!("{}: {error}", control.display())),
        Ok(body) => {
            let told: Value = serde_json::from_slice(&body).unwrap_or_default();
            let why = told.get("why").and_then(Value::as_str);
            match told.get("whole").and_then(Value::as_bool) {
                Some(true) => Ok("the store is whole".to_owned()),
                Some(false) => Err(why.unwrap_or("the store is damaged").to_owned()),
                None => Err("the box does not tell how the store is".to_owned()),
            }
        }
    };
    Finding::of("store", "a store that is whole", seen)
}

/// What is to be had within the time that a door has.
pub(super) async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> Result<T, String> {
    let limit = Duration::from_millis(limits::PROOF_ANSWER_MS);
    match timeout(limit, work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}
