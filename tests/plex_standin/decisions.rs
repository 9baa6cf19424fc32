//! The handshake before playing.

use crate::client::{Reply, get, get_with, part_key, titled};
use crate::clips;
use crate::plex::Standin;
use serde_json::Value;

/// A box with a session.
pub(crate) struct Viewer<'a> {
    pub(crate) standin: &'a Standin,
    pub(crate) session: &'a str,
}

/// What the box plays directly, and what is to be made of all else.
pub(crate) const DIRECT: &str = "add-direct-play-profile(type%3DvideoProfile%26container%3Dmkv,mp4\
    %26videoCodec%3Dh264,hevc%26audioCodec%3Daac,ac3,dca)";

/// A target: its container, its sound.
pub(crate) fn target(protocol: &str, container: &str, audio: &str) -> String {
    format!(
        "add-transcode-target(type%3DvideoProfile%26context%3Dstreaming%26protocol%3D{protocol}\
         %26container%3D{container}%26videoCodec%3Dh264%26audioCodec%3D{audio})"
    )
}

impl Viewer<'_> {
    /// The query that decision and start have in common.
    pub(crate) fn query(&self, row: &Value, profile: &str, more: &str) -> String {
        let key = row["ratingKey"].as_str().unwrap();
        let session = self.session;
        format!(
            "?path=%2Flibrary%2Fmetadata%2F{key}&mediaIndex=0&partIndex=0&session={session}\
             &X-Plex-Session-Identifier={session}&X-Plex-Client-Identifier=box&X-Plex-Platform=Generic\
             &X-Plex-Client-Profile-Extra={profile}{more}"
        )
    }

    pub(crate) fn decide(&self, row: &Value, profile: &str, more: &str) -> Value {
        let path = "/video/:/transcode/universal/decision".to_owned();
        let reply = get(self.standin, &(path + &self.query(row, profile, more)));
        reply.json()["MediaContainer"].take()
    }

    pub(crate) fn start(&self, name: &str, row: &Value, profile: &str, more: &str) -> Reply {
        let path = format!("/video/:/transcode/universal/{name}");
        get(self.standin, &(path + &self.query(row, profile, more)))
    }

    fn part(&self, row: &Value) -> u16 {
        let headers = [
            ("X-Plex-Session-Identifier", self.session),
            ("X-Plex-Client-Identifier", "box"),
        ];
        get_with(self.standin, &part_key(row), &headers).status
    }
}

const PLAY: &str = "&directPlay=1&directStream=1&directStreamAudio=1&hasMDE=1&protocol=http";
const CONVERT: &str = "&directPlay=0&directStream=1&directStreamAudio=1&protocol=http";

#[test]
fn a_new_server_gives_a_part_only_after_a_decision() {
    let standin = Standin::start(clips());
    let viewer = Viewer {
        standin: &standin,
        session: "s1",
    };
    let row = titled(&standin, 1, 1, "Night Ferry");
    assert_eq!(viewer.part(&row), 200);
    standin.faults(|faults| faults.require_decision = true);
    assert_eq!(viewer.part(&row), 503);
    let told = viewer.decide(&row, DIRECT, PLAY);
    assert_eq!(told["generalDecisionCode"], 1000);
    assert_eq!(told["directPlayDecisionCode"], 1000);
    // Numbers that come as text here.
    assert_eq!(told["allowSync"], "1");
    assert_eq!(told["librarySectionID"], "1");
    let media = &told["Metadata"][0]["Media"][0];
    assert!(media["id"].is_string() && media["aspectRatio"].is_string());
    assert_eq!(media["selected"], true);
    assert_eq!(media["Part"][0]["decision"], "directplay");
    assert_eq!(viewer.part(&row), 200);
    // Another title, and another session, are told nothing by that.
    assert_eq!(viewer.part(&titled(&standin, 1, 1, "Paper Boats")), 503);
    let other = Viewer {
        standin: &standin,
        session: "s2",
    };
    assert_eq!(other.part(&row), 503);
}

#[test]
fn a_session_that_was_told_to_convert_gets_no_part() {
    let standin = Standin::start(clips());
    let viewer = Viewer {
        standin: &standin,
        session: "s1",
    };
    let row = titled(&standin, 1, 1, "Night Ferry");
    let told = viewer.decide(&row, &target("http", "matroska", "ac3"), CONVERT);
    assert_eq!(told["generalDecisionCode"], 1001);
    assert_eq!(told["directPlayDecisionCode"], 3000);
    let part = &told["Metadata"][0]["Media"][0]["Part"][0];
    assert_eq!(part["decision"], "transcode");
    assert_eq!(part["Stream"][0]["decision"], "copy");
    assert_eq!(viewer.part(&row), 503);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let standin = Standin::start(clips());
    let viewer = Viewer {
        standin: &standin,
        session: "s1",
    };
    let row = titled(&standin, 1, 1, "Night Ferry");
    let path = "/video/:/transcode/universal/decision".to_owned();
    let query = viewer.query(&row, DIRECT, PLAY);
    let status = |query: &str| get(&standin, &(path.clone() + query)).status;
    assert_eq!(status(&query), 200);
    assert_eq!(
        status(&query.replace("X-Plex-Session-Identifier", "x")),
        400
    );
    assert_eq!(status(&query.replace("X-Plex-Client-Identifier", "x")), 400);
    assert_eq!(status(&query.replace("Generic", "Toaster")), 400);
    assert_eq!(status(&(query.clone() + "&subtitles=burn")), 400);
    // Without a target, and with one that names no protocol.
    let none = viewer.decide(&row, DIRECT, CONVERT);
    assert_eq!(none["generalDecisionCode"], 2000);
    assert_eq!(none["transcodeDecisionCode"], 4005);
    let mute = target("http", "matroska", "ac3").replace("protocol%3Dhttp%26", "");
    let mute = viewer.decide(&row, &mute, CONVERT);
    assert_eq!(mute["transcodeDecisionCode"], 4005);
    // A plus that is not encoded is a space, and then nothing can be read.
    let both = format!("{DIRECT}+{}", target("http", "matroska", "ac3"));
    let joined = viewer.decide(&row, &both, CONVERT);
    assert_eq!(joined["transcodeDecisionCode"], 4005);
    let joined = viewer.decide(&row, &both.replace('+', "%2B"), CONVERT);
    assert_eq!(joined["transcodeDecisionCode"], 1001);
    standin.faults(|faults| faults.decision_code = Some(4005));
    let told = viewer.decide(&row, DIRECT, PLAY);
    assert_eq!(told["generalDecisionCode"], 4005);
    standin.faults(|faults| faults.decision_status = Some(500));
    assert_eq!(status(&query), 500);
}

#[test]
fn start_needs_a_decision_and_a_stopped_session_a_new_one() {
    let standin = Standin::start(clips());
    let viewer = Viewer {
        standin: &standin,
        session: "s1",
    };
    let row = titled(&standin, 1, 1, "Night Ferry");
    let profile = target("http", "matroska", "ac3");
    let start = || viewer.start("start.mkv", &row, &profile, CONVERT).status;
    assert_eq!(start(), 400);
    viewer.decide(&row, &profile, CONVERT);
    let act = |what: &str| {
        let path = format!("/video/:/transcode/universal/{what}?session=s1");
        get(&standin, &path).status
    };
    assert_eq!(act("ping"), 200);
    assert_eq!(act("stop"), 200);
    assert_eq!(act("stop"), 404);
    assert_eq!(act("ping"), 404);
    assert_eq!(start(), 400);
}
