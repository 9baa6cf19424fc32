//! Recordings that were joined: times begin anew in the middle of the file.

use super::clip::Folder;
use super::{H264, MPEG2, play};

#[test]
fn time_goes_on_where_recordings_were_joined() {
    let folder = Folder::new();
    for (name, codecs, kept) in [
        ("h264", format!("{H264} -c:a aac"), 24),
        ("mpeg2", format!("{MPEG2} -c:a mp2"), 24),
    ] {
        let first = folder.encode(&format!("{name}.ts"), "25", 4, &codecs);
        let second = folder.copy(
            &first,
            &format!("{name}-later.ts"),
            "-output_ts_offset 5000",
        );
        let (pictures, sound) = play(&first);
        for (parts, name) in [
            ([&first, &first], "again.ts"),
            ([&first, &second], "later.ts"),
            ([&second, &first], "earlier.ts"),
        ] {
            let path = folder.path(name);
            let joined = parts.map(|part| std::fs::read(part).unwrap()).concat();
            std::fs::write(&path, joined).unwrap();
            let (ours, heard) = play(&path);
            // One picture may be in work at the join.
            let lost = pictures.len() * 2 - ours.len();
            assert!(lost <= 3, "{name}: {lost}");
            assert!(
                (sound.len() * 2).abs_diff(heard.len()) <= kept,
                "{name}: {}",
                heard.len()
            );
            for samples in [&ours, &heard] {
                let mut times: Vec<i64> = samples.iter().map(|one| one.pts_90k).collect();
                times.sort_unstable();
                let hole = times.windows(2).map(|two| two[1] - two[0]).max().unwrap();
                assert!(hole < 45_000, "{name}: a hole of {hole}");
            }
            let end = ours.iter().map(|one| one.pts_90k).max().unwrap();
            assert!((end - 2 * 4 * 90_000).abs() < 30_000, "{name}: {end}");
        }
    }
}
