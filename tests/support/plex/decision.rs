//! `decision`: whether an item is played as it is, or what is made of it.

use super::answer::{Answer, node, refusal};
use super::fault::Faults;
use super::item::{Item, Media, Part, Stream, StreamKind};
use super::node::Node;
use super::profile::Profile;
use super::request::Asked;
use super::row::{self, Depth};
use super::session::{Decision, Session};
use super::state::State;
use super::transcode::{Form, Plan, Track};

/// What the client must have said; `Err` is the status that says what is missing.
pub(crate) struct Wish<'a> {
    pub(crate) session: &'a str,
    client: &'a str,
    rating_key: u64,
    media: usize,
    part: usize,
}

impl<'a> Wish<'a> {
    pub(crate) fn read(asked: &'a Asked) -> Result<Self, u16> {
        let session = asked.either("X-Plex-Session-Identifier").ok_or(400_u16)?;
        let client = asked.either("X-Plex-Client-Identifier").ok_or(400_u16)?;
        let is_known = match asked.either("X-Plex-Client-Profile-Name") {
            Some(_) => true,
            None => is_known_platform(asked.either("X-Plex-Platform").unwrap_or_default()),
        };
        let burns = asked.query("subtitles") == Some("burn");
        if !is_known || (burns && asked.is_on("directPlay")) {
            return Err(400);
        }
        let path = asked.query("path").ok_or(400_u16)?;
        // Clients also send the whole address of the item.
        let at = path.find("/library/metadata/").ok_or(400_u16)?;
        let key = &path[at + "/library/metadata/".len()..];
        let index = |name| asked.number(name).unwrap_or(0) as usize;
        Ok(Self {
            session,
            client,
            rating_key: key.parse().map_err(|_| 400_u16)?,
            media: index("mediaIndex"),
            part: index("partIndex"),
        })
    }
}

fn is_known_platform(name: &str) -> bool {
    ["Generic", "Chrome", "Firefox", "Linux", "Android", "iOS"].contains(&name)
}

/// What was found out, in the server's numbers.
struct Verdict {
    general: (u32, &'static str),
    direct: (u32, &'static str),
    convert: Option<(u32, &'static str)>,
    decision: Option<Decision>,
}

const DIRECT_OK: (u32, &str) = (1000, "Direct play OK.");
const CONVERT_OK: (u32, &str) = (1001, "Direct play not available; Conversion OK.");
const NEITHER: (u32, &str) = (2000, "Neither direct play nor conversion is available.");

/// Answers `decision`, and remembers what was told.
pub(crate) fn answer(state: &State, asked: &Asked, faults: &Faults) -> Answer {
    if let Some(status) = faults.decision_status {
        return refusal(status);
    }
    let wish = match Wish::read(asked) {
        Ok(wish) => wish,
        Err(status) => return refusal(status),
    };
    let library = state.library();
    let Some((item, section)) = library.item(wish.rating_key) else {
        return refusal(404);
    };
    let media = item.media.get(wish.media);
    let Some((media, part)) = media.and_then(|m| Some((m, m.parts.get(wish.part)?))) else {
        return refusal(400);
    };
    let mut verdict = decide(asked, media, part);
    if let Some(Decision::Convert(plan)) = &verdict.decision
        && faults.segments_only
        && plan.form != Form::Hls
    {
        verdict.refuse((4005, "No target for this protocol."));
    }
    let is_convert = matches!(verdict.decision, Some(Decision::Convert(_)));
    let live = state.sessions().live().count();
    if is_convert && live >= faults.transcode_limit {
        verdict.refuse((4000, "Too many conversions at a time."));
    }
    if let Some(code) = faults.decision_code {
        verdict.refuse((code, "Not now."));
        verdict.general.0 = code;
    }
    if let Some(decision) = &verdict.decision {
        let session = Session {
            client: wish.client.to_owned(),
            rating_key: wish.rating_key,
            part: part.id,
            decision: decision.clone(),
        };
        state.sessions().decide(wish.session, session);
    }
    let row = verdict.row(&item, media, part, Depth::whole(asked, section));
    let mut container = Node::container()
        .with("size", 1_u32)
        .with("allowSync", "1")
        .with("availableBandwidth", 2_147_483_647_u32)
        .with("directPlayDecisionCode", verdict.direct.0)
        .with("directPlayDecisionText", verdict.direct.1)
        .with("generalDecisionCode", verdict.general.0)
        .with("generalDecisionText", verdict.general.1)
        .with("identifier", "com.plexapp.plugins.library")
        .maybe("librarySectionID", section.map(|section| section.key))
        .maybe("librarySectionTitle", section.map(|section| &section.title))
        .with("mediaTagVersion", "1700000000")
        .with("resourceSession", format!("{{{}}}", wish.session))
        .maybe("transcodeDecisionCode", verdict.convert.map(|it| it.0))
        .maybe("transcodeDecisionText", verdict.convert.map(|it| it.1))
        .child(row);
    // Here the server writes many numbers as text.
    container.stringify(&[
        "id",
        "librarySectionID",
        "aspectRatio",
        "deepAnalysisVersion",
    ]);
    node(asked, &container)
}

fn decide(asked: &Asked, media: &Media, part: &Part) -> Verdict {
    let extra = asked.either("X-Plex-Client-Profile-Extra");
    let profile = Profile::read(extra.unwrap_or_default());
    let direct = direct(asked, &profile, media, part);
    if direct == DIRECT_OK {
        return Verdict {
            general: direct,
            direct,
            convert: None,
            decision: Some(Decision::DirectPlay),
        };
    }
    match plan(asked, &profile, part) {
        Ok(plan) => Verdict {
            general: CONVERT_OK,
            direct,
            convert: Some(CONVERT_OK),
            decision: Some(Decision::Convert(plan)),
        },
        Err(convert) => Verdict {
            general: NEITHER,
            direct,
            convert: Some(convert),
            decision: None,
        },
    }
}

/// Whether the part is played as it is.
fn direct(asked: &Asked, profile: &Profile, media: &Media, part: &Part) -> (u32, &'static str) {
    if !asked.is_on("directPlay") {
        let text = "App cannot direct play this item. Direct play is disabled.";
        return (3000, text);
    }
    let container = media.container.as_deref().unwrap_or_default();
    let video = media.video_codec.as_deref();
    let sounds = || part.streams.iter().filter(|s| s.kind == StreamKind::Audio);
    let one = sound(asked, part).map(|stream| stream.codec.as_str());
    let is_explicit = ["mediaIndex", "partIndex"].map(|name| asked.query(name).is_some());
    let fits = if profile.has_direct_play() {
        if profile.selects_streams() {
            let mut all = sounds().peekable();
            let none = all.peek().is_none() && profile.plays(container, video, None);
            none || all.any(|s| profile.plays(container, video, Some(&s.codec)))
        } else {
            profile.plays(container, video, one)
        }
    } else if asked.is_on("hasMDE") && is_explicit == [true, true] {
        // The profile that the server would guess is not looked at.
        true
    } else {
        matches!(container, "mp4" | "mkv")
            && matches!(video, Some("h264"))
            && matches!(one, None | Some("aac" | "ac3" | "mp3"))
    };
    if fits {
        DIRECT_OK
    } else {
        (3000, "App cannot direct play this item.")
    }
}

/// The sound that is meant: the one asked for, or the selected one, or the first.
fn sound<'a>(asked: &Asked, part: &'a Part) -> Option<&'a Stream> {
    let sounds = || part.streams.iter().filter(|s| s.kind == StreamKind::Audio);
    let asked_for = asked.number("audioStreamID");
    let chosen = sounds().find(|s| Some(s.id) == asked_for);
    let chosen = chosen.or_else(|| sounds().find(|s| s.is_selected));
    chosen.or_else(|| sounds().next())
}

/// What would be made of the part.
fn plan(asked: &Asked, profile: &Profile, part: &Part) -> Result<Plan, (u32, &'static str)> {
    let protocol = asked.query("protocol").unwrap_or("http");
    let target = profile.target(protocol);
    let target = target.ok_or((4005, "No target for this protocol."))?;
    let form = Form::of(protocol, &target.container).ok_or((4005, "No such container."))?;
    let file = part.behind.clone().ok_or((4007, "The file is gone."))?;
    let picture = part.streams.iter().find(|s| s.kind == StreamKind::Video);
    let video = picture.map(|stream| {
        let depth = stream.more.iter().find(|(name, _)| *name == "bitDepth");
        let most = profile.upper_bound("videoCodec", &stream.codec, "video.bitDepth");
        let is_deep = match (depth, most) {
            (Some((_, super::node::Value::Whole(depth))), Some(most)) => *depth > i64::from(most),
            _ => false,
        };
        let may = asked.is_on("directStream") && !is_deep && form != Form::Hls;
        Track::new(stream, may, &target.video, None)
    });
    let audio = sound(asked, part).map(|stream| {
        let may = asked.is_on("directStreamAudio");
        let made = target.audio.first().map_or("aac", String::as_str);
        let most = profile.upper_bound("videoAudioCodec", made, "audio.channels");
        Track::new(stream, may, &target.audio, most)
    });
    Ok(Plan {
        form,
        file,
        video,
        audio,
        duration_ms: part.duration_ms.unwrap_or(0),
        offset_seconds: asked
            .query("offset")
            .and_then(|offset| offset.parse().ok())
            .unwrap_or(0.0),
        keeps_times: asked.is_on("copyts"),
        segment_seconds: asked.number("secondsPerSegment").unwrap_or(4).clamp(1, 10),
    })
}

impl Verdict {
    fn refuse(&mut self, why: (u32, &'static str)) {
        self.general = NEITHER;
        self.convert = Some(why);
        self.decision = None;
    }

    /// The item with the version that was decided about, and what becomes of its streams.
    fn row(&self, item: &Item, media: &Media, part: &Part, depth: Depth<'_>) -> Node {
        let mut item = item.clone();
        item.media = vec![Media {
            parts: vec![part.clone()],
            ..media.clone()
        }];
        let mut row = row::row(&item, depth);
        for media in row.named_mut("Media") {
            media.set("selected", true);
            for part in media.named_mut("Part") {
                part.set("selected", true);
                match &self.decision {
                    Some(Decision::DirectPlay) => part.set("decision", "directplay"),
                    Some(Decision::Convert(plan)) => plan.describe(part),
                    None => part.set("decision", "none"),
                }
            }
            if let Some(Decision::Convert(plan)) = &self.decision {
                plan.describe_media(media);
            }
        }
        row
    }
}
