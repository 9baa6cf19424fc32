//! What is told of the board below: to people, to programs, and to Prometheus.

use crate::client::status;
use crate::house::Open;
use exstreamtv::http::Board;
use exstreamtv::system::condition::{Condition, Sign, Tree};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A board in good health, as the kernel tells it.
const BOARD: [(&str, &str); 9] = [
    ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0"),
    ("proc/cmdline", "quiet exstreamtv.slot=a\n"),
    ("proc/uptime", "3723.45 9000.00\n"),
    ("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n"),
    ("sys/class/thermal/thermal_zone0/temp", "51540\n"),
    ("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n"),
    ("sys/class/net/eth0/device/vendor", "x"),
    ("sys/class/net/eth0/operstate", "up\n"),
    ("sys/class/net/eth0/speed", "1000\n"),
];

/// What the updater says of it.
fn told() -> Value {
    json!({
        "running": "a", "version": "0.1.0", "order": "a", "trial": null,
        "left": { "a": 3, "b": 0 }, "boots": 12,
        "slots": { "a": "0.1.0", "b": "0.2.0 \"rc\\1\"" }, "installing": null, "last": null,
    })
}

/// The board with some of it changed.
fn board(changes: &[(&str, &str)]) -> Board {
    let place = tempfile::tempdir().unwrap();
    for (file, text) in BOARD.iter().chain(changes) {
        let file = place.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    Board {
        condition: Arc::new(Condition::look(&Tree::at(place.path()), place.path())),
        standing: Some(serde_json::from_value(told()).unwrap()),
    }
}

#[tokio::test]
async fn a_machine_that_is_no_board_has_no_section() {
    let open = Open::usual().await;
    assert!(!open.get("/").await.1.contains("id=\"board\""));
    let told = open.json("/api/board").await;
    assert_eq!(told["model"], Value::Null);
    assert_eq!(told["troubles"], json!([]));
}

#[tokio::test]
async fn the_page_says_how_the_board_is_in_words() {
    let open = Open::usual().await;
    open.board_tx.send_replace(Arc::new(board(&[])));
    let page = open.get("/").await.1;
    for words in [
        "id=\"board\"",
        "Raspberry Pi 4 Model B Rev 1.4, 51 °C, up 1 h 2 min",
        "Slot a, 0.1.0; slot b holds 0.2.0",
        "started 12 times",
        "<dd>As it should be</dd>",
        "eth0 1000 Mb/s",
        "free for what the box keeps",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("power supply"), "{page}");
}

#[tokio::test]
async fn what_is_wrong_with_the_board_is_worth_a_look_with_what_to_do() {
    let open = Open::usual().await;
    let throttled = "sys/devices/platform/soc/soc:firmware/get_throttled";
    for (file, text, told, to_do) in [
        (
            throttled,
            "50005",
            "too weak: under-voltage now",
            "Use the supply that is made for this board",
        ),
        (
            throttled,
            "10000",
            "too weak: under-voltage since it was started",
            "Use the supply that is made for this board",
        ),
        (throttled, "80008", "slows itself down", "Give it air"),
        (
            "sys/class/thermal/thermal_zone0/temp",
            "83000",
            "too hot, 83 °C",
            "Give it air",
        ),
        (
            "sys/block/mmcblk0/device/life_time",
            "0x0a 0x01",
            "nearly worn out",
            "new card",
        ),
    ] {
        open.board_tx.send_replace(Arc::new(board(&[(file, text)])));
        let page = open.get("/").await.1;
        let problems = page.split("id=\"problems\"").nth(1).unwrap_or_default();
        assert!(problems.contains(told), "{told}: {problems}");
        assert!(problems.contains(to_do), "{to_do}: {problems}");
        let document = open.json("/api/board").await;
        assert_eq!(
            document["troubles"].as_array().unwrap().len(),
            1,
            "{document}"
        );
    }
}

#[tokio::test]
async fn under_voltage_that_is_over_is_told_with_its_time() {
    let open = Open::usual().await;
    let mut weak = board(&[]);
    let mut condition = Condition::clone(&weak.condition);
    let ago = tokio::time::Instant::now() - std::time::Duration::from_secs(185);
    condition.power.under_voltage = Sign::Past(Some(ago));
    weak.condition = Arc::new(condition);
    open.board_tx.send_replace(Arc::new(weak));
    let page = open.get("/").await.1;
    let told = "Power supply too weak: under-voltage 3 minutes ago";
    assert!(page.contains(told), "{page}");
    let document = open.json("/api/board").await;
    assert!(document["under_voltage"]["seconds_ago"].as_u64() >= Some(185));
}

#[tokio::test]
async fn programs_read_the_board_as_a_document() {
    let open = Open::usual().await;
    open.board_tx.send_replace(Arc::new(board(&[])));
    let told = open.json("/api/board").await;
    for (pointer, value) in [
        ("/model", json!("Raspberry Pi 4 Model B Rev 1.4")),
        ("/slot", json!("a")),
        ("/boots", json!(12)),
        ("/slots/left/b", json!(0)),
        ("/temperature_celsius", json!(51.54)),
        ("/under_voltage/now", json!(false)),
        ("/card", Value::Null),
        ("/network/0/mbps", json!(1_000)),
        ("/memory/available_bytes", json!(256_000)),
        ("/uptime_s", json!(3_723)),
        ("/time_from_server", Value::Null),
    ] {
        assert_eq!(told.pointer(pointer), Some(&value), "{pointer}: {told}");
    }
}

/// Reads metrics with Prometheus' own client for Python: every sample, as a line of JSON.
fn parsed(text: &str) -> Vec<Value> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
    assert!(
        python.exists(),
        "scripts/python installs what reads metrics"
    );
    let script = "import json, sys\n\
                  from prometheus_client.parser import text_string_to_metric_families as read\n\
                  for family in read(sys.stdin.read()):\n\
                  \x20   assert family.documentation and family.type != 'unknown', family\n\
                  \x20   for sample in family.samples:\n\
                  \x20       print(json.dumps([sample.name, sample.labels, sample.value, family.type]))\n";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, text.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads() {
    let open = Open::usual().await;
    open.board_tx.send_replace(Arc::new(board(&[(
        "sys/block/mmcblk0/device/life_time",
        "0x03 0x01",
    )])));
    let (head, text) = open.get("/metrics").await;
    assert_eq!(status(&head), 200);
    let kind = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
    assert!(head.contains(kind), "{head}");
    let samples = parsed(&text);
    for (name, labels, value, kin) in [
        (
            "exstreamtv_info",
            json!({ "version": "0.1.0" }),
            1.0,
            "gauge",
        ),
        ("exstreamtv_uptime_seconds", json!({}), 3_720.0, "gauge"),
        ("exstreamtv_channels", json!({}), 2.0, "gauge"),
        ("exstreamtv_tuners", json!({}), 2.0, "gauge"),
        ("exstreamtv_tuners_in_use", json!({}), 0.0, "gauge"),
        (
            "exstreamtv_board_info",
            json!({ "model": "Raspberry Pi 4 Model B Rev 1.4", "slot": "a" }),
            1.0,
            "gauge",
        ),
        (
            "exstreamtv_board_temperature_celsius",
            json!({}),
            51.54,
            "gauge",
        ),
        ("exstreamtv_board_under_voltage", json!({}), 0.0, "gauge"),
        (
            "exstreamtv_board_memory_bytes",
            json!({}),
            1_024_000.0,
            "gauge",
        ),
        ("exstreamtv_board_card_used_ratio", json!({}), 0.3, "gauge"),
        (
            "exstreamtv_board_link_bits_per_second",
            json!({ "interface": "eth0" }),
            1e9,
            "gauge",
        ),
        ("exstreamtv_board_boots_total", json!({}), 12.0, "counter"),
        (
            "exstreamtv_slot_info",
            json!({ "slot": "b", "version": "0.2.0 \"rc\\1\"", "running": "false" }),
            1.0,
            "gauge",
        ),
        (
            "exstreamtv_slot_boots_left",
            json!({ "slot": "a" }),
            3.0,
            "gauge",
        ),
    ] {
        let is_it = |sample: &Value| {
            sample[2].as_f64() == Some(value)
                && (&sample[0], &sample[1], &sample[3]) == (&json!(name), &labels, &json!(kin))
        };
        assert!(samples.iter().any(is_it), "{name} in {samples:?}");
    }
    // Nobody tells it, so it is not there.
    assert!(!text.contains("clock_synchronised"), "{text}");
    listed(&samples);
}

/// Holds the documented list and what is told against each other.
fn listed(samples: &[Value]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = fs::read_to_string(root.join("docs/metrics.md")).unwrap();
    let quoted = |line: &str| {
        Some(
            line.strip_prefix("| `")?
                .split(['`', '{'])
                .next()?
                .to_owned(),
        )
    };
    let documented: Vec<_> = list.lines().filter_map(quoted).collect();
    for sample in samples {
        let name = sample[0].as_str().unwrap();
        assert!(documented.iter().any(|one| one == name), "{name}");
    }
    let told = |name: &str| samples.iter().any(|sample| sample[0] == name);
    let untold: Vec<_> = documented.iter().filter(|name| !told(name)).collect();
    assert_eq!(untold, ["exstreamtv_board_clock_synchronised"]);
}
