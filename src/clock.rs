//! Wall time: epoch milliseconds, UTC, in an `i64`. There is no other time type inside the box.
//!
//! The one trait that exists for tests. What has to wait, waits on tokio's timer; what has to know
//! the date asks a [`Clock`]. The date may step at any time, so nothing is measured with it.
//!
//! A Pi has no battery: it wakes up in the past, and until a time server has told it the date nobody
//! knows what is on. [`BoardClock`] is the clock that doubts.

use crate::limits;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZoneDatabase;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep_until};

/// No date before this one can be right. A release sets it by `SOURCE_DATE_EPOCH`
/// (<https://reproducible-builds.org/specs/source-date-epoch/>), in seconds; else it is
/// 2026-01-01T00:00:00Z, which never becomes wrong, only weaker.
pub const BUILT_MS: i64 = built_ms(option_env!("SOURCE_DATE_EPOCH"));

/// A time zone's name as the database spells it, however the letters are; `None` where it has none of
/// this name.
#[must_use]
pub fn zone_name(name: &str) -> Option<String> {
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    zone.iana_name().map(str::to_owned)
}

/// Tells the date.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn epoch_ms(&self) -> i64;

    /// Whether the date can be right. A board without a battery wakes up in the past, and until it
    /// has been told the date there is no telling what is on.
    fn is_known(&self) -> bool {
        true
    }
}

/// A clock that is shared by everything in the box.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn epoch_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |past| -past)
            }
        }
    }
}

/// The clock of a board that may not have been told the date yet.
///
/// Asking it costs nothing; to find out, it has to [look](Self::look).
#[derive(Debug)]
pub struct BoardClock<C = SystemClock> {
    clock: C,
    doubt: Doubt,
    started: Instant,
    known: AtomicBool,
}

/// What tells whether a date can be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The newest date that this box is known to have seen, when it ran before.
    pub seen_ms: i64,
    /// A file that is there once a time server has been asked; `None` for a machine that has a
    /// battery, or wakes up with a date of which nobody says more.
    pub marker: Option<PathBuf>,
}

/// What a look at the clock has found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Date {
    /// It is right, as far as anybody can tell.
    Known,
    /// It can be right, and nobody has said better for `limits::CLOCK_PATIENCE_MS`.
    Assumed,
    /// It cannot be right, or nobody has said so yet.
    Unknown,
}

impl<C: Clock> BoardClock<C> {
    /// A clock that has been looked at once. Milliseconds count from now.
    pub fn new(clock: C, doubt: Doubt) -> Self {
        let board = Self {
            clock,
            doubt,
            started: Instant::now(),
            known: AtomicBool::new(false),
        };
        board.look();
        board
    }

    /// Looks whether the date is known by now; once it is, it stays so. Looks for a file.
    pub fn look(&self) -> Date {
        if self.is_known() {
            return Date::Known;
        }
        let date = self.judge();
        if date != Date::Unknown {
            // Nothing else is handed over with it.
            self.known.store(true, Ordering::Relaxed);
        }
        date
    }

    fn judge(&self) -> Date {
        let now_ms = self.epoch_ms();
        let believed = match &self.doubt.marker {
            // The date seen before may itself have been wrong; the time server knows better.
            Some(marker) => marker.exists(),
            None => now_ms >= self.doubt.seen_ms,
        };
        let patience = Duration::from_millis(limits::CLOCK_PATIENCE_MS);
        if now_ms < BUILT_MS {
            Date::Unknown
        } else if believed {
            Date::Known
        } else if self.started.elapsed() >= patience {
            Date::Assumed
        } else {
            Date::Unknown
        }
    }
}

impl<C: Clock> Clock for BoardClock<C> {
    fn epoch_ms(&self) -> i64 {
        self.clock.epoch_ms()
    }

    fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }
}

/// The date of the release in milliseconds, but not before the one in this source.
const fn built_ms(seconds: Option<&str>) -> i64 {
    const SOURCE_S: i64 = 1_767_225_600;
    let Some(seconds) = seconds else {
        return SOURCE_S * 1_000;
    };
    match i64::from_str_radix(seconds, 10) {
        Ok(seconds) if seconds > SOURCE_S && seconds < i64::MAX / 1_000 => seconds * 1_000,
        _ => SOURCE_S * 1_000,
    }
}

/// A date that moves with tokio's timer, so that a paused test runtime moves both together.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    started: Instant,
    started_ms: i64,
}

impl TokioClock {
    /// A clock that shows `epoch_ms` now.
    #[must_use]
    pub fn starting_at(epoch_ms: i64) -> Self {
        Self {
            started: Instant::now(),
            started_ms: epoch_ms,
        }
    }
}

impl Clock for TokioClock {
    fn epoch_ms(&self) -> i64 {
        let passed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.started_ms.saturating_add(passed)
    }
}

/// Waits until then; for ever where there is no such time.
pub async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// A date as HTTP writes it (RFC 9110 §5.6.7); `None` outside the years 0 to 9999.
#[must_use]
pub fn http_date(epoch_ms: i64) -> Option<String> {
    let date = Timestamp::from_millisecond(epoch_ms).ok()?;
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&date)
        .ok()
}

/// A date as part of a file's name, to the second of UTC: `2026-11-24T081500Z`; its first ten letters
/// are the day. A date that nobody can write is the beginning of 1970.
#[must_use]
pub fn stamp(epoch_ms: i64) -> String {
    let seconds = epoch_ms.div_euclid(1_000);
    let date = Timestamp::from_second(seconds).unwrap_or_default();
    date.to_string().replace(':', "")
}

#[cfg(test)]
mod tests {
    use super::{BUILT_MS, BoardClock, Clock, Date, Doubt, TokioClock, built_ms};
    use crate::limits;
    use std::path::Path;
    use std::time::Duration;
    use tokio::time::advance;

    const PATIENCE: Duration = Duration::from_millis(limits::CLOCK_PATIENCE_MS);
    const DAY_MS: i64 = 86_400_000;

    fn board(now_ms: i64, seen_ms: i64, marker: Option<&Path>) -> BoardClock<TokioClock> {
        let marker = marker.map(Path::to_owned);
        BoardClock::new(TokioClock::starting_at(now_ms), Doubt { seen_ms, marker })
    }

    #[tokio::test(start_paused = true)]
    async fn a_date_that_can_be_right_is_known_at_once_where_nobody_says_more() {
        assert!(board(BUILT_MS, 0, None).is_known());
        assert!(board(BUILT_MS + DAY_MS, BUILT_MS + DAY_MS, None).is_known());
    }

    #[tokio::test(start_paused = true)]
    async fn a_date_before_the_program_was_built_is_never_taken() {
        let marker = tempfile::NamedTempFile::new().unwrap();
        for marker in [None, Some(marker.path())] {
            let clock = board(0, 0, marker);
            advance(PATIENCE * 10).await;
            assert_eq!(clock.look(), Date::Unknown);
            assert!(!clock.is_known());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_date_before_one_that_was_seen_is_taken_only_when_nobody_says_better() {
        let clock = board(BUILT_MS, BUILT_MS + DAY_MS, None);
        assert!(!clock.is_known());
        advance(PATIENCE - Duration::from_millis(1)).await;
        assert_eq!(clock.look(), Date::Unknown);
        advance(Duration::from_millis(1)).await;
        assert_eq!(clock.look(), Date::Assumed);
        assert!(clock.is_known());
    }

    #[tokio::test(start_paused = true)]
    async fn the_marker_is_waited_for_with_patience() {
        let folder = tempfile::tempdir().unwrap();
        let marker = folder.path().join("synchronized");
        let told = board(BUILT_MS, 0, Some(&marker));
        let offline = board(BUILT_MS, 0, Some(&marker));
        assert_eq!(told.look(), Date::Unknown);
        advance(PATIENCE / 2).await;
        assert_eq!(told.look(), Date::Unknown);
        advance(PATIENCE / 2).await;
        assert_eq!(offline.look(), Date::Assumed);
        std::fs::write(&marker, "").unwrap();
        assert_eq!(told.look(), Date::Known);
        // The time server knows better than a box whose clock was wrong once.
        assert!(board(BUILT_MS, i64::MAX, Some(&marker)).is_known());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_stays_known() {
        let folder = tempfile::NamedTempFile::new().unwrap();
        let clock = board(BUILT_MS, 0, Some(folder.path()));
        drop(folder);
        assert!(clock.is_known());
        assert_eq!(clock.look(), Date::Known);
        assert_eq!(clock.epoch_ms(), BUILT_MS);
    }

    #[test]
    fn a_release_can_only_make_the_floor_higher() {
        assert_eq!(built_ms(Some("1800000000")), 1_800_000_000_000);
        for weaker in [
            None,
            Some("0"),
            Some("-1"),
            Some("soon"),
            Some("9223372036854775807"),
        ] {
            assert_eq!(built_ms(weaker), 1_767_225_600_000);
        }
    }
}
