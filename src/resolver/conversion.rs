//! Conversions by Plex servers: for one item, from one place on, for one reader.
//!
//! What is asked for is what the server has least to do with: pictures as they are, and sound of the
//! channel's own sort. What is refused, or fails when it is read, is asked for in the next form. The
//! number of conversions is capped; each ends when its reader leaves.

use super::{Form, Plan, Source, Times, Want};
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{AudioCodec, VideoCodec};
use crate::plex::{Bounds, Pictures, Play, Server, Transcode, Wrap};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// The forms in which a conversion is asked for, the lightest for the server first.
const KEPT: [(Pictures, Wrap); 4] = [
    (Pictures::Copy, Wrap::Matroska),
    (Pictures::Copy, Wrap::MpegTs),
    (Pictures::Copy, Wrap::Hls),
    (Pictures::Convert, Wrap::Matroska),
];
const MADE: [(Pictures, Wrap); 3] = [
    (Pictures::Convert, Wrap::Matroska),
    (Pictures::Convert, Wrap::MpegTs),
    (Pictures::Convert, Wrap::Hls),
];

/// The forms that come into question.
pub(super) fn forms(plan: Plan) -> &'static [(Pictures, Wrap)] {
    match plan {
        Plan::AsItIs => &[],
        Plan::Sound => &KEPT,
        Plan::Whole => &MADE,
    }
}

/// Whether a form can be what is wanted: segments hold only H.264.
pub(super) fn can_be((_, container): (Pictures, Wrap), want: Want<'_>) -> bool {
    container != Wrap::Hls || want.profile.video == VideoCodec::H264
}

/// How many conversions there may be.
#[derive(Debug)]
pub(super) struct Conversions(Arc<Semaphore>);

/// How often a server is told that a conversion is still wanted: what was opened ahead is not read
/// for a while.
const PING_EVERY: Duration = Duration::from_secs(20);

/// A conversion that is under way. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Conversion {
    server: Server,
    session: String,
    pinging: AbortHandle,
    _permit: OwnedSemaphorePermit,
}

impl Conversions {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(limits::CONVERSIONS)))
    }

    /// Leave to have one more.
    ///
    /// # Errors
    /// There are as many as there may be.
    pub(super) fn permit(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let why = format!(
                "{} titles are being converted already, and more are not asked of a server",
                limits::CONVERSIONS
            );
            Error::unsupported("the item", why)
        })
    }
}

/// Where a conversion that its server has agreed to is read.
///
/// # Errors
/// The server may not be read from.
pub(super) fn begin(
    server: &Server,
    (transcode, begins_ms): (&Transcode, i64),
    permit: OwnedSemaphorePermit,
) -> Result<Source> {
    let session = transcode.play.session.clone();
    Ok(Source::Live {
        url: server.transcode_url(transcode)?,
        headers: server.stream_headers(&session),
        begins_ms,
        times: if transcode.container.keeps_times() {
            Times::Kept
        } else {
            Times::Counted
        },
        form: match transcode.container {
            Wrap::Matroska | Wrap::MpegTs => Form::Whole,
            Wrap::Hls => Form::Segments,
        },
        guard: Arc::new(Conversion {
            server: server.clone(),
            pinging: tokio::spawn(ping(server.clone(), session.clone())).abort_handle(),
            session,
            _permit: permit,
        }),
    })
}

/// What is asked for.
pub(super) fn transcode(
    play: Play,
    (video, container): (Pictures, Wrap),
    want: Want<'_>,
) -> Transcode {
    let audio = want.profile.audio;
    #[expect(clippy::cast_precision_loss, reason = "no item lasts 2^53 ms")]
    let offset_s = want.at_ms.max(0) as f64 / 1_000.0;
    Transcode {
        play,
        offset_s,
        container,
        video,
        video_codecs: vec![want.profile.video],
        audio_codecs: vec![audio.codec],
        bounds: Bounds {
            bit_depth: Some(8),
            // Only of AAC every part of a stream has to have as many.
            channels: (audio.codec == AudioCodec::Aac).then_some(audio.channels),
            ..Bounds::default()
        },
    }
}

/// Keeps a conversion that is not read.
async fn ping(server: Server, session: String) {
    loop {
        sleep(PING_EVERY).await;
        if let Err(trouble) = server.ping(&session).await {
            // Who reads it finds out.
            log::debug!("{trouble}");
        }
    }
}

impl Drop for Conversion {
    fn drop(&mut self) {
        self.pinging.abort();
        let (server, session) = (self.server.clone(), std::mem::take(&mut self.session));
        // Without a runtime the box ends, and its connections with it, which ends it too.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(trouble) = server.stop(&session).await {
                    log::debug!("{trouble}");
                }
            });
        }
    }
}
