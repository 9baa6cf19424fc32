//! Conversion by ffmpeg, where that is installed: one process per live session, killed when the
//! session is stopped or its client leaves.

use super::answer::{Answer, refusal};
use super::decision::Wish;
use super::fault::Faults;
use super::item::Stream;
use super::node::Node;
use super::part::{Fed, Piece};
use super::request::Asked;
use super::session::{Decision, StopRx};
use super::state::State;
use super::{answer, hls};
use bytes::BytesMut;
use hyper::body::Frame;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;

/// Bytes read at once.
const PIECE_BYTES: usize = 32 << 10;

/// Pieces that wait for the socket.
const PIECES: usize = 4;

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Matroska as a live stream: no sizes, no cues.
    Matroska,
    MpegTs,
    /// Transport stream in segments.
    Hls,
}

impl Form {
    pub(crate) fn of(protocol: &str, container: &str) -> Option<Self> {
        match (protocol, container) {
            ("http", "matroska" | "mkv") => Some(Self::Matroska),
            ("http", "mpegts") => Some(Self::MpegTs),
            ("hls", "mpegts") => Some(Self::Hls),
            _ => None,
        }
    }

    fn container(self) -> &'static str {
        match self {
            Self::Matroska => "mkv",
            Self::MpegTs | Self::Hls => "mpegts",
        }
    }

    fn protocol(self) -> &'static str {
        match self {
            Self::Matroska | Self::MpegTs => "http",
            Self::Hls => "hls",
        }
    }
}

/// What becomes of one stream.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    id: u64,
    index: u32,
    from: String,
    to: String,
    is_copied: bool,
    most_channels: Option<u32>,
}

impl Track {
    /// Copied if that is allowed and the client takes it; else made in the client's first codec.
    pub(crate) fn new(
        stream: &Stream,
        may_copy: bool,
        takes: &[String],
        most_channels: Option<u32>,
    ) -> Self {
        let is_copied = may_copy && takes.contains(&stream.codec);
        let first = takes.first().map_or("h264", String::as_str);
        let to = if is_copied { &stream.codec } else { first };
        Self {
            id: stream.id,
            index: stream.index.unwrap_or(0),
            from: stream.codec.clone(),
            to: to.to_owned(),
            is_copied,
            most_channels,
        }
    }

    fn decision(&self) -> &'static str {
        if self.is_copied { "copy" } else { "transcode" }
    }

    /// What ffmpeg calls the encoder.
    fn encoder(&self) -> &str {
        match (self.is_copied, self.to.as_str()) {
            (true, _) => "copy",
            (false, "h264") => "libx264",
            (false, "hevc") => "libx265",
            (false, "mp3") => "libmp3lame",
            (false, other) => other,
        }
    }
}

/// A conversion that was agreed on.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) form: Form,
    pub(crate) file: PathBuf,
    pub(crate) video: Option<Track>,
    pub(crate) audio: Option<Track>,
    pub(crate) duration_ms: u64,
    pub(crate) offset_seconds: f64,
    pub(crate) keeps_times: bool,
    pub(crate) segment_seconds: u64,
}

impl Plan {
    fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.video.iter().chain(&self.audio)
    }

    /// What the decision says about the part.
    pub(crate) fn describe(&self, part: &mut Node) {
        part.set("decision", "transcode");
        part.set("container", self.form.container());
        part.set("protocol", self.form.protocol());
        part.strip(&["key", "size", "file"], &[]);
        for stream in part.named_mut("Stream") {
            let of = self.tracks().find(|track| stream.is("id", track.id));
            match of {
                Some(track) => {
                    stream.set("codec", &track.to);
                    stream.set("decision", track.decision());
                    stream.set("location", "direct");
                }
                None => stream.set("decision", "ignore"),
            }
        }
    }

    pub(crate) fn describe_media(&self, media: &mut Node) {
        media.set("container", self.form.container());
        media.set("protocol", self.form.protocol());
        if let Some(video) = &self.video {
            media.set("videoCodec", &video.to);
        }
        if let Some(audio) = &self.audio {
            media.set("audioCodec", &audio.to);
        }
    }

    /// A row of `/transcode/sessions`.
    pub(crate) fn row(&self, id: &str) -> Node {
        let codec = |track: &Option<Track>, what: fn(&Track) -> &str| {
            track.as_ref().map(|track| what(track).to_owned())
        };
        Node::new("TranscodeSession")
            .with("key", id)
            .with("throttled", false)
            .with("complete", false)
            .with("progress", 0.5)
            .with("size", -22_i64)
            .with("speed", 8.0)
            .with("error", false)
            .with("duration", self.duration_ms)
            .with("context", "streaming")
            .maybe("sourceVideoCodec", codec(&self.video, |t| &t.from))
            .maybe("sourceAudioCodec", codec(&self.audio, |t| &t.from))
            .maybe("videoDecision", codec(&self.video, |t| t.decision()))
            .maybe("audioDecision", codec(&self.audio, |t| t.decision()))
            .with("protocol", self.form.protocol())
            .with("container", self.form.container())
            .maybe("videoCodec", codec(&self.video, |t| &t.to))
            .maybe("audioCodec", codec(&self.audio, |t| &t.to))
            .with("transcodeHwRequested", false)
    }

    /// ffmpeg's arguments up to the output.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut all: Vec<OsString> = Vec::new();
        let mut say = |words: &[&str]| all.extend(words.iter().map(OsString::from));
        say(&["-nostdin", "-v", "error"]);
        if self.offset_seconds > 0.0 {
            say(&["-ss", &self.offset_seconds.to_string()]);
        }
        if self.keeps_times {
            say(&["-copyts"]);
        }
        all.push("-i".into());
        all.push(self.file.clone().into());
        let mut say = |words: &[&str]| all.extend(words.iter().map(OsString::from));
        for track in self.tracks() {
            say(&["-map", &format!("0:{}", track.index)]);
        }
        if let Some(video) = &self.video {
            say(&["-c:v", video.encoder()]);
            if !video.is_copied {
                say(&["-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
                let each = self.segment_seconds;
                let keys = format!("expr:gte(t,n_forced*{each})");
                say(&["-force_key_frames", &keys]);
            }
        }
        if let Some(audio) = &self.audio {
            say(&["-c:a", audio.encoder()]);
            if let (Some(most), false) = (audio.most_channels, audio.is_copied) {
                say(&["-ac", &most.to_string()]);
            }
        }
        say(&["-sn", "-dn", "-map_chapters", "-1"]);
        all
    }
}

/// A process that dies with whoever drops it.
pub(crate) fn spawn(arguments: Vec<OsString>) -> io::Result<Child> {
    Command::new("ffmpeg")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

/// Answers `start.*`.
pub(crate) async fn start(state: &Arc<State>, asked: &Asked, faults: &Faults) -> Answer {
    if let Some(status) = faults.start_status {
        return refusal(status);
    }
    let wish = match Wish::read(asked) {
        Ok(wish) => wish,
        Err(status) => return refusal(status),
    };
    let session = state.sessions().get(wish.session).cloned();
    // Without a decision there is nothing to start, and none for direct play either.
    let Some((session, Decision::Convert(plan))) = session.map(|s| (s.clone(), s.decision)) else {
        return refusal(400);
    };
    if faults.start_delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.start_delay_ms)).await;
    }
    if plan.form == Form::Hls {
        return hls::start(state, wish.session, session.rating_key, plan, faults);
    }
    let kind = match plan.form {
        Form::Matroska => "video/x-matroska",
        Form::MpegTs | Form::Hls => "video/mp2t",
    };
    let most = faults.transcode_limit;
    let key = session.rating_key;
    let started = state
        .sessions()
        .start(wish.session, key, plan.clone(), None, most);
    let Some((number, stop_rx)) = started else {
        return refusal(503);
    };
    let mut arguments = plan.arguments();
    let format = match plan.form {
        Form::Matroska => ["-f", "matroska", "-live", "1", "pipe:1"].as_slice(),
        Form::MpegTs | Form::Hls => ["-f", "mpegts", "pipe:1"].as_slice(),
    };
    arguments.extend(format.iter().map(OsString::from));
    let Ok(child) = spawn(arguments) else {
        state.sessions().ended(wish.session, number);
        return refusal(500);
    };
    let (piece_tx, piece_rx) = mpsc::channel(PIECES);
    let (state, id) = (Arc::clone(state), wish.session.to_owned());
    tokio::spawn(async move {
        pump(child, stop_rx, piece_tx).await;
        state.sessions().ended(&id, number);
    });
    let mut answer = answer::bytes(200, kind, "");
    *answer.body_mut() = Fed::body(piece_rx);
    answer
}

/// Hands over what the process makes, until it ends, is stopped or nobody reads; the process is
/// gone then. A client whose session was stopped, or taken over, sees its answer break off.
async fn pump(mut child: Child, mut stop_rx: StopRx, piece_tx: mpsc::Sender<Piece>) {
    let Some(mut stdout) = child.stdout.take() else {
        return;
    };
    let is_stopped = tokio::select! {
        () = relay(&mut stdout, &piece_tx) => false,
        // An error: who would say it is gone.
        _ = stop_rx.changed() => true,
        () = piece_tx.closed() => false,
    };
    let _ = child.kill().await;
    if is_stopped {
        let end = io::ErrorKind::ConnectionAborted.into();
        let _ = piece_tx.send(Err(end)).await;
    }
}

async fn relay(stdout: &mut ChildStdout, piece_tx: &mpsc::Sender<Piece>) {
    loop {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        match stdout.read_buf(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let frame = Frame::data(piece.freeze());
        if piece_tx.send(Ok(frame)).await.is_err() {
            return;
        }
    }
}
