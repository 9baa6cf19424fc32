//! Rows: what the server says about a title, in a list and alone.

use super::item::{Item, Kind, Media, Part, Stream, StreamKind, mixed};
use super::library::{Group, Section, SectionKind};
use super::node::Node;
use super::request::Asked;

/// How much is said.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Depth<'a> {
    /// As in a list: no streams, and no section, which stands on the container.
    Listed { guids: bool },
    /// As in an answer about this title.
    Whole {
        section: Option<&'a Section>,
        files: Files,
        chapters: bool,
        markers: bool,
    },
}

/// Whether the server looks at the disk for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    Checked,
    Unchecked,
}

impl<'a> Depth<'a> {
    pub(crate) fn listed(asked: &Asked) -> Self {
        Self::Listed {
            guids: asked.is_on("includeGuids"),
        }
    }

    pub(crate) fn whole(asked: &Asked, section: Option<&'a Section>) -> Self {
        Self::Whole {
            section,
            files: if asked.is_on("checkFiles") {
                Files::Checked
            } else {
                Files::Unchecked
            },
            chapters: asked.is_on("includeChapters"),
            markers: asked.is_on("includeMarkers"),
        }
    }
}

/// One row.
pub(crate) fn row(item: &Item, depth: Depth<'_>) -> Node {
    let key = item.rating_key;
    let below = match item.kind {
        Kind::Show | Kind::Season => "/children",
        _ => "",
    };
    let stamp = item.updated_at.unwrap_or(item.added_at);
    let image = |what: &str| format!("/library/metadata/{key}/{what}/{stamp}");
    let mut node = Node::named("Metadata", item.kind.element())
        .with("ratingKey", key.to_string())
        .with("key", format!("/library/metadata/{key}{below}"))
        .with("guid", &item.guid)
        .maybe("studio", item.studio.as_ref())
        .with("type", item.kind.name())
        .with("title", &item.title)
        .maybe("titleSort", sort_title(&item.title))
        .maybe("contentRating", item.content_rating.as_ref())
        .with("summary", &item.summary)
        .maybe("index", item.index)
        .maybe("audienceRating", item.rating)
        .maybe("year", item.year)
        .with("thumb", image("thumb"))
        .with("art", image("art"))
        .maybe("duration", item.duration_ms)
        .maybe(
            "originallyAvailableAt",
            item.originally_available_at.as_ref(),
        )
        .with("addedAt", item.added_at)
        .maybe("updatedAt", item.updated_at);
    if matches!(item.kind, Kind::Show | Kind::Season) {
        node.set("leafCount", item.leaf_count);
        node.set("viewedLeafCount", 0_u32);
    }
    if item.kind == Kind::Show {
        node.set("childCount", item.child_count);
    }
    node = above(node, item);
    if let Depth::Whole {
        section: Some(section),
        ..
    } = depth
    {
        node.set("librarySectionTitle", &section.title);
        node.set("librarySectionID", section.key);
        let key = format!("/library/sections/{}", section.key);
        node.set("librarySectionKey", key);
    }
    for (name, value) in &item.more {
        node.set(name, value.clone());
    }
    node = node.children(item.media.iter().map(|each| media(each, depth)));
    node = node.children([image_node("coverPoster", image("thumb"))]);
    node = node.child(colors(key));
    let tags = |name, tags: &[String]| {
        let tags = tags.iter().map(move |tag| Node::new(name).with("tag", tag));
        tags.collect::<Vec<_>>()
    };
    node = node.children(tags("Genre", &item.genres));
    node = node.children(tags("Director", &item.directors));
    node = node.children(tags("Role", &item.roles));
    details(node, item, depth)
}

/// What a row about one title has beyond a row of a list.
fn details(mut node: Node, item: &Item, depth: Depth<'_>) -> Node {
    if !matches!(depth, Depth::Listed { guids: false }) {
        let guids = item.guids.iter();
        node = node.children(guids.map(|guid| Node::new("Guid").with("id", guid)));
    }
    let Depth::Whole {
        chapters, markers, ..
    } = depth
    else {
        return node;
    };
    if let Some(rating) = item.rating {
        node = node.child(
            Node::new("Rating")
                .with("image", "themoviedb://image.rating")
                .with("type", "audience")
                .with("value", rating),
        );
    }
    if chapters {
        let numbered = item.chapters.iter().zip(1_u32..);
        node = node.children(numbered.map(|(chapter, number)| {
            Node::new("Chapter")
                .with("id", u64::from(number) + item.rating_key * 1000)
                .with("tag", &chapter.title)
                .with("index", number)
                .with("startTimeOffset", chapter.from_ms)
                .with("endTimeOffset", chapter.to_ms)
        }));
    }
    if markers {
        let numbered = item.markers.iter().zip(1_u64..);
        node = node.children(numbered.map(|(marker, number)| {
            Node::new("Marker")
                .with("id", number + item.rating_key * 1000)
                .with("type", marker.kind)
                .with("startTimeOffset", marker.from_ms)
                .with("endTimeOffset", marker.to_ms)
        }));
    }
    node
}

/// Where an episode or a season belongs.
fn above(mut node: Node, item: &Item) -> Node {
    let Some(lineage) = &item.lineage else {
        return node;
    };
    let path = |key: u64| format!("/library/metadata/{key}");
    let parent = lineage.season.as_ref().unwrap_or(&lineage.show);
    node.set("parentRatingKey", parent.rating_key.to_string());
    node.set("parentGuid", &parent.guid);
    node.set("parentKey", path(parent.rating_key));
    node.set("parentTitle", &parent.title);
    node.set("parentIndex", parent.index);
    let thumb = format!("{}/thumb/1", path(parent.rating_key));
    node.set("parentThumb", thumb);
    if lineage.season.is_some() {
        let show = &lineage.show;
        node.set("grandparentRatingKey", show.rating_key.to_string());
        node.set("grandparentGuid", &show.guid);
        node.set("grandparentKey", path(show.rating_key));
        node.set("grandparentTitle", &show.title);
        let image = |what| format!("{}/{what}/1", path(show.rating_key));
        node.set("grandparentThumb", image("thumb"));
        node.set("grandparentArt", image("art"));
    }
    node
}

/// The title without its article, where that differs.
fn sort_title(title: &str) -> Option<&str> {
    title.strip_prefix("The ")
}

fn image_node(kind: &str, url: String) -> Node {
    Node::new("Image")
        .with("alt", "")
        .with("type", kind)
        .with("url", url)
}

fn colors(key: u64) -> Node {
    let color = |n: u64| format!("{:06x}", mixed(key + n) & 0x00ff_ffff);
    Node::alone("UltraBlurColors")
        .with("topLeft", color(1))
        .with("topRight", color(2))
        .with("bottomRight", color(3))
        .with("bottomLeft", color(4))
}

/// One version of a title.
pub(crate) fn media(media: &Media, depth: Depth<'_>) -> Node {
    let ratio = match (media.width, media.height) {
        (Some(width), Some(height)) if height > 0 => {
            let ratio = f64::from(width) / f64::from(height);
            Some((ratio * 100.0).round() / 100.0)
        }
        _ => None,
    };
    let mut node = Node::new("Media")
        .with("id", media.id)
        .maybe("duration", media.duration_ms)
        .maybe("bitrate", media.bitrate_kbps)
        .maybe("width", media.width)
        .maybe("height", media.height)
        .maybe("aspectRatio", ratio)
        .maybe("audioChannels", media.audio_channels)
        .maybe("audioCodec", media.audio_codec.as_ref())
        .maybe("videoCodec", media.video_codec.as_ref())
        .maybe("videoResolution", media.height.map(resolution))
        .maybe("container", media.container.as_ref())
        .maybe("videoFrameRate", media.frame_rate.as_ref())
        // A number here, a truth on the part.
        .maybe("optimizedForStreaming", media.fast_start.map(u32::from))
        .maybe("audioProfile", media.audio_profile.as_ref())
        .maybe("has64bitOffsets", media.fast_start.map(|_| false))
        .maybe("videoProfile", media.video_profile.as_ref())
        .with("hasVoiceActivity", false);
    for (name, value) in &media.more {
        node.set(name, value.clone());
    }
    let parts = media.parts.iter();
    node.children(parts.map(|each| part(each, media, depth)))
}

fn part(part: &Part, media: &Media, depth: Depth<'_>) -> Node {
    let mut node = Node::new("Part")
        .with("id", part.id)
        .with("key", part.key())
        .maybe("duration", part.duration_ms)
        .with("file", &part.file)
        .with("size", part.size_bytes)
        .maybe("audioProfile", media.audio_profile.as_ref())
        .maybe("container", part.container.as_ref())
        .maybe("has64bitOffsets", media.fast_start.map(|_| false))
        .with("hasThumbnail", "1")
        .with("indexes", "sd")
        .maybe("optimizedForStreaming", media.fast_start)
        .maybe("videoProfile", media.video_profile.as_ref());
    let Depth::Whole { files, .. } = depth else {
        return node;
    };
    if files == Files::Checked {
        let exists = part.behind.as_ref().is_some_and(|file| file.exists());
        node.set("accessible", exists);
        node.set("exists", exists);
    }
    node.children(part.streams.iter().map(stream))
}

pub(crate) fn stream(stream: &Stream) -> Node {
    let number = match stream.kind {
        StreamKind::Video => 1_u32,
        StreamKind::Audio => 2,
        StreamKind::Subtitle => 3,
    };
    let language = stream.language_code.as_deref().map(language);
    let shown = format!(
        "{} ({})",
        language.map_or("Unknown", |(name, _)| name),
        stream.codec.to_uppercase()
    );
    let mut node = Node::new("Stream")
        .with("id", stream.id)
        .with("streamType", number)
        // What is off is not written at all.
        .maybe("default", stream.is_default.then_some(true))
        .maybe("selected", stream.is_selected.then_some(true))
        .with("codec", &stream.codec)
        .maybe("index", stream.index)
        .maybe("language", language.map(|(name, _)| name))
        .maybe("languageTag", language.map(|(_, tag)| tag))
        .maybe("languageCode", stream.language_code.as_ref())
        .maybe("title", stream.title.as_ref());
    for (name, value) in &stream.more {
        node.set(name, value.clone());
    }
    node.with("displayTitle", &shown)
        .with("extendedDisplayTitle", &shown)
}

fn language(code: &str) -> (&'static str, &'static str) {
    match code {
        "eng" => ("English", "en"),
        "deu" | "ger" => ("Deutsch", "de"),
        "fra" | "fre" => ("Français", "fr"),
        "spa" => ("Español", "es"),
        _ => ("Unknown", "und"),
    }
}

fn resolution(height: u32) -> &'static str {
    match height {
        1440.. => "4k",
        900.. => "1080",
        650.. => "720",
        560.. => "576",
        460.. => "480",
        _ => "sd",
    }
}

/// A section as `/library/sections` lists it.
pub(crate) fn section(section: &Section) -> Node {
    let (kind, agent, scanner) = match section.kind {
        SectionKind::Films => ("movie", "tv.plex.agents.movie", "Plex Movie"),
        SectionKind::Shows => ("show", "tv.plex.agents.series", "Plex TV Series"),
        SectionKind::OtherVideos => ("movie", "tv.plex.agents.none", "Plex Video Files Scanner"),
    };
    Node::new("Directory")
        .with("allowSync", true)
        .with("art", format!("/:/resources/{kind}-fanart.jpg"))
        .with(
            "composite",
            format!("/library/sections/{}/composite/1", section.key),
        )
        .with("filters", true)
        .with("refreshing", false)
        .with("thumb", format!("/:/resources/{kind}.png"))
        .with("key", section.key.to_string())
        .with("type", kind)
        .with("title", &section.title)
        .with("agent", agent)
        .with("scanner", scanner)
        .with("language", "en-US")
        .with("uuid", &section.uuid)
        .with("updatedAt", section.scanned_at)
        .with("createdAt", 1_500_000_000_u32)
        .with("scannedAt", section.scanned_at)
        .with("content", true)
        .with("directory", true)
        .with("contentChangedAt", section.content_changed_at)
        .with("hidden", 0_u32)
        .child(
            Node::new("Location")
                .with("id", section.key)
                .with("path", &section.path),
        )
}

/// A collection's own row. It counts its members in a string.
pub(crate) fn collection(group: &Group) -> Node {
    let key = group.rating_key;
    Node::named("Metadata", Kind::Collection.element())
        .with("ratingKey", key.to_string())
        .with("key", format!("/library/collections/{key}/children"))
        .with("guid", format!("collection://{key}"))
        .with("type", "collection")
        .with("title", &group.title)
        .with("subtype", "movie")
        .with("summary", "")
        .with("index", key)
        .with("smart", group.is_smart)
        .with("thumb", format!("/library/collections/{key}/composite/1"))
        .with("addedAt", 1_600_000_000_u32)
        .maybe("updatedAt", group.updated_at)
        .with("childCount", group.items.len().to_string())
}

/// A playlist's own row.
pub(crate) fn playlist(group: &Group, duration_ms: u64) -> Node {
    let key = group.rating_key;
    Node::named("Metadata", "Playlist")
        .with("ratingKey", key.to_string())
        .with("key", format!("/playlists/{key}/items"))
        .with("guid", format!("com.plexapp.agents.none://{key}"))
        .with("type", "playlist")
        .with("title", &group.title)
        .with("summary", "")
        .with("smart", group.is_smart)
        .with("playlistType", "video")
        .with("composite", format!("/playlists/{key}/composite/1"))
        .with("duration", duration_ms)
        .with("leafCount", group.items.len())
        .with("addedAt", 1_600_000_000_u32)
        .maybe("updatedAt", group.updated_at)
}
