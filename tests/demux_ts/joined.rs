//! Recordings that were joined: times begin anew in the middle of the file.

use super::clip::{Folder, ffmpeg};
use super::{H264, MPEG2, chosen, open, play};
use exstreamtv::media::Sync;

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

/// A channel joins a film anywhere: what is behind the join has to be found as well.
#[test]
fn a_join_is_found_without_playing_up_to_it() {
    let folder = Folder::new();
    let coded = |seconds: u32| {
        format!(
            "-f lavfi -i testsrc2=s=320x180:r=25:d={seconds} -f lavfi -i sine=r=48000:d={seconds} \
             -c:v libx264 -preset ultrafast -g 25 -b:v 3M -bf 2 -c:a ac3"
        )
    };
    let [one, two, three] = [(40, "one.ts"), (25, "two.ts"), (30, "three.ts")].map(|(s, name)| {
        let path = folder.path(name);
        ffmpeg(&coded(s), &path);
        path
    });
    let later = folder.copy(&two, "later.ts", "-output_ts_offset 30000");
    for (parts, seconds) in [
        (vec![&one, &two], 65),
        (vec![&one, &later, &three], 95),
        (vec![&later, &one], 65),
        (vec![&three, &three, &three], 90),
    ] {
        let path = folder.path("joined.ts");
        let parts: Vec<Vec<u8>> = parts
            .iter()
            .map(|part| std::fs::read(part).unwrap())
            .collect();
        std::fs::write(&path, parts.concat()).unwrap();
        let mut drive = open(&path);
        let duration_90k = drive.movie().unwrap().duration_90k;
        println!(
            "{} requests, {} kB",
            drive.requests,
            drive.bytes_read / 1000
        );
        assert!(
            (duration_90k - seconds * 90_000).abs() < 20_000,
            "{duration_90k}"
        );
        let (all, sound) = play(&path);
        let (video, audio) = chosen(&mut drive);
        for part in 0..40 {
            let time_90k = duration_90k / 40 * part;
            let mut keys = all.iter().filter(|one| one.sync == Sync::RandomAccess);
            let wanted = keys.rfind(|one| one.pts_90k <= time_90k).unwrap();
            let first = drive.first(video, audio, time_90k);
            let off = first.pts_90k - wanted.pts_90k;
            // Directly behind a join it is the first picture there.
            assert!(
                off.abs() <= 1 || (0..90_000).contains(&off),
                "{time_90k}: {off}"
            );
            assert!(
                first.data
                    == all
                        .iter()
                        .find(|one| one.pts_90k == first.pts_90k)
                        .unwrap()
                        .data
            );
        }
        assert!(sound.len() > 30 * usize::try_from(seconds).unwrap());
    }
}
