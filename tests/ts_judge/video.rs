//! The pictures: their order, their times against the clock, and what each access unit must hold.

use super::clock::{Clock, ms_of_90k};
use super::pes::Unit;
use super::picture::{self, Contents};
use super::{Findings, PICTURE_STEP_MS, Rule, VideoFacts};

/// Checks the units of the video PID.
pub(super) fn check(
    units: &[Unit],
    stream_type: u8,
    clock: &Clock,
    findings: &mut Findings,
) -> VideoFacts {
    let mut facts = VideoFacts {
        stream_type,
        ..VideoFacts::default()
    };
    facts.access_units = units.len();
    facts.random_access_points = units.iter().filter(|unit| unit.random_access).count();
    check_times(units, clock, &mut facts, findings);
    let mut interlaced = false;
    for unit in units {
        let contents = match stream_type {
            0x1B => picture::h264(&unit.data, &mut interlaced),
            0x24 => picture::hevc(&unit.data),
            _ => picture::mpeg2(&unit.data),
        };
        check_contents(unit, &contents, stream_type, findings);
    }
    facts
}

fn check_times(units: &[Unit], clock: &Clock, facts: &mut VideoFacts, findings: &mut Findings) {
    let mut last_dts: Option<i64> = None;
    let mut leads = Vec::new();
    let mut headrooms = Vec::new();
    for unit in units {
        if let Some(last) = last_dts {
            let step_ms = ms_of_90k(unit.dts_90k - last);
            if step_ms <= 0.0 {
                let what = format!("the decoding time goes back by {:.2} ms", -step_ms);
                findings.add(Rule::DtsOrder, unit.first_packet, what);
            } else if !unit.announced {
                facts.step_ms = facts.step_ms.max(step_ms);
                if step_ms > PICTURE_STEP_MS {
                    let what = format!("{step_ms:.1} ms without a picture");
                    findings.add(Rule::PictureGap, unit.first_packet, what);
                }
            }
        }
        last_dts = Some(unit.dts_90k);
        if unit.pts_90k < unit.dts_90k {
            let early = ms_of_90k(unit.dts_90k - unit.pts_90k);
            let what = format!("shown {early:.2} ms before it is decoded");
            findings.add(Rule::PtsBeforeDts, unit.first_packet, what);
        }
        leads.push(ms_of_90k(unit.dts_90k - clock.at_90k(unit.first_packet)));
        if clock.covers(unit.last_packet) {
            let headroom_ms = ms_of_90k(unit.dts_90k - clock.at_90k(unit.last_packet));
            headrooms.push(headroom_ms);
            if headroom_ms < 0.0 {
                let what = format!("complete {:.2} ms after its decoding time", -headroom_ms);
                findings.add(Rule::VideoLate, unit.last_packet, what);
            }
        }
    }
    facts.headroom_ms = least(&headrooms);
    facts.dts_minus_pcr_ms = (
        least(&leads),
        leads.iter().copied().fold(f64::NAN, f64::max),
    );
    let shown = |unit: &Unit| unit.pts_90k;
    let bounds = (units.iter().map(shown).min(), units.iter().map(shown).max());
    facts.pts_90k = (bounds.0.unwrap_or_default(), bounds.1.unwrap_or_default());
}

/// The least of some numbers; not a number if there are none.
pub(super) fn least(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::NAN, f64::min)
}

fn check_contents(unit: &Unit, contents: &Contents, stream_type: u8, findings: &mut Findings) {
    let at = unit.first_packet;
    if contents.headless {
        findings.add(
            Rule::AccessUnit,
            at,
            "the access unit does not begin with a start code",
        );
    }
    if stream_type != 0x02 && !(contents.delimiters == 1 && contents.delimiter_first) {
        let place = if contents.delimiter_first {
            ""
        } else {
            ", none of them first"
        };
        let what = format!("{} access unit delimiters{place}", contents.delimiters);
        findings.add(Rule::Delimiter, at, what);
    }
    let whole_picture = contents.half_pictures == 2;
    if !whole_picture && (unit.whole || contents.half_pictures > 2) {
        let what = format!("{} half pictures in a PES packet", contents.half_pictures);
        findings.add(Rule::AccessUnit, at, what);
    }
    match (unit.random_access, contents.key) {
        (false, true) if contents.parameter_sets || stream_type != 0x02 => {
            findings.add(
                Rule::RandomAccess,
                at,
                "a key picture is not marked as random access",
            );
        }
        (true, false) if !contents.recovery_point => {
            findings.add(
                Rule::RandomAccess,
                at,
                "marked as random access, but no key picture",
            );
        }
        (true, _) if !contents.parameter_sets => {
            findings.add(
                Rule::RandomAccess,
                at,
                "a random access point lacks parameter sets",
            );
        }
        _ => {}
    }
}
