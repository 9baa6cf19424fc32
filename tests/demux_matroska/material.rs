//! What files built by hand are made of.

use super::clip::Folder;
use super::drive::Drive;
use super::{build, of, open, play};
use exstreamtv::media::{Sample, TrackId};

/// Raw material for files built by hand: coded pictures and sound with their configurations.
pub(crate) struct Material {
    pub(crate) video_config: Vec<u8>,
    pub(crate) pictures: Vec<Sample>,
    pub(crate) sound: Vec<Sample>,
}

impl Material {
    /// 25 pictures a second without reordering, a key frame every 5, and AC-3 frames.
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        let codecs = "-c:v libx264 -preset ultrafast -g 5 -bf 0 -c:a ac3 -b:a 96k";
        let path = folder.encode("material.mkv", "25", 2, codecs);
        let samples = play(&path);
        let movie = open(&path).movie().unwrap();
        let owned = |track| of(&samples, TrackId(track)).into_iter().cloned().collect();
        Self {
            video_config: movie.tracks[0].config.to_vec(),
            pictures: owned(1),
            sound: owned(2),
        }
    }

    pub(crate) fn video(&self) -> Vec<u8> {
        let config = build::element(0x63A2, &self.video_config);
        build::track(
            1,
            1,
            "V_MPEG4/ISO/AVC",
            &[config, build::uint(0x23_E383, 40_000_000)],
        )
    }

    pub(crate) fn audio(&self, more: &[Vec<u8>]) -> Vec<u8> {
        let rate = build::element(0xB5, &48_000_f64.to_be_bytes());
        let facts = build::master(0xE1, &[rate, build::uint(0x9F, 1)]);
        build::track(2, 2, "A_AC3", &[facts, more.concat()])
    }

    /// The `n`-th picture as a SimpleBlock `ms` after its Cluster.
    pub(crate) fn picture(&self, n: usize, ms: i16) -> Vec<u8> {
        let flags = if n.is_multiple_of(5) { 0x80 } else { 0 };
        build::simple_block(1, ms, flags, &self.pictures[n].data)
    }

    /// Clusters of five pictures each.
    pub(crate) fn clusters(&self, count: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|n| {
                let blocks: Vec<_> = (0..5)
                    .map(|k| self.picture(n * 5 + k, i16::try_from(k * 40).unwrap()))
                    .collect();
                build::cluster(u64::try_from(n * 200).unwrap(), &blocks)
            })
            .collect()
    }

    /// The pictures of `samples` are these, in order, 40 ms apart.
    pub(crate) fn assert_pictures(
        &self,
        samples: &[Sample],
        numbers: impl IntoIterator<Item = usize>,
    ) {
        let got = of(samples, TrackId(1));
        let numbers: Vec<_> = numbers.into_iter().collect();
        assert_eq!(got.len(), numbers.len());
        for (got, number) in got.iter().zip(numbers) {
            assert_eq!(got.data, self.pictures[number].data, "picture {number}");
            assert_eq!(got.pts_90k, i64::try_from(number).unwrap() * 3600);
        }
    }
}

pub(crate) fn play_built(file: Vec<u8>, audio: Option<u64>) -> Vec<Sample> {
    let mut drive = Drive::new(file.clone()).unwrap();
    drive.movie().unwrap();
    let (samples, error) = drive.play(TrackId(1), audio.map(TrackId), 0);
    assert_eq!(error, None);
    let streamed = Drive::streamed(file, TrackId(1), audio.map(TrackId));
    assert!(streamed == samples, "as a stream it is the same");
    samples
}
