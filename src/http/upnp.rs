//! The description to which SSDP points (UPnP Device Architecture 1.1 §2.3).
//!
//! It names a media server, as the hardware's does, because Home Assistant looks for that kind and
//! for this manufacturer, and Plex finds tuners so that do not answer on UDP 65001. It lists no
//! service: the hardware's `ContentDirectory` would be a second lineup for programs that take the
//! first one anyway, and those that know nothing but UPnP leave out a server that has none instead
//! of showing one that does not answer.

use super::House;
use super::address::Roots;
use super::answer::{Answer, Kind};
use super::xmltv::{clean, text_element};
use crate::model::MODEL;

/// What the hardware of this model is sold as.
const SOLD_AS: &str = "HDHomeRun CONNECT QUATRO";

/// `/device.xml`, and `/dms/device.xml`, where the hardware has it.
pub(super) fn description(house: &House, roots: &Roots) -> Answer {
    let device = &house.device;
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <root xmlns=\"urn:schemas-upnp-org:device-1-0\">\n\
         <specVersion><major>1</major><minor>0</minor></specVersion>\n",
    );
    text_element("URLBase", &roots.web, &mut xml);
    xml.push_str("<device>\n");
    for (name, text) in [
        ("deviceType", "urn:schemas-upnp-org:device:MediaServer:1"),
        ("friendlyName", &clean(&device.friendly_name)),
        ("manufacturer", "Silicondust"),
        ("modelDescription", &format!("{MODEL} {SOLD_AS}")),
        ("modelName", MODEL),
        ("modelNumber", MODEL),
        ("serialNumber", &device.id.to_string()),
        ("UDN", &format!("uuid:{}", device.udn)),
        ("presentationURL", "/"),
    ] {
        text_element(name, text, &mut xml);
    }
    xml.push_str("</device>\n</root>\n");
    Answer::new(200, Kind::Xml, xml).shared()
}
