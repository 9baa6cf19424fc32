//! What the server says about itself.

use super::node::Node;
use super::state::State;

pub(crate) fn identity(state: &State, machine: &str) -> Node {
    Node::container()
        .with("size", 0_u32)
        .with("apiVersion", "1.1.1")
        .with("claimed", true)
        .with("machineIdentifier", machine)
        .with("version", &state.identity.version)
}

pub(crate) fn root(state: &State, machine: &str) -> Node {
    let directories = ["identity", "library", "playlists", "transcode"];
    Node::container()
        .with("size", directories.len())
        .with("allowCameraUpload", false)
        .with("allowMediaDeletion", true)
        .with("allowSharing", true)
        .with("allowSync", true)
        .with("allowTuners", true)
        .with("apiVersion", "1.1.1")
        .with("claimed", true)
        .with("countryCode", "deu")
        .with("eventStream", true)
        .with("friendlyName", &state.identity.name)
        .with("livetv", 7_u32)
        .with("machineIdentifier", machine)
        .with("mediaProviders", true)
        .with("multiuser", true)
        .with("myPlex", true)
        .with("myPlexMappingState", "mapped")
        .with("myPlexSigninState", "ok")
        .with("myPlexSubscription", true)
        .with("ownerFeatures", "hardware_transcoding,livetv")
        .with("platform", "Linux")
        .with("platformVersion", "6.1")
        .with("streamingBrainABRVersion", 3_u32)
        .with("streamingBrainVersion", 2_u32)
        .with("sync", true)
        .with("transcoderActiveVideoSessions", 0_u32)
        .with("transcoderAudio", true)
        .with("transcoderVideo", true)
        .with("transcoderVideoBitrates", "64,96,208,320,720,1500,2000")
        .with("transcoderVideoQualities", "0,1,2,3,4,5,6")
        .with("transcoderVideoResolutions", "128,128,160,240,320,480,768")
        .with("updatedAt", 1_700_000_000_u32)
        .with("updater", true)
        .with("version", &state.identity.version)
        .children(directories.into_iter().map(|name| {
            Node::new("Directory")
                .with("count", 1_u32)
                .with("key", name)
                .with("title", name)
        }))
}

pub(crate) fn library_root() -> Node {
    let entries = [("sections", "Library Sections"), ("all", "All")];
    Node::container()
        .with("size", entries.len())
        .with("allowSync", false)
        .with("art", "/:/resources/library-art.png")
        .with("content", "")
        .with("identifier", "com.plexapp.plugins.library")
        .with("mediaTagPrefix", "/system/bundle/media/flags/")
        .with("mediaTagVersion", 1_700_000_000_u32)
        .with("title1", "Plex Library")
        .with("title2", "")
        .children(
            entries
                .into_iter()
                .map(|(key, title)| Node::new("Directory").with("key", key).with("title", title)),
        )
}
