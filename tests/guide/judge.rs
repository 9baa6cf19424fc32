//! libxml2 and the XMLTV project's own DTD judge a guide, and read it.

use crate::{EPOCH_MS, channel, guide, item, lineup};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs xmllint on a document; its output where it is content.
fn xmllint(document: &str, arguments: &[&str]) -> Result<String, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(document.as_bytes()).unwrap();
    let output = Command::new("xmllint")
        .args(["--nonet", "--huge"])
        .args(arguments)
        .arg(file.path())
        .output()
        .expect("xmllint judges the guide: install libxml2-utils");
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn dtd() -> PathBuf {
    [
        "/usr/share/xmltv/xmltv.dtd",
        "/usr/share/sgml/xmltv/dtd/0.5/xmltv.dtd",
    ]
    .iter()
    .map(PathBuf::from)
    .find(|path| Path::exists(path))
    .expect("xmltv.dtd judges the guide: install libxmltv-perl")
}

pub(crate) fn assert_valid(document: &str) {
    let dtd = dtd();
    let verdict = xmllint(document, &["--noout", "--dtdvalid", dtd.to_str().unwrap()]);
    if let Err(why) = verdict {
        panic!("not valid: {why}");
    }
}

/// The nodes that an XPath finds, one a line.
pub(crate) fn find(document: &str, path: &str) -> Vec<String> {
    match xmllint(document, &["--xpath", path]) {
        Ok(found) => found.lines().map(|line| line.trim().to_owned()).collect(),
        Err(why) if why.contains("XPath set is empty") => Vec::new(),
        Err(why) => panic!("{why}"),
    }
}

/// A programme as libxml2 reads it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Programme {
    pub(crate) start_s: i64,
    pub(crate) stop_s: i64,
    pub(crate) title: String,
}

/// The programmes of each channel by its id, in the document's order.
pub(crate) fn programmes(document: &str) -> HashMap<String, Vec<Programme>> {
    let value = |line: &String| line.split('"').nth(1).unwrap().to_owned();
    let attribute = |name: &str| find(document, &format!("//programme/@{name}"));
    let starts = attribute("start");
    let stops = attribute("stop");
    let ids = attribute("channel");
    let titles = find(document, "//programme/title/text()");
    assert_eq!(
        (starts.len(), stops.len(), ids.len()),
        (titles.len(), titles.len(), titles.len())
    );
    let mut found: HashMap<String, Vec<Programme>> = HashMap::new();
    for (((start, stop), id), title) in starts.iter().zip(&stops).zip(&ids).zip(titles) {
        found.entry(value(id)).or_default().push(Programme {
            start_s: second(&value(start)),
            stop_s: second(&value(stop)),
            title,
        });
    }
    found
}

/// Reads `YYYYMMDDHHMMSS +0000` by counting days, without the calendar that wrote it.
fn second(stamp: &str) -> i64 {
    let (digits, zone) = stamp.split_once(' ').unwrap();
    assert_eq!((digits.len(), zone), (14, "+0000"), "{stamp}");
    let part = |from: usize, to: usize| digits[from..to].parse::<i64>().unwrap();
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..year)
        .map(|year| if leap(year) { 366 } else { 365 })
        .sum();
    let days: i64 = months[..usize::try_from(month - 1).unwrap()].iter().sum();
    let hours = (years + days + day - 1) * 24 + part(8, 10);
    (hours * 60 + part(10, 12)) * 60 + part(12, 14)
}

#[test]
fn the_judge_refuses_what_is_not_valid() {
    let lineup = lineup(
        vec![item(1, "One", 60_000)],
        vec![channel("1", "One", &[1])],
    );
    let document = guide(&lineup, EPOCH_MS).replacen("<length units=\"seconds\">", "<length>", 1);
    let dtd = dtd();
    let verdict = xmllint(&document, &["--noout", "--dtdvalid", dtd.to_str().unwrap()]);
    assert!(verdict.is_err());
}
