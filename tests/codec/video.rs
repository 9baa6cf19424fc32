//! Parameter sets, configuration records and random access points.

use crate::clip::{Clip, number, ticks_per_frame};
use exstreamtv::codec::nal::{LengthSize, length_prefixed};
use exstreamtv::codec::{h264, hevc, mpeg2};
use serde_json::Value;

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
const X265: &str = "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=error";

/// The `depth` and whether it is 4:2:0, of ffmpeg's name of a pixel format.
fn format(stream: &Value) -> (u8, bool) {
    let name = stream["pix_fmt"].as_str().unwrap();
    let depth = [("10le", 10), ("12le", 12)]
        .iter()
        .find(|(end, _)| name.ends_with(end))
        .map_or(8, |(_, depth)| *depth);
    (depth, name.contains("420"))
}

fn h264_agrees(size: &str, rate: &str, encoder: &str) -> h264::Sps {
    let clip = Clip::video("mp4", size, rate, 24, encoder);
    let config = h264::AvcConfig::parse(&clip.mp4_box(b"avcC")).unwrap();
    assert_eq!(config.length_size, LengthSize::Four);
    assert!(!config.pps.is_empty() && h264::nal_type(&config.pps[0]) == h264::PPS);
    let sps = h264::Sps::parse(&config.sps[0]).unwrap();
    let stream = clip.stream();
    let what = format!("{size} {rate} {encoder}");
    assert_eq!(u64::from(sps.width), number(&stream["width"]), "{what}");
    assert_eq!(u64::from(sps.height), number(&stream["height"]), "{what}");
    assert_eq!((sps.bit_depth, sps.chroma_420), format(&stream), "{what}");
    assert_eq!(
        u64::from(sps.reorder_pictures),
        number(&stream["has_b_frames"]),
        "{what}"
    );
    assert_eq!(
        sps.frame_duration_90k,
        ticks_per_frame(&stream["r_frame_rate"]),
        "{what}"
    );
    assert_eq!(u64::from(sps.level_idc), number(&stream["level"]), "{what}");
    for packet in clip.packets() {
        assert_eq!(
            h264::is_random_access(&packet.data, LengthSize::Four),
            Ok(packet.key),
            "{what} at {}",
            packet.position
        );
    }
    sps
}

#[test]
fn h264_parameter_sets_say_what_ffprobe_says() {
    let film = "24000/1001";
    let sps = h264_agrees("320x240", "25", &format!("{X264} -profile:v baseline"));
    assert_eq!((sps.profile_idc, sps.frame_mbs_only), (66, true));
    let sps = h264_agrees("320x240", "25", &format!("{X264} -profile:v main -bf 2"));
    assert_eq!(sps.profile_idc, 77);
    h264_agrees(
        "1920x1080",
        film,
        &format!("{X264} -bf 3 -x264-params b-pyramid=strict"),
    );
    h264_agrees(
        "426x238",
        "30000/1001",
        &format!("{X264} -bf 1 -x264-params cqm=jvt"),
    );
    h264_agrees("854x480", "60", &format!("{X264} -bf 0"));
    h264_agrees(
        "640x360",
        "50",
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -bf 3",
    );
    h264_agrees(
        "322x182",
        "24",
        "-c:v libx264 -preset ultrafast -pix_fmt yuv422p -bf 1",
    );
    h264_agrees(
        "323x181",
        "24",
        "-c:v libx264 -preset ultrafast -pix_fmt yuv444p -bf 1",
    );
}

#[test]
fn h264_with_fields_hrd_and_colours_says_what_ffprobe_says() {
    let fields = format!("{X264} -flags +ilme+ildct -x264-params tff=1:bframes=2");
    assert!(!h264_agrees("720x576", "25", &fields).frame_mbs_only);
    assert!(!h264_agrees("1920x1080", "30000/1001", &fields).frame_mbs_only);
    let hrd = "nal-hrd=vbr:vbv-maxrate=800:vbv-bufsize=800:bframes=2:colorprim=bt709:\
               colormatrix=bt709:transfer=bt709:range=tv:sar=64/45:chromaloc=1:overscan=show";
    h264_agrees("720x576", "25", &format!("{X264} -x264-params {hrd}"));
}

#[test]
fn h264_open_gop_is_entered_at_its_recovery_points() {
    let open = format!("{X264} -bf 2 -x264-params open-gop=1:keyint=8:min-keyint=8:scenecut=0");
    h264_agrees("320x240", "25", &open);
    let clip = Clip::video("mp4", "320x240", "25", 24, &open);
    let recovery_points = clip
        .packets()
        .iter()
        .filter(|packet| {
            length_prefixed(&packet.data, LengthSize::Four)
                .any(|nal| h264::is_recovery_point_sei(nal.unwrap()))
        })
        .count();
    assert_eq!(recovery_points, 2);
}

#[test]
fn h264_gradual_refresh_has_no_random_access_point_but_the_first() {
    let refresh = format!("{X264} -x264-params intra-refresh=1:keyint=8");
    let clip = Clip::video("mp4", "320x240", "25", 24, &refresh);
    let entered: Vec<bool> = clip
        .packets()
        .iter()
        .map(|packet| h264::is_random_access(&packet.data, LengthSize::Four).unwrap())
        .collect();
    assert!(entered[0] && !entered[1..].contains(&true), "{entered:?}");
}

fn hevc_agrees(size: &str, rate: &str, encoder: &str) {
    let clip = Clip::video("mp4", size, rate, 24, encoder);
    let config = hevc::HvcConfig::parse(&clip.mp4_box(b"hvcC")).unwrap();
    assert_eq!(config.length_size, LengthSize::Four);
    assert_eq!(hevc::nal_type(&config.vps[0]), hevc::VPS);
    assert_eq!(hevc::nal_type(&config.pps[0]), hevc::PPS);
    let sps = hevc::Sps::parse(&config.sps[0]).unwrap();
    let stream = clip.stream();
    let what = format!("{size} {rate} {encoder}");
    assert_eq!(u64::from(sps.width), number(&stream["width"]), "{what}");
    assert_eq!(u64::from(sps.height), number(&stream["height"]), "{what}");
    assert_eq!((sps.bit_depth, sps.chroma_420), format(&stream), "{what}");
    assert_eq!(
        u64::from(sps.reorder_pictures),
        number(&stream["has_b_frames"]),
        "{what}"
    );
    assert_eq!(
        sps.frame_duration_90k,
        ticks_per_frame(&stream["r_frame_rate"]),
        "{what}"
    );
    for packet in clip.packets() {
        assert_eq!(
            hevc::is_random_access(&packet.data, LengthSize::Four),
            Ok(packet.key),
            "{what} at {}",
            packet.position
        );
    }
}

#[test]
fn hevc_parameter_sets_say_what_ffprobe_says() {
    hevc_agrees("320x240", "25", &format!("{X265}:bframes=0"));
    hevc_agrees(
        "1920x1080",
        "24000/1001",
        &format!("{X265}:bframes=4:b-pyramid=1"),
    );
    hevc_agrees(
        "426x238",
        "30000/1001",
        &format!("{X265}:bframes=3:keyint=8:open-gop=1"),
    );
    hevc_agrees(
        "640x360",
        "50",
        &format!("{X265}:bframes=2:temporal-layers=1"),
    );
    hevc_agrees(
        "640x360",
        "60",
        &format!("{X265}:scaling-list=default:sar=64\\:45:hrd=1:vbv-maxrate=900:vbv-bufsize=900"),
    );
    let deep = X265.replace("yuv420p", "yuv420p10le");
    hevc_agrees("854x480", "24", &format!("{deep}:bframes=4"));
    hevc_agrees("322x182", "24", &X265.replace("yuv420p", "yuv422p"));
    hevc_agrees("323x181", "24", &X265.replace("yuv420p", "yuv444p"));
}

#[test]
fn hevc_leading_pictures_follow_the_picture_of_an_open_gop() {
    let open = format!("{X265}:bframes=3:keyint=8:min-keyint=8:scenecut=0:open-gop=1");
    let clip = Clip::video("mp4", "320x240", "25", 24, &open);
    let leading = |data: &[u8]| {
        length_prefixed(data, LengthSize::Four).any(|nal| hevc::is_leading(nal.unwrap()))
    };
    let packets = clip.packets();
    let second_entry = packets.iter().rposition(|packet| packet.key).unwrap();
    assert!(second_entry > 0);
    assert!(!leading(&packets[second_entry].data));
    assert!(leading(&packets[second_entry + 1].data));
}

fn mpeg2_agrees(size: &str, rate: &str, encoder: &str) {
    let clip = Clip::video("mp4", size, rate, 24, encoder);
    let stream = clip.stream();
    let what = format!("{size} {rate} {encoder}");
    let packets = clip.packets();
    for headers in [clip.extradata(), packets[0].data.clone()] {
        let header = mpeg2::SequenceHeader::parse(&headers).unwrap();
        assert_eq!(u64::from(header.width), number(&stream["width"]), "{what}");
        assert_eq!(
            u64::from(header.height),
            number(&stream["height"]),
            "{what}"
        );
        assert_eq!(header.chroma_420, format(&stream).1, "{what}");
        assert_eq!(
            header.frame_duration_90k,
            ticks_per_frame(&stream["r_frame_rate"]),
            "{what}"
        );
    }
    let decoded = clip.probe("-show_frames");
    let kind_at = |position: u64| {
        let frames = decoded["frames"].as_array().unwrap();
        let frame = frames
            .iter()
            .find(|frame| number(&frame["pkt_pos"]) == position);
        frame.unwrap()["pict_type"].as_str().unwrap().to_owned()
    };
    for packet in &packets {
        let kind = format!("{:?}", mpeg2::picture_kind(&packet.data).unwrap());
        assert_eq!(kind, kind_at(packet.position), "{what}");
        assert_eq!(mpeg2::is_random_access(&packet.data), packet.key, "{what}");
    }
    assert!(mpeg2::has_sequence_header(&packets[0].data));
    assert!(!mpeg2::has_sequence_header(&packets[1].data));
}

#[test]
fn mpeg2_headers_say_what_ffprobe_says() {
    let plain = "-c:v mpeg2video -q:v 5";
    mpeg2_agrees("352x288", "25", &format!("{plain} -bf 0 -g 12"));
    mpeg2_agrees("720x480", "30000/1001", &format!("{plain} -bf 2 -g 9"));
    mpeg2_agrees("1920x1080", "24000/1001", &format!("{plain} -bf 2 -g 12"));
    mpeg2_agrees(
        "720x576",
        "50",
        &format!("{plain} -flags +ilme+ildct -bf 2 -g 6"),
    );
    mpeg2_agrees("720x576", "25", &format!("{plain} -pix_fmt yuv422p -bf 1"));
}

#[test]
fn mpeg2_rates_beyond_the_table_are_read_from_the_extension() {
    for (rate, ticks) in [("25/2", 7_200), ("72/1", 1_250), ("10/1", 9_000)] {
        let encoder = format!("-c:v mpeg2video -bsf:v mpeg2_metadata=frame_rate={rate}");
        let clip = Clip::video("m2v", "352x288", "25", 2, &encoder);
        let header = mpeg2::SequenceHeader::parse(&clip.bytes).unwrap();
        assert_eq!(header.frame_duration_90k, ticks, "{rate}");
    }
}
