//! One connection of the stand-in: requests read, files sent.

use super::{Answer, Asked, Shared};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bytes sent at once: a fault in the middle of a body shows after no more than these.
const PIECE_BYTES: u64 = 64 << 10;

/// Requests that are remembered.
const REMEMBERED: usize = 10_000;

/// Answers the requests of one connection.
pub(super) fn serve(shared: &Shared, stream: &TcpStream, generation: u64) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read_request(&mut reader)? {
        shared.requests.fetch_add(1, Ordering::SeqCst);
        {
            let mut all = shared.asked.lock().unwrap();
            if all.len() < REMEMBERED {
                all.push(asked.clone());
            }
        }
        let (answer, latency) = {
            let mut faults = shared.faults();
            let answer = if faults.times > 0 {
                faults.answer.clone()
            } else {
                Answer::Whole
            };
            faults.times = faults.times.saturating_sub(1);
            (answer, faults.latency)
        };
        if !latency.is_zero() {
            std::thread::sleep(latency);
        }
        if shared.allowed(generation).is_none() {
            break;
        }
        if !give(shared, stream, generation, &asked, answer)? {
            break;
        }
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut range, mut headers) = (String::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("range") {
            range = value.trim().to_owned();
        }
        headers.push(header.to_owned());
    }
    Ok(Some(Asked {
        path,
        range,
        headers,
    }))
}

/// Answers one request; whether another one may follow.
fn give(
    shared: &Shared,
    mut stream: &TcpStream,
    generation: u64,
    asked: &Asked,
    answer: Answer,
) -> io::Result<bool> {
    let short = |status: &str, extra: &str, text: &str| {
        let length = text.len();
        format!("HTTP/1.1 {status}\r\n{extra}Content-Length: {length}\r\n\r\n{text}")
    };
    let said = match &answer {
        Answer::Nothing => return Ok(false),
        Answer::Raw(bytes) => {
            stream.write_all(bytes)?;
            return Ok(false);
        }
        Answer::Status(status) => Some(short(&format!("{status} Told"), "", "no\n")),
        Answer::Page => {
            let html = "Content-Type: text/html; charset=utf-8\r\n";
            Some(short("200 OK", html, "<html>please log in</html>"))
        }
        Answer::Redirect(location) => {
            Some(short("302 Found", &format!("Location: {location}\r\n"), ""))
        }
        _ => None,
    };
    if let Some(said) = said {
        stream.write_all(said.as_bytes())?;
        return Ok(true);
    }
    let path = asked.path.split('?').next().unwrap_or_default();
    let name = path.trim_start_matches('/').replace("%20", " ");
    let Ok(mut file) = File::open(shared.folder.join(name)) else {
        stream.write_all(short("404 Not Found", "", "no such file\n").as_bytes())?;
        return Ok(true);
    };
    let real = file.metadata()?.len();
    let total = match answer {
        Answer::Longer(more) => real + more,
        _ => real,
    };
    let span = match answer {
        Answer::NoRanges | Answer::Made { .. } => None,
        _ => parse_range(&asked.range, total),
    };
    let (from, to) = match span {
        None => (0, total),
        Some((from, to)) if from < to => (from, to),
        Some(_) => {
            let range = format!("Content-Range: bytes */{total}\r\n");
            stream.write_all(short("416 Range Not Satisfiable", &range, "").as_bytes())?;
            return Ok(true);
        }
    };
    let shift = match answer {
        Answer::Shifted(bytes) => bytes,
        _ => 0,
    };
    let mut head = if span.is_some() {
        let (first, last) = (from + shift, to - 1);
        format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{last}/{total}\r\n")
    } else {
        "HTTP/1.1 200 OK\r\n".to_owned()
    };
    head += "Content-Type: video/x-matroska\r\nAccept-Ranges: bytes\r\n";
    head += &if is_chunked(&answer) {
        "Transfer-Encoding: chunked\r\n\r\n".to_owned()
    } else {
        format!("Content-Length: {}\r\n\r\n", to - from)
    };
    stream.write_all(head.as_bytes())?;
    file.seek(SeekFrom::Start(from))?;
    let most = match answer {
        Answer::Truncated(bytes) | Answer::Made { most: bytes, .. } => bytes,
        _ => u64::MAX,
    };
    if let Answer::Made { first_after, .. } = answer {
        std::thread::sleep(first_after);
    }
    let whole = send(shared, stream, generation, &file, to - from, most, &answer)?;
    Ok(whole)
}

fn is_chunked(answer: &Answer) -> bool {
    matches!(answer, Answer::Chunked | Answer::Made { .. })
}

/// Sends a body in pieces; whether it was sent to its end.
fn send(
    shared: &Shared,
    mut stream: &TcpStream,
    generation: u64,
    file: &File,
    mut left: u64,
    mut most: u64,
    answer: &Answer,
) -> io::Result<bool> {
    let piece_bytes = match answer {
        Answer::Made { chunk_bytes, .. } => *chunk_bytes,
        _ => PIECE_BYTES,
    };
    while left > 0 {
        let Some(rate) = shared.allowed(generation) else {
            return Ok(false);
        };
        let mut piece = left.min(piece_bytes).min(most);
        if let Some(rate) = rate {
            piece = piece.min((rate / 50).max(1));
            std::thread::sleep(Duration::from_secs_f64(piece as f64 / rate as f64));
        }
        if piece == 0 {
            return Ok(false);
        }
        if is_chunked(answer) {
            stream.write_all(format!("{piece:x}\r\n").as_bytes())?;
        }
        let sent = io::copy(&mut file.take(piece), &mut stream)?;
        if is_chunked(answer) {
            stream.write_all(b"\r\n")?;
        }
        shared.body_bytes.fetch_add(sent, Ordering::SeqCst);
        if sent < piece {
            return Ok(false);
        }
        left -= sent;
        most -= sent;
    }
    if is_chunked(answer) {
        stream.write_all(b"0\r\n\r\n")?;
    }
    Ok(true)
}

/// `bytes=a-b` or `bytes=a-` as `[from, to)`; `None` for anything else.
fn parse_range(value: &str, total: u64) -> Option<(u64, u64)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let from: u64 = first.parse().ok()?;
    let to = match last {
        "" => total,
        last => last.parse::<u64>().ok()?.saturating_add(1).min(total),
    };
    Some((from, to.max(from)))
}
