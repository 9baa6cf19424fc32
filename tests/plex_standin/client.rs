//! A client of few words: HTTP/1.1 by hand, one connection per request, so that it shares nothing
//! with what it judges.

use crate::plex::Standin;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer: its status, its headers, and what is left of it to read.
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    stream: BufReader<TcpStream>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        let found = all.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    /// The whole body; an error if it breaks off.
    pub(crate) fn body(mut self) -> std::io::Result<Vec<u8>> {
        let length = self
            .header("content-length")
            .map(|text| text.parse().unwrap());
        let mut body = Vec::new();
        let Some(length) = length else {
            while let Some(piece) = self.chunk()? {
                body.extend(piece);
            }
            return Ok(body);
        };
        body.resize(length, 0);
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    /// The next chunk of a body that has no length.
    pub(crate) fn chunk(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        assert_eq!(self.header("transfer-encoding"), Some("chunked"));
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut piece = vec![0; length + 2];
        self.stream.read_exact(&mut piece)?;
        piece.truncate(length);
        Ok((length > 0).then_some(piece))
    }

    /// So many bytes of the body, and the rest stays.
    pub(crate) fn take(&mut self, length: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// How long reading waits.
    pub(crate) fn patience(&self, patience: Duration) {
        let stream = self.stream.get_ref();
        stream.set_read_timeout(Some(patience)).unwrap();
    }

    pub(crate) fn text(self) -> String {
        String::from_utf8(self.body().unwrap()).unwrap()
    }

    pub(crate) fn json(self) -> Value {
        assert_eq!(self.status, 200);
        serde_json::from_slice(&self.body().unwrap()).unwrap()
    }
}

/// Sends a request to a base address.
pub(crate) fn send(method: &str, base: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    try_send(method, base, path, headers).unwrap()
}

pub(crate) fn try_send(
    method: &str,
    base: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Reply> {
    let host = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(Reply {
        status,
        headers,
        stream,
    })
}

/// GET with the token, in JSON.
pub(crate) fn get(standin: &Standin, path: &str) -> Reply {
    get_with(standin, path, &[("Accept", "application/json")])
}

/// GET with the token and these headers.
pub(crate) fn get_with(standin: &Standin, path: &str, headers: &[(&str, &str)]) -> Reply {
    let token = standin.token();
    let mut all = vec![("X-Plex-Token", token.as_str())];
    all.extend(headers);
    send("GET", &standin.url(), path, &all)
}

/// The container that a path gives.
pub(crate) fn container(standin: &Standin, path: &str) -> Value {
    get(standin, path).json()["MediaContainer"].take()
}

/// The rows that a path gives.
pub(crate) fn rows(standin: &Standin, path: &str) -> Vec<Value> {
    match container(standin, path)["Metadata"].take() {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
}

/// The row of a title, as a list has it.
pub(crate) fn titled(standin: &Standin, section: u32, kind: u32, title: &str) -> Value {
    let path = format!("/library/sections/{section}/all?type={kind}&title=");
    let title = title.replace(' ', "%20");
    rows(standin, &(path + &title)).remove(0)
}

/// The key of a row's first part.
pub(crate) fn part_key(row: &Value) -> String {
    let key = &row["Media"][0]["Part"][0]["key"];
    key.as_str().unwrap().to_owned()
}
