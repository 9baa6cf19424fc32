//! Hosts that are joined by cables: network namespaces of the kernel with veth pairs between them.
//! Each test has its own, so any number of tests can use the same addresses side by side.
//!
//! Nothing outside the namespaces is touched. They are removed with everything that still runs in
//! them when the test ends; what a test left that was killed, the next one removes.

use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::panic::resume_unwind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// What names of our namespaces begin with; the process that made them and a count follow.
const NAMES: &str = "exstv-";

/// A host of a LAN. Whoever runs on it does so in its network namespace.
pub(crate) struct Host {
    name: String,
}

/// Where a cable ends in a host: what `ip` calls it.
pub(crate) type Port = &'static str;

/// The one port of a host that has one, and the first of the box.
pub(crate) const FIRST: Port = "lan0";

/// The box's second port.
pub(crate) const SECOND: Port = "lan1";

impl Host {
    /// A host without a cable.
    pub(crate) fn new(role: &str) -> Self {
        static LEFTOVERS: Once = Once::new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        LEFTOVERS.call_once(remove_leftovers);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{NAMES}{}-{count}-{role}", std::process::id());
        if let Err(why) = run("ip", &["netns", "add", &name]) {
            panic!(
                "These tests make network namespaces, and that is not allowed here: {why}\n\
                 They need root, with the right to administer the network (CAP_SYS_ADMIN and \
                 CAP_NET_ADMIN): as root, or in a container that was given these."
            );
        }
        let host = Self { name };
        // Addresses are to be used at once, and no test waits for another host's objection.
        host.within(|| {
            for place in ["all", "default"] {
                let file = format!("/proc/sys/net/ipv6/conf/{place}/accept_dad");
                std::fs::write(&file, "0").unwrap_or_else(|error| panic!("{file}: {error}"));
            }
        });
        host.ip(&["link", "set", "lo", "up"]);
        host
    }

    /// A command that will run on this host.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command.stdin(Stdio::null());
        command
    }

    /// Runs on this host, on a thread of its own: sockets opened there belong to it for ever.
    pub(crate) fn within<T: Send>(&self, job: impl FnOnce() -> T + Send) -> T {
        let done = std::thread::scope(|scope| {
            let on_host = scope.spawn(|| {
                let namespace = File::open(Path::new("/run/netns").join(&self.name)).unwrap();
                setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
                job()
            });
            on_host.join()
        });
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// `ip` with these arguments, about this host.
    pub(crate) fn ip(&self, arguments: &[&str]) {
        let all = [&["-n", &self.name], arguments].concat();
        run("ip", &all).unwrap_or_else(|why| panic!("ip {}: {why}", arguments.join(" ")));
    }

    /// Joins a port of this host with the first one of another. Both are up, without an address.
    pub(crate) fn plug(&self, port: Port, other: &Self) {
        let end = ["link", "add", port, "type", "veth"];
        let peer = ["peer", "name", FIRST, "netns", &other.name];
        self.ip(&[&end[..], &peer[..]].concat());
        for (host, port) in [(self, port), (other, FIRST)] {
            host.ip(&["link", "set", port, "up"]);
        }
    }

    /// Gives a port an address that can be used at once.
    pub(crate) fn address(&self, port: Port, address: &str) {
        let mut arguments = vec!["address", "add", address, "dev", port];
        if address.contains(':') {
            arguments.push("nodad");
        }
        self.ip(&arguments);
    }

    /// Takes an address from a port.
    pub(crate) fn without_address(&self, port: Port, address: &str) {
        self.ip(&["address", "del", address, "dev", port]);
    }

    /// Multicast leaves by this port.
    pub(crate) fn multicast(&self, port: Port) {
        self.ip(&["route", "replace", "224.0.0.0/4", "dev", port]);
    }

    /// Kills what runs on this host and removes it.
    fn remove(name: &str) {
        let told = Command::new("ip").args(["netns", "pids", name]).output();
        let ids = told.map_or_else(
            |_| String::new(),
            |told| String::from_utf8_lossy(&told.stdout).into_owned(),
        );
        for id in ids.split_whitespace() {
            let _ = run("kill", &["-s", "KILL", id]);
        }
        let _ = run("ip", &["netns", "delete", name]);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        Self::remove(&self.name);
    }
}

/// Runs a command to its end; what it complained about is the error.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    let done = command.args(arguments).stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("{program} is needed: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&done.stderr).trim().to_owned())
}

/// Removes the hosts of processes that are no more.
fn remove_leftovers() {
    let Ok(told) = Command::new("ip").args(["netns", "list"]).output() else {
        return;
    };
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    for name in told
        .lines()
        .filter_map(|line| line.split_whitespace().next())
    {
        let maker = name
            .strip_prefix(NAMES)
            .and_then(|rest| rest.split('-').next());
        if maker.is_some_and(|maker| !Path::new("/proc").join(maker).exists()) {
            Host::remove(name);
        }
    }
}

/// A home: the box and another host, on one cable.
pub(crate) struct Lan {
    /// Where the box runs: 10.99.0.1 and fd99::1 at its first port.
    pub(crate) box_host: Host,
    /// Where its clients run: 10.99.0.2 and fd99::2.
    pub(crate) client: Host,
}

/// The box's addresses on the first LAN.
pub(crate) const BOX: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
pub(crate) const BOX_6: Ipv6Addr = Ipv6Addr::new(0xfd99, 0, 0, 0, 0, 0, 0, 1);

/// The client's addresses there.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);
pub(crate) const CLIENT_6: Ipv6Addr = Ipv6Addr::new(0xfd99, 0, 0, 0, 0, 0, 0, 2);

/// The box's and the client's addresses on a second LAN.
pub(crate) const SECOND_BOX: Ipv4Addr = Ipv4Addr::new(10, 98, 0, 1);
pub(crate) const SECOND_CLIENT: Ipv4Addr = Ipv4Addr::new(10, 98, 0, 2);

impl Lan {
    /// Both are there, joined, with their addresses.
    pub(crate) fn new() -> Self {
        let lan = Self {
            box_host: Host::new("box"),
            client: Host::new("client"),
        };
        lan.box_host.plug(FIRST, &lan.client);
        for (host, v4, v6) in [(&lan.box_host, BOX, BOX_6), (&lan.client, CLIENT, CLIENT_6)] {
            host.address(FIRST, &format!("{v4}/24"));
            host.address(FIRST, &format!("{v6}/64"));
            host.multicast(FIRST);
        }
        lan
    }

    /// A second LAN at the box's second port, with a client of its own.
    pub(crate) fn second(&self) -> Host {
        let client = Host::new("second");
        self.box_host.plug(SECOND, &client);
        self.box_host.address(SECOND, &format!("{SECOND_BOX}/24"));
        client.address(FIRST, &format!("{SECOND_CLIENT}/24"));
        client.multicast(FIRST);
        client
    }
}
