//! Streams: which channel a path means, and carrying packets from a lease to a socket.
//!
//! The answer's head goes out with the first packets, so that a tune that fails is still refused
//! in the words that clients know. The tuner is free again as soon as the client has hung up,
//! not when the next write fails.

use super::House;
use super::answer::{Kind, Sharing, raw_head};
use super::connection::{drained, write_in_time};
use super::head::{Head, Method, Unread};
use crate::clock::until;
use crate::limits;
use crate::model::ChannelNumber;
use crate::shutdown::Shutdown;
use crate::tuner::{self, Lease, Refusal, Want, dial};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

/// A request for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tuning {
    channel: Which,
    want: Want,
    /// How long to send; `None` for as long as somebody watches.
    duration: Option<Duration>,
    transcode: Transcode,
}

/// Which channel is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// The one with this number.
    Number(ChannelNumber),
    /// The one at a frequency in Hz, and which of those there; the first where it is not said.
    Station(u32, Option<u16>),
    /// None: nothing is called so.
    Unknown,
}

/// What `transcode=` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transcode {
    /// The stream as it is.
    No,
    /// Another one, which this box does not make.
    Yes,
}

/// Somebody who wants to watch.
pub(super) struct Viewing<'a> {
    pub(super) house: &'a House,
    pub(super) peer: SocketAddr,
    pub(super) shutdown: Shutdown,
}

impl Tuning {
    /// The stream that a request asks for, if it asks for one; an error where the request means a
    /// stream and cannot be understood.
    pub(super) fn asked(head: &Head) -> Option<Result<Self, Unread>> {
        let (want, channel) = if let Some(channel) = head.path.strip_prefix("/auto/") {
            (Some(Want::Any), which(channel)?)
        } else if let Some(rest) = head.path.strip_prefix("/tuner") {
            let (index, channel) = rest.split_once('/')?;
            (tuner::index(index).map(Want::Tuner), which(channel)?)
        } else {
            let file = head.path.strip_prefix("/iptv/channel/")?;
            (Some(Want::Any), numbered(file.strip_suffix(".ts")?))
        };
        Some(Self::understand(want, channel, head))
    }

    fn understand(want: Option<Want>, channel: Which, head: &Head) -> Result<Self, Unread> {
        if !matches!(head.method, Method::Get | Method::Head) {
            return Err(Unread::Refused(400, "A stream is asked for with GET."));
        }
        let duration = match head.argument("duration") {
            None | Some("") => None,
            Some(seconds) => {
                let seconds: u32 = seconds.parse().map_err(|_| Unread::Malformed)?;
                Some(Duration::from_secs(seconds.into()))
            }
        };
        let transcode = match head.argument("transcode") {
            None | Some("" | "none") => Transcode::No,
            Some(_) => Transcode::Yes,
        };
        Ok(Self {
            channel,
            want: want.ok_or(Unread::Malformed)?,
            duration: duration.filter(|duration| !duration.is_zero()),
            transcode,
        })
    }
}

/// The channel in `v<number>` or `ch<frequency or place>[-<program>]`; `None` for what is no stream.
fn which(text: &str) -> Option<Which> {
    if let Some(number) = text.strip_prefix('v') {
        return Some(numbered(number));
    }
    let place = text.strip_prefix("ch")?;
    Some(station(place).unwrap_or(Which::Unknown))
}

fn numbered(number: &str) -> Which {
    number.parse().map_or(Which::Unknown, Which::Number)
}

/// The station in `ch<frequency or place>[-<program>]`.
fn station(text: &str) -> Option<Which> {
    let plain = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    let (number, program) = match text.split_once('-') {
        Some((number, program)) => {
            let program = plain(program).then(|| program.parse().ok()).flatten();
            (number, Some(program?))
        }
        None => (text, None),
    };
    let number = plain(number).then(|| number.parse().ok()).flatten()?;
    Some(Which::Station(dial::frequency(number)?, program))
}

impl Viewing<'_> {
    /// Sends the stream until the client leaves, its time is up or the box stops.
    pub(super) async fn watch<R, W>(
        mut self,
        tuning: &Tuning,
        method: Method,
        reader: &mut R,
        writer: &mut W,
    ) where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let channel = match self.permitted(tuning) {
            Ok(channel) => channel,
            Err(code) => return self.refuse(code, writer).await,
        };
        if method == Method::Head {
            let named = match tuning.want {
                Want::Tuner(index) | Want::Controlled(index) => Some(index),
                Want::Any => None,
            };
            let _ = write_in_time(writer, self.announce(named).as_bytes()).await;
            return;
        }
        let mut left = pin!(drained(reader));
        let house = self.house;
        let lease = house.tuners.lease(channel, tuning.want, self.peer);
        let lease = tokio::select! {
            biased;
            () = &mut left => return,
            () = self.shutdown.stopped() => return,
            lease = lease => lease,
        };
        let mut lease = match lease {
            Ok(lease) => lease,
            Err(refusal) => {
                return self
                    .refuse((refusal.status(), refusal.code()), writer)
                    .await;
            }
        };
        log::info!("tuner{}: {} watches {}", lease.tuner(), self.peer, channel);
        let ends = tuning.duration.map(|duration| Instant::now() + duration);
        let mut unsent = Some(self.announce(Some(lease.tuner())));
        let why = loop {
            let packets = tokio::select! {
                biased;
                () = &mut left => break "left",
                () = self.shutdown.stopped() => break "is sent home: the box stops",
                () = until(ends) => break "has had the time asked for",
                packets = lease.next() => packets,
            };
            let sent = async {
                if let Some(head) = unsent.take() {
                    write_in_time(writer, head.as_bytes()).await?;
                }
                write_in_time(writer, &packets).await
            };
            let sent = tokio::select! {
                biased;
                () = &mut left => break "left",
                sent = taken(sent, &mut lease) => sent,
            };
            if let Err(error) = sent {
                break if error.kind() == std::io::ErrorKind::TimedOut {
                    "takes nothing any more"
                } else {
                    "is gone"
                };
            }
        };
        log::info!("tuner{}: {} {why}", lease.tuner(), self.peer);
    }

    /// The channel that is meant, unless it can be refused without taking a tuner.
    fn permitted(&self, tuning: &Tuning) -> Result<ChannelNumber, (u16, &'static str)> {
        let refused = |refusal: Refusal| (refusal.status(), refusal.code());
        if tuning.transcode == Transcode::Yes {
            return Err((503, "802 Unknown Transcode Profile"));
        }
        let lineup = self.house.lineup();
        let schedule = match tuning.channel {
            Which::Number(number) => lineup.schedule(number),
            Which::Station(hertz, program) => dial::find(&lineup, hertz, program),
            Which::Unknown => None,
        };
        let schedule = schedule.ok_or(refused(Refusal::UnknownChannel))?;
        match tuning.want {
            Want::Tuner(index) if index >= self.house.tuners.count() => {
                Err(refused(Refusal::TunerInUse))
            }
            _ => Ok(schedule.channel().number),
        }
    }

    /// The head of a stream.
    fn announce(&self, tuner: Option<usize>) -> String {
        let resource = tuner.map(|index| format!("tuner{index}"));
        let mut extra = Vec::with_capacity(2);
        extra.extend(
            resource
                .as_deref()
                .map(|name| ("X-HDHomeRun-Resource", name)),
        );
        extra.push(("transferMode.dlna.org", "Streaming"));
        let now_ms = self.house.now_ms();
        raw_head(200, Kind::Stream, None, Sharing::Anyone, &extra, now_ms)
    }

    /// A refusal has no body: Jellyfin takes any byte of one for the stream.
    async fn refuse<W>(&self, (status, code): (u16, &str), writer: &mut W)
    where
        W: AsyncWrite + Unpin,
    {
        log::info!("{} is refused: {code}", self.peer);
        let extra = [("X-HDHomeRun-Error", code)];
        let now_ms = self.house.now_ms();
        let head = raw_head(
            status,
            Kind::Empty,
            Some(0),
            Sharing::Anyone,
            &extra,
            now_ms,
        );
        let _ = write_in_time(writer, head.as_bytes()).await;
    }
}

/// Waits until a write is taken. Who takes nothing for long holds no source meanwhile.
async fn taken<T>(write: impl Future<Output = T>, lease: &mut Lease) -> T {
    let mut write = pin!(write);
    let patience = Duration::from_millis(limits::VIEWER_RESTS_MS);
    if let Ok(written) = timeout(patience, &mut write).await {
        return written;
    }
    lease.rest();
    write.await
}

#[cfg(test)]
mod tests {
    use super::{Tuning, Which};
    use crate::http::head::{Unread, parse};
    use crate::tuner::Want;
    use std::time::Duration;

    fn asked(target: &str) -> Option<Result<Tuning, Unread>> {
        let head = format!("GET {target} HTTP/1.0\r\n\r\n");
        Tuning::asked(&parse(head.as_bytes()).unwrap().unwrap())
    }

    #[test]
    fn every_form_of_a_stream_address_is_understood() {
        for (target, channel, want) in [
            ("/auto/v5", "5", Want::Any),
            ("/auto/v1984.1", "1984.1", Want::Any),
            ("/auto/v5%2E1", "5.1", Want::Any),
            ("/tuner0/v5", "5", Want::Tuner(0)),
            (
                "/tuner31/v5.1?ClientID=1&SessionID=2",
                "5.1",
                Want::Tuner(31),
            ),
            ("/iptv/channel/1984.1.ts", "1984.1", Want::Any),
        ] {
            let tuning = asked(target).unwrap().unwrap();
            let channel = Which::Number(channel.parse().unwrap());
            assert_eq!(tuning.channel, channel, "{target}");
            assert_eq!(tuning.want, want, "{target}");
        }
    }

    #[test]
    fn a_channel_that_cannot_be_is_one_that_nobody_has() {
        for target in [
            "/auto/v",
            "/auto/vfive",
            "/auto/v5.",
            "/auto/v5/6",
            "/auto/v-5",
            "/auto/v0",
            "/tuner0/vx",
            "/iptv/channel/x.ts",
            "/auto/ch",
            "/auto/ch1",
            "/auto/ch57000000-",
            "/auto/ch57000000-x",
        ] {
            let tuning = asked(target).unwrap().unwrap();
            assert_eq!(tuning.channel, Which::Unknown, "{target}");
        }
    }

    #[test]
    fn a_broken_tuner_or_duration_is_refused() {
        for target in [
            "/tunerx/v5",
            "/tuner/v5",
            "/tuner99999/v5",
            "/auto/v5?duration=soon",
            "/auto/v5?duration=-1",
        ] {
            assert_eq!(asked(target), Some(Err(Unread::Malformed)), "{target}");
        }
    }

    #[test]
    fn other_addresses_are_no_streams() {
        for target in [
            "/",
            "/auto",
            "/auto/5",
            "/tuner0",
            "/tuners.html",
            "/iptv/channel/5.m3u8",
        ] {
            assert_eq!(asked(target), None, "{target}");
        }
    }

    #[test]
    fn a_stream_can_be_asked_for_by_its_frequency() {
        for (target, hertz, program) in [
            ("/auto/ch57000000-1", 57_000_000, Some(1)),
            ("/auto/ch57000000", 57_000_000, None),
            ("/tuner1/ch2-3", 57_000_000, Some(3)),
        ] {
            let tuning = asked(target).unwrap().unwrap();
            assert_eq!(tuning.channel, Which::Station(hertz, program), "{target}");
        }
    }

    #[test]
    fn a_duration_is_seconds() {
        let tuning = asked("/auto/v5?duration=90").unwrap().unwrap();
        assert_eq!(tuning.duration, Some(Duration::from_secs(90)));
        assert_eq!(
            asked("/auto/v5?duration=0").unwrap().unwrap().duration,
            None
        );
    }
}
