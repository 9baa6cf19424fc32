//! What a Plex server says: lists of items row by row, decisions, and playlists of segments.

#![no_main]

use exstreamtv::fetch::Playlist;
use exstreamtv::limits;
use exstreamtv::plex::{Decided, Page};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    if let Ok(page) = Page::read(answer) {
        assert_eq!(page.returned, page.items.len() + page.dropped.len());
        for item in &page.items {
            assert!(!item.rating_key.is_empty() && !item.title.is_empty());
            assert!(item.title.len() <= limits::TEXT_BYTES);
            for part in item.versions.iter().flat_map(|version| &version.parts) {
                assert!(part.key.starts_with('/') && !part.key.starts_with("//"));
            }
        }
    }
    if let Ok(value) = serde_json::from_slice(answer) {
        let _ = Decided::read(&value);
    }
    if let Ok(Playlist::Media(segments)) = Playlist::read(answer.to_vec()) {
        let mut number = None;
        for segment in segments {
            assert!(!segment.uri.is_empty() && segment.uri.len() <= limits::PLAYLIST_URI_BYTES);
            assert!(number.is_none_or(|before| before + 1 == segment.number));
            number = Some(segment.number);
        }
    }
});
