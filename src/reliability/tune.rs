//! Watching a channel for a while: bytes come, at the speed at which they play, and are a transport
//! stream.

use super::door::{Answer, ask, document, in_time};
use super::stream::Watch;
use super::{Finding, Target};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Longest time without a byte. The box sends something every quarter of a second, whatever its
/// source does.
const SILENCE: Duration = Duration::from_secs(3);

/// The clock of the stream may be this far behind the time for which it was watched: pacing, and a
/// machine that is busy.
const BEHIND_MS: u128 = 500;

/// Bytes taken from the socket at once.
const PIECE_BYTES: usize = 64 << 10;

/// The refusal of a box whose tuners are all in use.
const ALL_IN_USE: &str = "805";

/// Whether the first channel of the lineup can be watched.
pub(super) async fn channel(target: &Target) -> Finding {
    let seen = match first(target.web).await {
        Ok(Some(number)) => watched(target, &number).await,
        Ok(None) => Ok("there is no channel to tune".to_owned()),
        Err(why) => Err(why),
    };
    let wanted = format!("{} s of a channel", target.tune.as_secs());
    Finding::of("channel", wanted, seen)
}

/// The number of the first channel; `None` for an empty lineup.
async fn first(web: SocketAddr) -> Result<Option<String>, String> {
    let lineup = document(web, "/lineup.json").await?;
    let Some(channels) = lineup.as_array() else {
        return Err("/lineup.json is no list".to_owned());
    };
    let Some(first) = channels.first() else {
        return Ok(None);
    };
    let number = first.get("GuideNumber").and_then(Value::as_str);
    let number = number.ok_or("a line of /lineup.json has no GuideNumber")?;
    Ok(Some(number.to_owned()))
}

/// Watches a channel; what was seen, or what was wrong with it.
async fn watched(target: &Target, number: &str) -> Result<String, String> {
    let at = target.stream;
    let path = format!("/auto/v{number}");
    let asked = async {
        let stream = TcpStream::connect(at).await?;
        ask(stream, &at.to_string(), &path).await
    };
    let answer = in_time(asked)
        .await
        .map_err(|why| format!("channel {number}: {why}"))?;
    if answer.status == 200 {
        let seen = followed(answer, target.tune).await;
        return match seen {
            Ok(seen) => Ok(format!("channel {number}: {seen}")),
            Err(why) => Err(format!("channel {number}: {why}")),
        };
    }
    let code = answer.field("X-HDHomeRun-Error").unwrap_or("no reason");
    if code.starts_with(ALL_IN_USE) {
        return in_use(target.web).await;
    }
    Err(format!(
        "channel {number} is refused with {} ({code})",
        answer.status
    ))
}

/// Reads a stream for a while and holds it against the standard.
async fn followed(mut answer: Answer<TcpStream>, tune: Duration) -> Result<String, String> {
    let begun = Instant::now();
    let mut watch = Watch::default();
    watch.push(&answer.body)?;
    let mut piece = vec![0; PIECE_BYTES];
    while begun.elapsed() < tune {
        let read = match timeout(SILENCE, answer.rest.read(&mut piece)).await {
            Err(_) => return Err(format!("nothing came for {} s", SILENCE.as_secs())),
            Ok(Err(error)) => return Err(error.to_string()),
            Ok(Ok(0)) => {
                let after_s = begun.elapsed().as_secs();
                return Err(format!("the stream ended after {after_s} s"));
            }
            Ok(Ok(read)) => read,
        };
        watch.push(piece.get(..read).unwrap_or_default())?;
    }
    let watched_ms = begun.elapsed().as_millis();
    let media_ms = watch.media_ms()?;
    let seen = format!(
        "{}.{} s of media, {} packets and {} streams in {}.{} s",
        media_ms / 1_000,
        media_ms % 1_000 / 100,
        watch.packets(),
        watch.streams(),
        watched_ms / 1_000,
        watched_ms % 1_000 / 100,
    );
    if u128::from(media_ms) + BEHIND_MS < watched_ms {
        return Err(format!("too slow: {seen}"));
    }
    Ok(seen)
}

/// A box whose viewers have all of its tuners can tune, if what they watch comes.
async fn in_use(web: SocketAddr) -> Result<String, String> {
    let status = document(web, "/status.json").await?;
    let tuners = status.as_array().map(Vec::as_slice).unwrap_or_default();
    let rates = tuners.iter().filter_map(|tuner| tuner.get("NetworkRate"));
    let sending = rates.filter(|rate| rate.as_u64() > Some(0)).count();
    let told = format!(
        "all {} tuners are in use, {sending} of them send",
        tuners.len()
    );
    if sending > 0 && sending == tuners.len() {
        Ok(told)
    } else {
        Err(told)
    }
}
