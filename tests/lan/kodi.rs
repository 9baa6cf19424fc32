//! Kodi with its add-on for HDHomeRuns, on a screen that nobody sees, driven over JSON-RPC.

use super::demo::PATIENCE;
use super::home::Home;
use super::network::Lan;
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long Kodi may take to start, drawn by the processor on a busy machine.
const START: Duration = Duration::from_secs(120);

/// A Kodi that runs on the client.
struct Kodi {
    child: Child,
    socket: TcpStream,
    calls: u64,
}

impl Kodi {
    /// Starts it with a home of its own and waits until it can be asked.
    fn start(lan: &Lan, home: &std::path::Path) -> Self {
        let mut command = lan.client.command("xvfb-run");
        command.args(["-a", "-s", "-screen 0 640x480x24"]);
        command.args([
            "/usr/lib/x86_64-linux-gnu/kodi/kodi.bin",
            "--standalone",
            "--windowing=x11",
        ]);
        command.env("HOME", home).env("LIBGL_ALWAYS_SOFTWARE", "1");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap();
        let begun = Instant::now();
        let socket = loop {
            if let Ok(socket) = TcpStream::connect("127.0.0.1:9090") {
                break socket;
            }
            assert!(begun.elapsed() < START, "Kodi cannot be asked");
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "Kodi has ended: {ended:?}; scripts/test installs what it needs"
            );
            std::thread::sleep(Duration::from_millis(100));
        };
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            child,
            socket,
            calls: 0,
        }
    }

    /// Calls a method: its result, or its error.
    fn call(&mut self, method: &str, parameters: Value) -> Result<Value, Value> {
        self.calls += 1;
        let call =
            json!({"jsonrpc": "2.0", "id": self.calls, "method": method, "params": parameters});
        self.socket.write_all(call.to_string().as_bytes()).unwrap();
        // What happens meanwhile is told on the same connection.
        let answers = serde_json::Deserializer::from_reader(&self.socket).into_iter::<Value>();
        let mut answers = answers.map(|answer| answer.unwrap());
        let answer = answers.find(|answer| answer["id"] == self.calls);
        let mut answer = answer.expect("an answer");
        if answer["error"].is_null() {
            Ok(answer["result"].take())
        } else {
            Err(answer["error"].take())
        }
    }

    /// Asks until the result is good.
    fn until(
        &mut self,
        what: &str,
        method: &str,
        parameters: &Value,
        good: impl Fn(&Value) -> bool,
    ) -> Value {
        let begun = Instant::now();
        loop {
            let result = self.call(method, parameters.clone());
            if let Some(result) = result.as_ref().ok().filter(|result| good(result)) {
                println!("{what} after {:?}", begun.elapsed());
                return result.clone();
            }
            assert!(begun.elapsed() < START, "{what}: {result:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Ends it in order, so that it leaves no screen behind.
    fn quit(mut self) {
        let _ = self.call("Application.Quit", json!({}));
        let asked = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(asked.elapsed() < PATIENCE, "Kodi does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Kodi {
    fn drop(&mut self) {
        // What remains of it ends with its host.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn kodi_finds_the_box_and_plays_with_one_tuner() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let folder = tempfile::tempdir().unwrap();
        let mut kodi = Kodi::start(&lan, folder.path());
        let addon = json!({"addonid": "pvr.hdhomerun", "enabled": true});
        kodi.until(
            "the add-on is enabled",
            "Addons.SetAddonEnabled",
            &addon,
            |done| done == "OK",
        );
        let all = json!({"channelgroupid": "alltv"});
        let count = |found: &Value| {
            found["channels"]
                .as_array()
                .is_some_and(|all| all.len() == 4)
        };
        let found = kodi.until("four channels", "PVR.GetChannels", &all, count);
        let channels = found["channels"].as_array().unwrap();
        let lineup = home.json("/lineup.json");
        for line in lineup.as_array().unwrap() {
            let listed = channels
                .iter()
                .any(|channel| channel["label"] == line["GuideName"]);
            assert!(listed, "{line} is not in {found}");
        }
        let wanted = home.channel("1984.1")["name"].clone();
        let channel = channels.iter().find(|channel| channel["label"] == wanted);
        let open = json!({"item": {"channelid": channel.unwrap()["channelid"]}});
        assert_eq!(kodi.call("Player.Open", open), Ok("OK".into()));
        let played =
            json!({"playerid": 1, "properties": ["currentvideostream", "currentaudiostream"]});
        let decoded = |now: &Value| {
            now["currentvideostream"]["width"]
                .as_u64()
                .is_some_and(|width| width > 0)
        };
        let now = kodi.until("it plays", "Player.GetProperties", &played, decoded);
        println!("{now}");
        assert_eq!(now["currentvideostream"]["codec"], "h264");
        assert_eq!(now["currentaudiostream"]["codec"], "ac3");
        let tuners = home.json("/status.json");
        assert_eq!(tuners.as_array().unwrap().len(), 1);
        assert_eq!(tuners[0]["VctNumber"], "1984.1");
        // It goes on: what it has shown grows.
        let clock = json!({"labels": ["Player.Time"]});
        let first = kodi.call("XBMC.GetInfoLabels", clock.clone()).unwrap();
        kodi.until("time goes by", "XBMC.GetInfoLabels", &clock, |now| {
            *now != first
        });
        assert_eq!(home.busy_tuners(), 1);
        assert_eq!(
            kodi.call("Player.Stop", json!({"playerid": 1})),
            Ok("OK".into())
        );
        // Kodi itself was seen to keep its connection for another ten seconds.
        println!("free again {:?} after the stop", home.until_free());
        kodi.quit();
        home.stop();
    });
}
