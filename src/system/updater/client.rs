//! The other side: how the box and its commands speak to the updater.

use super::line;
use super::word::{Answer, Ask};
use crate::error::{Error, Result};
use crate::limits;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// A question that has been asked.
#[derive(Debug)]
pub struct Conversation {
    /// What the updater answers.
    pub answers: Answers,
    /// What it is told besides: the bytes of a bundle.
    pub bundle: OwnedWriteHalf,
}

/// The lines of an answer.
#[derive(Debug)]
pub struct Answers(BufReader<OwnedReadHalf>);

impl Conversation {
    /// Asks.
    ///
    /// # Errors
    /// Where there is no updater.
    pub async fn begin(socket: &Path, ask: Ask) -> Result<Self> {
        let unreachable = |error: &io::Error| {
            let why = match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    "there is none on this machine".to_owned()
                }
                io::ErrorKind::PermissionDenied => "only root may ask it".to_owned(),
                _ => error.to_string(),
            };
            Error::invalid(format!("the updater at {}", socket.display()), why)
        };
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|error| unreachable(&error))?;
        let (reader, mut bundle) = stream.into_split();
        let asked = serde_json::to_string(&ask);
        let asked = asked.map_err(|error| Error::invalid("question", error.to_string()))?;
        bundle
            .write_all(format!("{asked}\n").as_bytes())
            .await
            .map_err(|error| unreachable(&error))?;
        let answers = Answers(BufReader::with_capacity(limits::UPDATER_LINE_BYTES, reader));
        Ok(Self { answers, bundle })
    }
}

impl Answers {
    /// The next line of the answer.
    ///
    /// # Errors
    /// Where none comes in time, or it is no answer.
    pub async fn next(&mut self) -> Result<Answer> {
        let broken = |error: io::Error| Error::io("hear", "the updater", &error);
        let line = line::read(&mut self.0).await.map_err(broken)?;
        let line = line.ok_or_else(|| Error::invalid("the updater", "it has hung up"))?;
        serde_json::from_str(&line)
            .map_err(|error| Error::invalid("the updater's answer", error.to_string()))
    }
}

/// Asks for something that has one answer, which comes at once.
///
/// # Errors
/// Where there is no updater, or it does not answer in time.
pub async fn ask(socket: &Path, ask: Ask) -> Result<Answer> {
    let patience = Duration::from_millis(limits::UPDATER_ANSWER_MS);
    let asked = async {
        let mut conversation = Conversation::begin(socket, ask).await?;
        conversation.answers.next().await
    };
    let late = |_| Error::invalid("the updater", "it does not answer in time");
    timeout(patience, asked).await.map_err(late)?
}

/// Who broke off while a bundle was passed on.
#[derive(Debug)]
pub enum Broken {
    /// Whoever brings it.
    Source(io::Error),
    /// The updater: it has said why, or will.
    Updater,
}

/// Passes `bytes` bytes of a bundle on, as fast as the updater takes them.
///
/// # Errors
/// Says who broke off. A side from which nothing comes for a while has.
pub async fn pass_on(
    source: &mut (impl AsyncRead + Unpin),
    bundle: &mut OwnedWriteHalf,
    bytes: u64,
) -> std::result::Result<(), Broken> {
    let patience = Duration::from_millis(limits::UPDATER_SILENT_MS);
    let mut piece = vec![0; limits::UPDATE_PIECE_BYTES];
    let mut source = source.take(bytes);
    while source.limit() > 0 {
        let read = match timeout(patience, source.read(&mut piece)).await {
            Ok(Ok(0)) => return Err(Broken::Source(io::ErrorKind::UnexpectedEof.into())),
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return Err(Broken::Source(error)),
            Err(late) => return Err(Broken::Source(late.into())),
        };
        let part = piece.get(..read).unwrap_or_default();
        match timeout(patience, bundle.write_all(part)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(Broken::Updater),
        }
    }
    Ok(())
}
