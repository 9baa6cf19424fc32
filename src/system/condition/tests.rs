//! Boards that are made up.

use super::{Card, Condition, Reserve, Sign, TimeSource, Tree};
use crate::limits;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn tree(files: &[(&str, &str)]) -> (TempDir, Tree) {
    let place = tempfile::tempdir().unwrap();
    for (file, text) in files {
        write(place.path(), file, text);
    }
    let tree = Tree::at(place.path());
    (place, tree)
}

fn write(root: &Path, file: &str, text: &str) {
    let file = root.join(file);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn look(files: &[(&str, &str)]) -> Condition {
    let (place, tree) = tree(files);
    Condition::look(&tree, place.path())
}

#[test]
fn a_board_is_read_whole() {
    let condition = look(&[
        ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0"),
        ("proc/cmdline", "console=ttyS0 exstreamtv.slot=b quiet\n"),
        ("proc/uptime", "3723.45 9000.00\n"),
        (
            "proc/meminfo",
            "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n",
        ),
        ("sys/class/thermal/thermal_zone0/temp", "51540\n"),
        ("sys/class/thermal/thermal_zone1/temp", "48000\n"),
        ("sys/class/thermal/cooling_device0/temp", "99000\n"),
        ("sys/block/mmcblk0/device/name", "SC32G\n"),
        ("sys/block/mmcblk0/device/date", "05/2023\n"),
        ("sys/class/net/eth0/device/vendor", "x"),
        ("sys/class/net/eth0/operstate", "up\n"),
        ("sys/class/net/eth0/speed", "1000\n"),
        ("sys/class/net/wlan0/device/vendor", "x"),
        ("sys/class/net/wlan0/wireless/x", ""),
        ("sys/class/net/wlan0/operstate", "down\n"),
        ("sys/class/net/lo/operstate", "unknown\n"),
        ("run/systemd/timesync/synchronized", ""),
    ]);
    assert_eq!(
        condition.model.as_deref(),
        Some("Raspberry Pi 4 Model B Rev 1.4")
    );
    assert_eq!(condition.slot, Some('b'));
    assert_eq!(condition.up_s, Some(3_723));
    assert_eq!(condition.temperature_millicelsius, Some(51_540));
    let memory = condition.memory.unwrap();
    assert_eq!(
        (memory.total_bytes, memory.available_bytes),
        (1_000 << 10, Some(250 << 10))
    );
    let card = condition.card.unwrap();
    assert_eq!(
        (card.name.as_deref(), card.used_percent),
        (Some("SC32G"), None)
    );
    let wires: Vec<_> = condition
        .wires
        .iter()
        .map(|wire| (wire.name.as_str(), wire.mbps))
        .collect();
    assert_eq!(wires, [("eth0", Some(1_000)), ("wlan0", None)]);
    assert_eq!(condition.time, Some(TimeSource::Server));
    let space = condition.space.unwrap();
    assert!(space.free_bytes <= space.total_bytes && space.total_bytes > 0);
}

#[test]
fn what_is_not_told_is_not_there() {
    let bare = look(&[("proc/cmdline", "exstreamtv.slot=c")]);
    let nothing = Condition {
        space: bare.space,
        ..Condition::default()
    };
    assert_eq!(bare, nothing);
    let long = "x".repeat(usize::try_from(limits::CONDITION_FILE_BYTES).unwrap() + 1);
    let odd = look(&[
        ("proc/device-tree/model", &long),
        ("proc/uptime", "soon"),
        ("proc/meminfo", "MemTotal: lots\n"),
        ("sys/class/thermal/thermal_zone0/temp", "warm"),
    ]);
    assert_eq!(odd.model, None);
    assert_eq!(odd.up_s, None);
    assert_eq!(odd.memory, None);
    assert_eq!(odd.temperature_millicelsius, None);
    let hidden = look(&[("sys/firmware/devicetree/base/model", "linux,dummy-virt\0")]);
    assert_eq!(hidden.model.as_deref(), Some("linux,dummy-virt"));
    let nowhere = Condition::look(&Tree::at("/nowhere".as_ref()), "/nowhere".as_ref());
    assert_eq!(nowhere, Condition::default());
}

#[test]
fn the_firmware_tells_of_now_and_of_what_was() {
    let firmware = "sys/devices/platform/soc/soc:firmware/get_throttled";
    for (told, under_voltage, slowed) in [
        ("0", Sign::Never, Sign::Never),
        ("50005", Sign::Now, Sign::Now),
        ("0x50000\n", Sign::Past(None), Sign::Past(None)),
        ("80008", Sign::Never, Sign::Now),
        ("10001", Sign::Now, Sign::Never),
        ("lots", Sign::Untold, Sign::Untold),
    ] {
        let power = look(&[(firmware, told)]).power;
        assert_eq!(
            (power.under_voltage, power.slowed),
            (under_voltage, slowed),
            "{told}"
        );
    }
}

#[test]
fn debians_kernel_tells_of_voltage_by_a_sensor() {
    let sensor = |alarm| {
        look(&[
            ("sys/class/hwmon/hwmon0/name", "cpu_thermal\n"),
            ("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n"),
            ("sys/class/hwmon/hwmon1/name", "rpi_volt\n"),
            ("sys/class/hwmon/hwmon1/in0_lcrit_alarm", alarm),
        ])
        .power
    };
    assert_eq!(sensor("1\n").under_voltage, Sign::Now);
    assert_eq!(sensor("0\n").under_voltage, Sign::Never);
    assert_eq!(sensor("0\n").slowed, Sign::Untold);
}

#[test]
fn memory_that_wears_says_so() {
    let card = |life: &str, reserve: &str| {
        let told = look(&[
            ("sys/block/mmcblk0/device/name", "BJTD4R"),
            ("sys/block/mmcblk0/device/life_time", life),
            ("sys/block/mmcblk0/device/pre_eol_info", reserve),
        ]);
        let Card {
            used_percent,
            reserve,
            ..
        } = told.card.unwrap();
        (used_percent, reserve)
    };
    assert_eq!(
        card("0x01 0x03\n", "0x01\n"),
        (Some(30), Some(Reserve::Normal))
    );
    assert_eq!(
        card("0x0b 0x00", "0x03"),
        (Some(110), Some(Reserve::Urgent))
    );
    assert_eq!(card("0x00 0x00", "0x00"), (None, None));
    assert_eq!(card("0xff x", "2"), (None, Some(Reserve::Low)));
}
