//! How long a viewer waits in the middle of a film: for the first byte, the box beside ffmpeg, in
//! turns, in one run; and for the first picture that ffmpeg decodes of the box's stream.
//! `scripts/bench` runs it; methods and figures are in `docs/benchmarks.md`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const ROUNDS: usize = 40;
const MINUTES: u32 = 20;
/// What p95 of the first byte has to stay under.
const BYTE_LIMIT_MS: f64 = 25.0;
const PICTURE_ROUNDS: usize = 10;
/// What the median of the first picture has to stay under.
const PICTURE_LIMIT_MS: f64 = 500.0;

fn main() -> Outcome<()> {
    let mut out = std::io::stdout();
    let mut met = true;
    for name in ["mp4", "mkv"] {
        let film = film(name)?;
        let folder = film.parent().ok_or("the film has no folder")?;
        let mut home = Running::start(folder)?;
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for _ in 0..ROUNDS {
            ours.push(home.first_byte()?);
            theirs.push(ffmpeg_first_byte(&film)?);
        }
        let size = std::fs::metadata(&film)?.len() / 1_000_000;
        writeln!(
            out,
            "first byte, {name}, {size} MB, {ROUNDS} tunes at new offsets (ms):"
        )?;
        let (our_median, our_p95) = quantiles(&mut ours);
        let (their_median, their_p95) = quantiles(&mut theirs);
        writeln!(out, "  the box   p50 {our_median:8.2}   p95 {our_p95:8.2}")?;
        writeln!(
            out,
            "  ffmpeg    p50 {their_median:8.2}   p95 {their_p95:8.2}"
        )?;
        let (half, most) = (their_median / our_median, their_p95 / our_p95);
        writeln!(out, "  ratio     p50 {half:8.1}x  p95 {most:8.1}x")?;
        met &= our_p95 <= BYTE_LIMIT_MS;
        let mut pictures = Vec::new();
        for _ in 0..PICTURE_ROUNDS {
            pictures.push(home.first_picture()?);
        }
        let (median, p95) = quantiles(&mut pictures);
        writeln!(
            out,
            "  ffmpeg's first picture of the box, {PICTURE_ROUNDS} tunes (ms):"
        )?;
        writeln!(out, "  default   p50 {median:8.2}   p95 {p95:8.2}")?;
        met &= median <= PICTURE_LIMIT_MS;
    }
    let limits = format!("first byte p95 {BYTE_LIMIT_MS} ms, first picture {PICTURE_LIMIT_MS} ms");
    writeln!(
        out,
        "limits ({limits}): {}",
        if met { "met" } else { "NOT met" }
    )?;
    if met {
        Ok(())
    } else {
        Err("the limits are not met".into())
    }
}

/// A film of 20 minutes at 8 Mb/s, made once: one minute of noise and a test picture, repeated.
fn film(extension: &str) -> Outcome<PathBuf> {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let folder = base.join(extension);
    std::fs::create_dir_all(&folder)?;
    let film = folder.join(format!("Long Film (2001).{extension}"));
    let minute = base.join("minute.mp4");
    let picture = "testsrc2=s=1280x720:r=24000/1001,noise=alls=40:allf=t";
    let tone = "sine=f=440:r=48000";
    if !minute.exists() {
        let coded = "-t 60 -c:v libx264 -preset ultrafast -b:v 8M -maxrate 8M -bufsize 8M -g 48 \
                     -bf 2 -c:a aac -b:a 192k -ac 2";
        let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone];
        ffmpeg(
            Command::new("ffmpeg")
                .args(inputs)
                .args(coded.split_whitespace())
                .arg(&minute),
        )?;
    }
    if !film.exists() {
        let times = (MINUTES - 1).to_string();
        ffmpeg(
            Command::new("ffmpeg")
                .args(["-stream_loop", &times, "-i"])
                .arg(&minute)
                .args(["-c", "copy"])
                .arg(&film),
        )?;
    }
    Ok(film)
}

fn ffmpeg(command: &mut Command) -> Outcome<()> {
    let status = command.args(["-v", "error", "-y"]).status()?;
    if status.success() {
        Ok(())
    } else {
        Err("ffmpeg could not make the film".into())
    }
}

/// A running box whose only channel is the film.
struct Running {
    child: Child,
    stream: String,
    started: Instant,
}

impl Running {
    fn start(folder: &Path) -> Outcome<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_exstreamtv"))
            .args([
                "demo",
                "--channels",
                "1",
                "--web",
                "127.0.0.1:0",
                "--stream",
                "127.0.0.1:0",
            ])
            .arg("--media")
            .arg(folder)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let after = line
            .split("\"stream\":\"")
            .nth(1)
            .ok_or("no listening line")?;
        let stream = after.split('"').next().ok_or("no address")?.to_owned();
        let home = Self {
            child,
            stream,
            started: Instant::now(),
        };
        while home.tune().is_err() {
            if home.started.elapsed() > Duration::from_secs(60) {
                return Err("the box has no channel after a minute".into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(home)
    }

    /// Milliseconds from connecting to the first byte of the stream.
    fn first_byte(&mut self) -> Outcome<f64> {
        let begun = Instant::now();
        self.tune()?;
        Ok(begun.elapsed().as_secs_f64() * 1000.0)
    }

    /// Milliseconds from starting ffmpeg, with its default options, to the first picture out of it.
    fn first_picture(&self) -> Outcome<f64> {
        let url = format!("http://{}/auto/v1", self.stream);
        let arguments = ["-v", "error", "-nostdin", "-i", &url, "-frames:v", "1"];
        let mut command = Command::new("ffmpeg");
        command.args(arguments).args(["-f", "rawvideo", "pipe:1"]);
        first_output(&mut command)
    }

    fn tune(&self) -> Outcome<()> {
        let mut socket = TcpStream::connect(&self.stream)?;
        socket.write_all(b"GET /auto/v1 HTTP/1.1\r\nHost: box\r\n\r\n")?;
        let mut reader = BufReader::new(socket);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if !line.contains(" 200 ") {
            return Err(line.into());
        }
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line)?;
        }
        let mut packet = [0; 188];
        reader.read_exact(&mut packet)?;
        if packet.first() == Some(&0x47) {
            Ok(())
        } else {
            Err("no packet".into())
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same from ffmpeg: a process that seeks to the middle and copies to a pipe.
fn ffmpeg_first_byte(film: &Path) -> Outcome<f64> {
    let middle = (MINUTES * 30).to_string();
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-nostdin", "-ss", &middle, "-i"])
        .arg(film);
    command.args(["-c", "copy", "-f", "mpegts", "pipe:1"]);
    first_output(&mut command)
}

/// Milliseconds from starting a program to its first output.
fn first_output(command: &mut Command) -> Outcome<f64> {
    let begun = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut first = [0; 188];
    child
        .stdout
        .take()
        .ok_or("no output")?
        .read_exact(&mut first)?;
    let waited = begun.elapsed().as_secs_f64() * 1000.0;
    child.kill()?;
    child.wait()?;
    Ok(waited)
}

/// Median and 95th percentile.
fn quantiles(figures: &mut [f64]) -> (f64, f64) {
    figures.sort_by(f64::total_cmp);
    let at = |share: usize| figures.get((figures.len() - 1) * share / 100).copied();
    (at(50).unwrap_or(f64::NAN), at(95).unwrap_or(f64::NAN))
}
