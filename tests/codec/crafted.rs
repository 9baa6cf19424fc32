//! An HEVC sequence parameter set with what x265 never writes, set bit by bit. ffmpeg's
//! `trace_headers` reads it too, so that the test cannot misread the standard alone.

use crate::clip::{Clip, run};
use exstreamtv::codec::hevc::{HvcConfig, Sps};
use exstreamtv::codec::nal::{LengthSize, length_prefixed};

/// Bits as text, which is slow and plain to see.
#[derive(Default)]
struct Fields(String);

impl Fields {
    fn u(&mut self, width: usize, value: u64) -> &mut Self {
        self.0.push_str(&format!("{value:0width$b}"));
        self
    }

    fn ue(&mut self, values: &[u64]) -> &mut Self {
        for value in values {
            let code = format!("{:b}", value + 1);
            self.0.push_str(&"0".repeat(code.len() - 1));
            self.0.push_str(&code);
        }
        self
    }

    /// The NAL unit: trailing bit, emulation prevention.
    fn unit(&mut self) -> Vec<u8> {
        self.0.push('1');
        while !self.0.len().is_multiple_of(8) {
            self.0.push('0');
        }
        let mut unit = Vec::new();
        for bits in self.0.as_bytes().chunks(8) {
            let bits = std::str::from_utf8(bits).unwrap();
            if unit.ends_with(&[0, 0]) && bits.starts_with("000000") {
                unit.push(3);
            }
            unit.push(u8::from_str_radix(bits, 2).unwrap());
        }
        unit
    }
}

fn sequence_parameter_set() -> Vec<u8> {
    let mut sps = Fields::default();
    sps.u(16, 0x4201); // header
    sps.u(4, 0).u(3, 2).u(1, 1); // three sub-layers
    sps.u(8, 1)
        .u(32, 0x6000_0000)
        .u(48, 0x9000_0000_0000)
        .u(8, 93);
    sps.u(4, 0b11_01).u(12, 0); // profile and level of one, level of the other sub-layer
    sps.u(8, 1)
        .u(32, 0x6000_0000)
        .u(48, 0x9000_0000_0000)
        .u(8, 90);
    sps.u(8, 91);
    sps.ue(&[0, 1, 640, 368]); // id, 4:2:0, size
    sps.u(1, 1).ue(&[0, 3, 1, 3]); // conformance window
    sps.ue(&[2, 2, 4]); // 10 bits, 8 bits of picture order
    sps.u(1, 1).ue(&[1, 0, 0, 3, 1, 0, 4, 2, 5]); // buffers of each sub-layer
    sps.ue(&[0, 3, 0, 3, 0, 0]); // block sizes
    sps.u(1, 1).u(1, 1); // scaling lists
    for (matrices, numbers) in [(6, 16), (6, 64), (6, 65), (2, 65)] {
        sps.u(1, 0).ue(&[0]); // the first of each size is the default one
        for _ in 1..matrices {
            sps.u(1, 1);
            for number in 0..numbers {
                sps.ue(&[number % 3]);
            }
        }
    }
    sps.u(2, 0b11);
    sps.u(1, 1).u(4, 7).u(4, 7).ue(&[0, 0]).u(1, 1); // PCM
    sps.ue(&[3]); // reference picture sets
    sps.ue(&[2, 1])
        .ue(&[0])
        .u(1, 1)
        .ue(&[1])
        .u(1, 1)
        .ue(&[0])
        .u(1, 0);
    sps.u(1, 1)
        .u(1, 1)
        .ue(&[0])
        .u(1, 1)
        .u(2, 0b01)
        .u(1, 1)
        .u(2, 0b00); // 2 are left: one falls on the picture itself
    sps.u(1, 1).u(1, 0).ue(&[1]).u(3, 0b111); // predicted from those 2
    sps.u(1, 1).ue(&[2]).u(8, 17).u(1, 0).u(8, 34).u(1, 1); // long-term pictures
    sps.u(2, 0b11);
    sps.u(1, 1); // VUI
    sps.u(1, 1).u(8, 255).u(16, 64).u(16, 45); // shape of the samples
    sps.u(2, 0b11); // overscan
    sps.u(1, 1).u(3, 5).u(1, 0).u(1, 1).u(8, 1).u(8, 1).u(8, 1); // colours
    sps.u(1, 1).ue(&[1, 1]); // place of chroma
    sps.u(3, 0);
    sps.u(1, 1).ue(&[0, 0, 1, 1]); // display window
    sps.u(1, 1).u(32, 1001).u(32, 24_000).u(1, 0).u(1, 0); // timing
    sps.u(1, 0).u(1, 0);
    sps.unit()
}

#[test]
fn rare_fields_of_an_hevc_parameter_set_are_stepped_over_exactly() {
    let unit = sequence_parameter_set();
    let sps = Sps::parse(&unit).unwrap();
    assert_eq!((sps.width, sps.height), (634, 360));
    assert_eq!((sps.bit_depth, sps.chroma_420), (10, true));
    assert_eq!(sps.reorder_pictures, 2);
    assert_eq!(sps.frame_duration_90k, 3_754);

    let x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=error";
    let clip = Clip::video("mp4", "640x360", "25", 2, x265);
    let config = HvcConfig::parse(&clip.mp4_box(b"hvcC")).unwrap();
    let sample = clip.packets()[0].data.clone();
    let mut units: Vec<&[u8]> = vec![&config.vps[0], &unit, &config.pps[0]];
    units.extend(length_prefixed(&sample, LengthSize::Four).map(Result::unwrap));
    let stream: Vec<u8> = units
        .iter()
        .flat_map(|unit| [&[0, 0, 0, 1][..], unit].concat())
        .collect();
    let arguments = "-v info -nostats -f hevc -i pipe:0 -c copy -bsf:v trace_headers -f null -";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let (_, trace) = run("ffmpeg", &arguments, &stream);
    for (field, value) in [
        ("conf_win_right_offset", "3"),
        ("sps_max_num_reorder_pics[2]", "2"),
        ("num_long_term_ref_pics_sps", "2"),
        ("vui_num_units_in_tick", "1001"),
        ("vui_time_scale", "24000"),
        ("sps_extension_present_flag", "0"),
    ] {
        let line = trace
            .lines()
            .find(|line| line.contains(&format!(" {field} ")));
        assert!(
            line.is_some_and(|line| line.ends_with(&format!("= {value}"))),
            "{field}: {line:?} in {trace}"
        );
    }
}
