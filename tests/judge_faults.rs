//! The judge on trial: every fault that a channel could have is seen, by the judge and, where it is a
//! matter of TR 101 290, by the second opinion too; and nothing else is claimed.

#[cfg(test)]
mod ts_fault;
mod ts_judge;

use ts_fault::{AUDIO, PAT, PMT, SDT, Stream, VIDEO, good};
use ts_judge::{Rule, judge, second_opinion};

/// Seeds a fault into the good stream: the judge must find exactly these kinds of problems.
#[track_caller]
fn convict(fault: impl FnOnce(&mut Stream), expected: &[Rule]) -> Stream {
    let mut stream = good();
    fault(&mut stream);
    let verdict = judge(&stream.bytes());
    assert_eq!(verdict.rules(), expected, "the judge found:\n{verdict}");
    stream
}

#[track_caller]
fn second_sees(stream: &Stream, indicator: &str) {
    let opinion = second_opinion(&stream.bytes());
    assert!(
        opinion.iter().any(|finding| finding.contains(indicator)),
        "{opinion:#?}"
    );
}

#[test]
fn a_dropped_packet_is_seen() {
    let stream = convict(
        |stream| {
            let second = stream.keys()[2] + 1;
            assert_eq!(ts_fault::pid(&stream.packets[second]), VIDEO);
            stream.packets.remove(second);
        },
        &[Rule::Continuity],
    );
    second_sees(&stream, "Continuity");
}

#[test]
fn a_packet_sent_twice_is_allowed_but_not_thrice_or_changed() {
    let repeat = |stream: &mut Stream, times: usize| {
        let number = stream.of(VIDEO)[100];
        for _ in 0..times {
            stream.packets.insert(number, stream.packets[number]);
        }
    };
    let twice = convict(|stream| repeat(stream, 1), &[]);
    assert_eq!(judge(&twice.bytes()).facts.duplicates, 1);
    let thrice = convict(|stream| repeat(stream, 2), &[Rule::Continuity]);
    second_sees(&thrice, "Continuity");
    let changed = |stream: &mut Stream| {
        repeat(stream, 1);
        let number = stream.of(VIDEO)[101];
        stream.packets[number][187] ^= 0x55;
    };
    second_sees(&convict(changed, &[Rule::Continuity]), "Continuity");
}

#[test]
fn a_skipped_group_of_pictures_is_seen_though_the_counters_hide_it() {
    let stream = convict(
        |stream| {
            stream.skip_group();
            stream.mend_counters();
        },
        &[
            Rule::PsiInterval,
            Rule::PcrInterval,
            Rule::PictureGap,
            Rule::AudioChain,
        ],
    );
    second_sees(&stream, "PCR");
}

#[test]
fn an_announced_skip_is_excused_and_counted() {
    let mut stream = good();
    let from = stream.skip_group();
    let next = |wanted: u16| stream.of(wanted).into_iter().find(|&number| number >= from);
    let bridges: Vec<_> = [SDT, PAT, PMT, AUDIO, VIDEO]
        .into_iter()
        .map(|wanted| ts_fault::bridge(&stream.packets[next(wanted).expect("a packet")]))
        .collect();
    stream.packets.splice(from..from, bridges);
    let verdict = judge(&stream.bytes());
    // The audio unit that was cut in two is not whole; everything else is excused.
    let others: Vec<_> = verdict
        .rules()
        .into_iter()
        .filter(|rule| *rule != Rule::Pes)
        .collect();
    assert_eq!(others, [], "{verdict}");
    assert_eq!(verdict.facts.discontinuities, 5);
}

#[test]
fn a_hole_of_one_audio_frame_is_seen() {
    let shift = |stream: &mut Stream| {
        let from = stream.starts(AUDIO)[20];
        stream.shift_times(AUDIO, from, 1920);
    };
    let stream = convict(shift, &[Rule::AudioChain]);
    assert_eq!(
        judge(&stream.bytes()).problems.len(),
        1,
        "one hole is one problem"
    );
    convict(
        |stream| {
            let start = stream.starts(AUDIO)[20];
            stream.rewrite(start, |data| {
                let first = usize::from(data[3] & 3) << 11
                    | usize::from(data[4]) << 3
                    | usize::from(data[5] >> 5);
                data.drain(..first);
            });
        },
        &[Rule::AudioChain],
    );
}

#[test]
fn two_ticks_of_drift_in_the_audio_are_seen_and_one_is_rounding() {
    let shift = |ticks: i64| {
        move |stream: &mut Stream| {
            let from = stream.starts(AUDIO)[20];
            stream.shift_times(AUDIO, from, ticks);
        }
    };
    // 1024 samples are exactly 1920 ticks, so nothing of the tolerance is used up.
    convict(shift(1), &[]);
    convict(shift(2), &[Rule::AudioChain]);
}

#[test]
fn a_missing_clock_is_seen() {
    let stream = convict(
        |stream| {
            for number in &stream.clocks()[60..63] {
                stream.remove_clock(*number);
            }
        },
        &[Rule::PcrInterval],
    );
    second_sees(&stream, "PCR_repetition");
}

#[test]
fn a_timeline_that_begins_again_is_seen() {
    let stream = convict(
        |stream| {
            let again = stream.packets.clone();
            stream.packets.extend(again);
            stream.mend_counters();
        },
        &[Rule::PcrOrder, Rule::DtsOrder, Rule::AudioChain],
    );
    second_sees(&stream, "PCR_discontinuity");
}

#[test]
fn access_unit_delimiters_must_be_there_once_and_first() {
    let nth = |stream: &Stream| stream.starts(VIDEO)[40];
    let without = |stream: &mut Stream| stream.rewrite(nth(stream), |data| drop(data.drain(..6)));
    convict(without, &[Rule::Delimiter]);
    let twice = |stream: &mut Stream| {
        stream.rewrite(nth(stream), |data| {
            drop(data.splice(..0, [0, 0, 0, 1, 9, 0xF0]))
        });
    };
    convict(twice, &[Rule::Delimiter]);
    let last = |stream: &mut Stream| {
        stream.rewrite(nth(stream), |data| data.rotate_left(6));
    };
    convict(last, &[Rule::Delimiter]);
}

#[test]
fn two_pictures_in_one_packet_are_seen() {
    convict(
        |stream| {
            stream.rewrite(stream.starts(VIDEO)[40], |data| {
                let picture = data[6..].to_vec();
                data.extend(picture);
            });
        },
        &[Rule::AccessUnit],
    );
}

#[test]
fn a_random_access_point_must_be_marked_and_hold_its_parameter_sets() {
    let unmark = |stream: &mut Stream| {
        let number = stream.keys()[3];
        stream.packets[number][5] &= !0x40;
    };
    convict(unmark, &[Rule::RandomAccess]);
    let strip = |stream: &mut Stream| {
        stream.rewrite(stream.keys()[3], |data| {
            // The picture parameter set becomes a NAL unit that nobody reads.
            let at = data.windows(4).position(|window| window == [0, 0, 1, 0x68]);
            data[at.expect("a parameter set") + 3] = 0x7F;
        });
    };
    convict(strip, &[Rule::RandomAccess]);
}

#[test]
fn tables_that_change_or_break_are_seen() {
    let version = |stream: &mut Stream| {
        let number = stream.of(PMT)[20];
        stream.rewrite_section(number, |section| section[5] = section[5] & 0xC1 | 1 << 1);
    };
    let stream = convict(version, &[Rule::PsiChange]);
    assert_eq!(judge(&stream.bytes()).problems.len(), 2, "there and back");
    let language = |stream: &mut Stream| {
        let from = stream.of(PMT)[20..].to_vec();
        for number in from {
            stream.rewrite_section(number, |section| {
                let at = section.windows(3).position(|window| window == b"eng");
                section[at.expect("a language")] = b'a';
            });
        }
    };
    convict(language, &[Rule::PsiChange]);
    let spoil = |stream: &mut Stream| {
        let number = stream.of(PMT)[20];
        stream.packets[number][20] ^= 1;
    };
    // What is broken does not count as having come.
    second_sees(
        &convict(spoil, &[Rule::PsiBroken, Rule::PsiInterval]),
        "CRC",
    );
}

#[test]
fn tables_and_headers_that_lie_are_seen() {
    let every_pmt = |stream: &mut Stream, change: fn(&mut [u8])| {
        for number in stream.of(PMT) {
            stream.rewrite_section(number, change);
        }
    };
    convict(
        |stream| every_pmt(stream, |section| section[9] = 1),
        &[Rule::PcrPlace],
    );
    // AAC that calls itself AC-3 has neither its registration nor its frames.
    convict(
        |stream| {
            every_pmt(stream, |section| {
                let at = section.windows(2).position(|window| window == [0x0F, 0xE1]);
                section[at.expect("AAC")] = 0x81;
            });
        },
        &[Rule::StreamType, Rule::AudioFrame, Rule::AudioChain],
    );
    convict(
        |stream| {
            let number = stream.starts(AUDIO)[10];
            let packet = &mut stream.packets[number];
            let at = packet
                .windows(4)
                .position(|window| window == [0, 0, 1, 0xC0]);
            packet[at.expect("a PES header") + 5] ^= 1;
        },
        &[Rule::Pes, Rule::AudioChain],
    );
    convict(
        |stream| {
            let number = stream.starts(VIDEO)[40];
            stream.shift_presentation(number, -90_000);
        },
        &[Rule::PtsBeforeDts],
    );
}

#[test]
fn tables_that_come_late_are_seen() {
    convict(
        |stream| {
            let number = stream.of(PAT)[20];
            stream.packets.remove(number);
            stream.mend_counters();
        },
        &[Rule::PsiInterval],
    );
    convict(
        |stream| {
            let number = stream.keys()[3] - 2;
            assert_eq!(ts_fault::pid(&stream.packets[number]), PAT);
            let table = stream.packets.remove(number);
            stream.packets.insert(number - 5, table);
        },
        &[Rule::PsiBeforeKey],
    );
}

#[test]
fn media_that_comes_after_its_time_is_seen() {
    convict(
        |stream| stream.shift_clocks(90_000),
        &[Rule::VideoLate, Rule::AudioLate],
    );
}

#[test]
fn a_stream_that_opens_in_the_middle_is_seen() {
    convict(
        |stream| drop(stream.packets.drain(..stream.keys()[1] + 3)),
        &[Rule::Start],
    );
    let stream = convict(
        |stream| drop(stream.packets.drain(..1)),
        &[Rule::Start, Rule::PsiBeforeKey],
    );
    assert_eq!(ts_fault::pid(&stream.packets[0]), PMT);
}

#[test]
fn a_packet_that_nobody_named_is_seen() {
    convict(
        |stream| {
            let number = stream.of(VIDEO)[50];
            let mut packet = stream.packets[number];
            packet[2] = 0x55;
            stream.packets.insert(number, packet);
        },
        &[Rule::UnknownPid],
    );
}

#[test]
fn audio_that_hides_its_channels_or_is_cut_is_seen() {
    let hide = |stream: &mut Stream| {
        let starts = stream.starts(AUDIO);
        stream.rewrite(starts[10], |data| data[3] &= 0x3F);
    };
    convict(hide, &[Rule::AudioConfig]);
    let cut = |stream: &mut Stream| {
        let starts = stream.starts(AUDIO);
        stream.rewrite(starts[10], |data| data.truncate(data.len() - 1));
    };
    convict(cut, &[Rule::AudioFrame, Rule::AudioChain]);
}

#[test]
fn bytes_that_are_no_packets_are_seen() {
    let spoil = |stream: &mut Stream| {
        let number = stream.of(VIDEO)[50];
        stream.packets[number][0] = 0x48;
    };
    second_sees(&convict(spoil, &[Rule::Packet, Rule::Continuity]), "Sync");
    let mut bytes = good().bytes();
    bytes.truncate(bytes.len() - 100);
    assert!(judge(&bytes).found(Rule::Packet));
    judge(ts_judge::whole_packets(&bytes)).assert_clean();
    assert!(!judge(b"<html>no such channel</html>").problems.is_empty());
    assert!(!judge(&[]).problems.is_empty());
}
