//! Demuxers over HTTP: the same samples as over the file, and what joining in the middle costs.

use super::film::Minute;
use super::source::{Counts, SourceServer};
use exstreamtv::demux::{Demuxer, Pull, RECOGNISE_BYTES, recognise};
use exstreamtv::fetch::Reader;
use exstreamtv::media::Sample;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Samples that are compared at each place.
const SAMPLES: usize = 3_000;

/// A demuxer with the reader that feeds it.
struct Reading {
    demuxer: Demuxer,
    reader: Reader,
    /// Bytes that the demuxer asked for.
    needed: u64,
}

impl Reading {
    async fn new(mut reader: Reader) -> Self {
        let head = reader.read(0, RECOGNISE_BYTES).await.unwrap();
        let demuxer = Demuxer::new(recognise(&head).unwrap(), reader.len());
        let mut reading = Self {
            demuxer,
            reader,
            needed: 0,
        };
        assert_eq!(reading.pull().await, Pull::Ready);
        reading
    }

    async fn pull(&mut self) -> Pull {
        loop {
            let span = match self.demuxer.pull().unwrap() {
                Pull::Need(span) => span,
                other => return other,
            };
            let bytes = self.reader.read(span.offset, span.len).await.unwrap();
            assert_eq!(bytes.len(), span.len);
            self.needed += span.len as u64;
            self.demuxer.push(span.offset, bytes).unwrap();
        }
    }

    /// Starts at so many thousandths of the film.
    fn start(&mut self, place: i64) {
        let movie = self.demuxer.movie().unwrap();
        let tracks = || movie.tracks.iter().map(|track| &track.track);
        let video = tracks().find(|track| track.video().is_some()).unwrap().id;
        let audio = tracks().find(|track| track.audio().is_some());
        let time_90k = movie.duration_90k / 1000 * place;
        let audio = audio.map(|track| track.id);
        self.demuxer.start(video, audio, time_90k).unwrap();
    }

    async fn samples(&mut self, most: usize) -> Vec<Sample> {
        let mut samples = Vec::new();
        while samples.len() < most {
            match self.pull().await {
                Pull::Sample(sample) => samples.push(sample),
                Pull::End => break,
                other => panic!("{other:?}"),
            }
        }
        samples
    }
}

/// Two hours, each with the requests that joining it in its middle may take.
fn films(folder: &Path) -> [(PathBuf, u64); 4] {
    let minute = Minute::new(folder, "192x108", "-crf 40 -b:a 32k");
    let film = |name, how, requests| (minute.film(120, name, how), requests);
    let fragments = "-movflags frag_keyframe+empty_moov";
    [
        film("front.mp4", "-movflags +faststart", 22),
        film("behind.mp4", "", 22),
        film("fragments.mp4", fragments, 10),
        film("film.mkv", "", 6),
    ]
}

#[tokio::test]
async fn a_demuxer_over_http_gives_the_samples_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = SourceServer::start(folder.path());
    for (path, most_requests) in films(folder.path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let url = server.url(name);
        let (cost, needed) = join(&server, &url).await;
        println!("{name}: {cost:?}, {needed} bytes needed");
        assert!(cost.requests <= most_requests, "{name}: {cost:?}");
        assert!(cost.connections <= 4, "{name}: {cost:?}");
        let more = cost.body_bytes.saturating_sub(needed);
        assert!(more <= 1_000_000, "{name}: {more} bytes more than needed");
        let mut here = Reading::new(Reader::open(&path).await.unwrap()).await;
        let mut there = Reading::new(Reader::http(&url, &[]).await.unwrap()).await;
        for place in [500, 0, 731, 732, 100, 999] {
            here.start(place);
            there.start(place);
            let (ours, theirs) = (here.samples(SAMPLES).await, there.samples(SAMPLES).await);
            assert!(!ours.is_empty());
            assert!(ours == theirs, "{name} from {place}");
        }
    }
}

/// Joins in the middle, as far as a picture and a little sound: what the server gave for it, and
/// how many bytes the demuxer asked for.
async fn join(server: &SourceServer, url: &str) -> (Counts, u64) {
    server.reset_counts();
    let mut reading = Reading::new(Reader::http(url, &[]).await.unwrap()).await;
    reading.start(500);
    assert_eq!(reading.samples(4).await.len(), 4);
    // Whatever the kernel takes, it has taken by then.
    tokio::time::sleep(Duration::from_millis(100)).await;
    (server.counts(), reading.needed)
}
