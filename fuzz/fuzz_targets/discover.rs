//! What comes to the ports at which the box is looked for and controlled: frames with what stands in
//! them, and searches of SSDP.

#![no_main]

use exstreamtv::discover::control::{Filter, Request, Target, Variable};
use exstreamtv::discover::frame::{Begun, Draft, FRAME_BYTES, Frame};
use exstreamtv::discover::{Search, question};
use exstreamtv::model::{Device, DeviceId};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fuzz_target!(|input: &[u8]| {
    read(input);
    if let Some(search) = Search::parse(input) {
        assert!(search.target.len() <= input.len() && search.window <= Duration::from_secs(3));
    }
    // The fuzzer cannot guess a checksum: the same as the payload of a frame that is whole.
    let Some((kind, payload)) = input.split_first() else {
        return;
    };
    let mut frame = vec![0, kind % 8];
    let payload = &payload[..payload.len().min(FRAME_BYTES)];
    frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    frame.extend_from_slice(payload);
    let checksum = crc32fast::hash(&frame);
    frame.extend_from_slice(&checksum.to_le_bytes());
    read(&frame);
});

fn read(bytes: &[u8]) {
    let Begun::Frame(frame, len) = Frame::read(bytes) else {
        return;
    };
    assert!(len <= bytes.len() && len <= FRAME_BYTES);
    let device = Device {
        id: DeviceId::from_random(7),
        udn: String::new(),
        auth: "0123456789abcdefghijklmn".to_owned(),
        friendly_name: String::new(),
    };
    if question::asks_for(&frame, &device) {
        let answer = question::answer(&device, 4, "http://10.0.0.1:80");
        assert!(matches!(Frame::read(&answer), Begun::Frame(_, len) if len == answer.len()));
    }
    let values: Result<Vec<_>, _> = frame.values().collect();
    if let Ok(values) = values {
        // What was read can be written, unless it was written longer than it need be.
        let draft = values.iter().fold(Draft::new(frame.kind), |draft, one| {
            draft.with(one.tag, one.value)
        });
        assert!(draft.finish().len() <= len);
    }
    if let Some(request) = Request::read(&frame) {
        let _ = request.name.parse::<Variable>();
        let value = request.value.unwrap_or_default();
        if let Ok(filter) = value.parse::<Filter>() {
            assert_eq!(filter.to_string().parse(), Ok(filter));
        }
        if let Ok(target) = value.parse::<Target>() {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
    }
}
