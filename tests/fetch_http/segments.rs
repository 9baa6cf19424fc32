//! What a server makes in segments: a playlist that leads to another one, which lists them, and the
//! bytes of all of them in order.

use super::source::{Answer, SourceServer};
use super::told;
use exstreamtv::error::{Error, Failure};
use exstreamtv::fetch::{ENDLESS, Reader};
use exstreamtv::limits;
use std::fmt::Write;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// A server with segments in `base/`, which `start.m3u8` leads to.
struct Show {
    server: SourceServer,
    folder: TempDir,
}

const END: &str = "#EXT-X-ENDLIST\n";

impl Show {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("base")).unwrap();
        let server = SourceServer::start(folder.path());
        let show = Self { server, folder };
        show.write(
            "start.m3u8",
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=4000000\nbase/index.m3u8\n",
        );
        show
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        // In one step: the server may be looking.
        let made = self.folder.path().join("made");
        std::fs::write(&made, bytes).unwrap();
        std::fs::rename(made, self.folder.path().join(name)).unwrap();
    }

    /// Lists segments from `first` on, of a second each.
    fn list(&self, (first, segments): (usize, &[String]), end: &str) {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for segment in segments {
            let _ = writeln!(text, "#EXTINF:1.0,\n{segment}");
        }
        self.write("base/index.m3u8", text + end);
    }

    /// Makes segments of these lengths, lists them, and gives all their bytes.
    fn make(&self, lens: &[usize], end: &str) -> Vec<u8> {
        let mut whole = Vec::new();
        for (number, len) in lens.iter().enumerate() {
            let bytes = segment(number, *len);
            self.write(&format!("base/{number}.ts"), &bytes);
            whole.extend(bytes);
        }
        self.list((0, &names(0..lens.len())), end);
        whole
    }

    async fn open(&self) -> exstreamtv::error::Result<Reader> {
        let headers = [("X-Plex-Token".to_owned(), "secret".to_owned())];
        let url = self.server.url("start.m3u8");
        Reader::segments(&(url + "?session=1"), &headers, BEGINNING).await
    }

    /// Paths in the order in which they were asked for.
    fn asked(&self) -> Vec<String> {
        let asked = self.server.asked();
        asked.into_iter().map(|asked| asked.path).collect()
    }

    fn times_asked(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| *asked == path).count()
    }
}

/// From the beginning of an item.
const BEGINNING: (Duration, Duration) = (Duration::ZERO, Duration::ZERO);

fn names(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{number}.ts")).collect()
}

fn segment(number: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| ((at * 31 + number * 7) % 251) as u8)
        .collect()
}

/// Reads on to the end, or to an error.
async fn rest(reader: &mut Reader, step: usize) -> Result<Vec<u8>, Error> {
    let mut all: Vec<u8> = Vec::new();
    loop {
        let bytes = reader.read(all.len() as u64, step).await?;
        all.extend_from_slice(&bytes);
        if bytes.len() < step {
            return Ok(all);
        }
    }
}

#[tokio::test]
async fn all_segments_come_as_one_stream_on_one_connection() {
    for (answer, step) in [
        (Answer::Whole, 32 << 10),
        (Answer::Chunked, 188 * 7),
        (Answer::Whole, 500_000),
    ] {
        let show = Show::new();
        show.server.answer(answer);
        let whole = show.make(&[100_000, 188, 300_001, 1, 70_000], END);
        let mut reader = show.open().await.unwrap();
        assert_eq!((reader.len(), reader.pace()), (ENDLESS, None));
        // A look at the beginning, and then from the beginning on.
        reader.read(0, 4_096).await.unwrap();
        assert!(rest(&mut reader, step).await.unwrap() == whole);
        for offset in [whole.len() as u64, 1 << 40] {
            assert_eq!(reader.read(offset, 10).await.unwrap().len(), 0);
        }
        let asked = show.asked();
        let segments = (0..5).map(|number| format!("/base/{number}.ts"));
        let lists = ["/start.m3u8?session=1", "/base/index.m3u8"];
        let expected: Vec<_> = lists
            .map(str::to_owned)
            .into_iter()
            .chain(segments)
            .collect();
        assert_eq!(asked, expected, "each is asked for once");
        for asked in show.server.asked() {
            assert!(asked.headers.iter().any(|line| line.ends_with("secret")));
            assert_eq!(asked.range, "");
        }
        assert_eq!(show.server.counts().connections, 1);
    }
}

#[tokio::test]
async fn a_playlist_of_segments_needs_none_before_it() {
    let show = Show::new();
    let whole = show.make(&[5_000, 5_000], END);
    let url = show.server.url("base/index.m3u8");
    let mut reader = Reader::segments(&url, &[], BEGINNING).await.unwrap();
    assert!(rest(&mut reader, 4_096).await.unwrap() == whole);
    assert_eq!(show.times_asked("/base/index.m3u8"), 1);
}

#[tokio::test]
async fn of_a_playlist_of_the_whole_what_lies_before_is_not_asked_for() {
    let show = Show::new();
    let whole = show.make(&[5_000; 20], END);
    let url = show.server.url("start.m3u8");
    let begins = (Duration::from_millis(12_300), Duration::from_secs(20));
    let mut reader = Reader::segments(&url, &[], begins).await.unwrap();
    assert!(rest(&mut reader, 4_096).await.unwrap() == whole[60_000..]);
    assert_eq!(show.times_asked("/base/11.ts"), 0);
    assert_eq!(show.times_asked("/base/12.ts"), 1);
}

#[tokio::test]
async fn a_read_that_is_given_up_loses_nothing() {
    let show = Show::new();
    let whole = show.make(&[40_000; 12], END);
    show.server.rate(Some(2_000_000));
    show.server.latency(Duration::from_millis(20));
    let mut reader = show.open().await.unwrap();
    let (mut all, mut given_up) = (Vec::new(), 0);
    while all.len() < whole.len() {
        let patience = Duration::from_millis(7);
        match timeout(patience, reader.read(all.len() as u64, 30_000)).await {
            Ok(read) => all.extend_from_slice(&read.unwrap()),
            Err(_) => given_up += 1,
        }
    }
    assert!(all == whole);
    assert!(given_up > 12, "{given_up}");
    assert_eq!(show.server.counts().requests, 14, "nothing is asked again");
}

#[tokio::test]
async fn a_segment_that_is_not_made_yet_is_waited_for() {
    let show = Show::new();
    show.make(&[9_000, 0, 9_000], END);
    std::fs::remove_file(show.folder.path().join("base/2.ts")).unwrap();
    let mut reader = show.open().await.unwrap();
    reader.read(0, 9_000).await.unwrap();
    let begun = Instant::now();
    let reading = tokio::spawn(async move { rest(&mut reader, 4_096).await });
    // Empty, then trouble, then there; not there, then there.
    sleep(Duration::from_millis(200)).await;
    show.server.answer_next(1, Answer::Status(503));
    sleep(Duration::from_millis(600)).await;
    show.write("base/1.ts", segment(1, 8_000));
    sleep(Duration::from_millis(1_200)).await;
    show.write("base/2.ts", segment(2, 9_000));
    let all = reading.await.unwrap().unwrap();
    let whole = [segment(0, 9_000), segment(1, 8_000), segment(2, 9_000)].concat();
    assert!(all == whole);
    assert!(begun.elapsed() < Duration::from_secs(5));
    let again = [
        show.times_asked("/base/1.ts"),
        show.times_asked("/base/2.ts"),
    ];
    assert!(again[0] >= 3 && again[1] >= 2, "{again:?}");
    assert!(again.iter().sum::<usize>() <= 8, "{again:?}");
}

#[tokio::test]
async fn a_segment_that_is_never_made_is_an_error_of_the_server() {
    let show = Show::new();
    show.make(&[9_000, 9_000], END);
    std::fs::remove_file(show.folder.path().join("base/1.ts")).unwrap();
    let mut reader = show.open().await.unwrap();
    reader.read(0, 9_000).await.unwrap();
    let begun = Instant::now();
    let (failure, words) = told(&reader.read(9_000, 10).await.unwrap_err());
    assert_eq!(failure, Failure::Connection);
    assert!(words.contains("does not come to making it"), "{words}");
    assert!(!words.contains("secret"), "{words}");
    let limit = Duration::from_millis(limits::SEGMENT_MADE_MS);
    let took = begun.elapsed();
    assert!((limit / 2..limit * 2).contains(&took), "{took:?}");
    assert!(show.times_asked("/base/1.ts") <= 21);
    // For good.
    reader.read(9_000, 10).await.unwrap_err();
    assert!(begun.elapsed() < took + Duration::from_secs(1));
}

#[tokio::test]
async fn a_last_sliver_that_is_never_made_is_the_end() {
    let show = Show::new();
    let whole = show.make(&[9_000], END);
    let text = "#EXTM3U\n#EXTINF:1.0,\n0.ts\n#EXTINF:0.04,\n1.ts\n#EXT-X-ENDLIST\n";
    show.write("base/index.m3u8", text);
    let mut reader = show.open().await.unwrap();
    assert!(rest(&mut reader, 4_096).await.unwrap() == whole);
}

#[tokio::test]
async fn a_playlist_that_grows_is_followed_no_faster_than_it_can() {
    let show = Show::new();
    let first = show.make(&[9_000, 9_000], "");
    let mut reader = show.open().await.unwrap();
    reader.read(0, first.len()).await.unwrap();
    let reading = tokio::spawn(async move {
        reader.read(18_000, 4_096).await.unwrap();
        let mut all = Vec::new();
        loop {
            let bytes = reader.read(18_000 + all.len() as u64, 4_096).await.unwrap();
            all.extend_from_slice(&bytes);
            if bytes.len() < 4_096 {
                return all;
            }
        }
    });
    sleep(Duration::from_millis(1_800)).await;
    show.write("base/2.ts", segment(2, 5_000));
    // The first is gone from it.
    show.list((1, &names(1..3)), "");
    sleep(Duration::from_millis(1_800)).await;
    show.write("base/3.ts", segment(3, 5_000));
    show.list((2, &names(2..4)), END);
    let all = reading.await.unwrap();
    assert!(all == [segment(2, 5_000), segment(3, 5_000)].concat());
    let looked = show.times_asked("/base/index.m3u8");
    assert!((4..=10).contains(&looked), "{looked}");
    for number in 0..4 {
        assert_eq!(show.times_asked(&format!("/base/{number}.ts")), 1);
    }
}

#[tokio::test]
async fn nothing_is_asked_of_another_host() {
    let other = Show::new();
    other.make(&[9_000], END);
    for (name, leads) in [
        (
            "start.m3u8",
            format!(
                "#EXTM3U\n#EXT-X-STREAM-INF:A=1\n{}\n",
                other.server.url("base/index.m3u8")
            ),
        ),
        (
            "base/index.m3u8",
            format!("#EXTM3U\n#EXTINF:1,\n{}\n", other.server.url("base/0.ts")),
        ),
    ] {
        let show = Show::new();
        show.make(&[9_000], END);
        show.write(name, leads);
        let error = match show.open().await {
            Ok(mut reader) => reader.read(0, 10).await.unwrap_err(),
            Err(error) => error,
        };
        let (failure, words) = told(&error);
        assert_eq!(failure, Failure::Item);
        assert!(words.contains("another server"), "{words}");
    }
    assert_eq!(other.server.counts().connections, 0);
}

#[tokio::test]
async fn what_cannot_be_followed_is_told_of_the_item() {
    let long = "#\n".repeat(limits::PLAYLIST_BYTES);
    for (name, text) in [
        ("start.m3u8", "no playlist"),
        ("start.m3u8", &long),
        ("base/index.m3u8", "#EXTM3U\n#EXT-X-MAP:URI=\"a\"\na.ts\n"),
        (
            "base/index.m3u8",
            "#EXTM3U\n#EXT-X-STREAM-INF:A=1\nindex.m3u8\n",
        ),
        ("base/index.m3u8", "#EXTM3U\n#EXTINF:1,\nftp://nas/0.ts\n"),
    ] {
        let show = Show::new();
        show.make(&[9_000], END);
        show.write(name, text);
        let error = match show.open().await {
            Ok(mut reader) => reader.read(0, 10).await.unwrap_err(),
            Err(error) => error,
        };
        let (failure, words) = told(&error);
        assert_eq!(failure, Failure::Item, "{words}");
    }
}

#[tokio::test]
async fn what_breaks_off_is_an_error_of_the_server_for_good() {
    let show = Show::new();
    show.make(&[9_000, 9_000], END);
    let mut reader = show.open().await.unwrap();
    reader.read(0, 9_000).await.unwrap();
    show.server.answer(Answer::Truncated(4_000));
    for _ in 0..2 {
        let (failure, words) = told(&reader.read(9_000, 9_000).await.unwrap_err());
        assert_eq!(failure, Failure::Connection);
        assert!(words.ends_with("the connection broke off"), "{words}");
    }
    assert_eq!(show.times_asked("/base/1.ts"), 1);
}
