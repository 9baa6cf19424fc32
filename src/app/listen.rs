//! Opens the doors: all of them, before anything that may take time.

use super::control::SOCKET;
use super::state::StateFolder;
use crate::config::Config;
use crate::discover;
use crate::error::{Error, Result};
use crate::http;
use crate::system::network;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener};

/// Longest path of a Unix socket: `sun_path` without the byte that ends it (unix(7)).
const SOCKET_PATH_BYTES: usize = 107;

/// How often a number is looked for that is free for both protocols.
const DISCOVERY_TRIES: usize = 16;

/// The open doors. The kernel queues whoever comes before they are served.
#[derive(Debug)]
pub(super) struct Doors {
    pub(super) web: TcpListener,
    pub(super) stream: TcpListener,
    pub(super) device: Option<TcpListener>,
    /// Where the box is looked for; `None` where it is not to be found.
    pub(super) discovery: Option<discover::Open>,
    pub(super) control: UnixListener,
    pub(super) socket_files: SocketFiles,
}

/// The files under which the control socket is found. Dropping it removes them.
#[derive(Debug)]
pub(super) struct SocketFiles(Vec<PathBuf>);

/// Where the doors are.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Places {
    pub(super) web: SocketAddr,
    pub(super) stream: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) discovery: Option<SocketAddr>,
    pub(super) control: PathBuf,
}

impl Doors {
    /// Opens all of them.
    ///
    /// # Errors
    /// In one sentence that says what to do.
    pub(super) fn open(config: &Config, folder: &StateFolder) -> Result<(Self, Places)> {
        let (web, web_at) = tcp("--web", config.web)?;
        let (stream, stream_at) = tcp("--stream", config.stream)?;
        let device = config.device.map(|at| tcp("--device", at)).transpose()?;
        let (device, device_at) = device.unzip();
        let doors = [Some(web_at), device_at].into_iter().flatten();
        let is_local = doors
            .clone()
            .all(|door| door.ip().to_canonical().is_loopback());
        let discovery = discovery(config, is_local, stream_at)?;
        let usual = folder.path().join(SOCKET);
        let at = config.control.clone().unwrap_or_else(|| usual.clone());
        let control = unix(&at)?;
        let mut socket_files = SocketFiles(vec![at.clone()]);
        if at != usual {
            lead(&usual, &at)?;
            socket_files.0.push(usual);
        }
        let discovery_at = discovery.as_ref().and_then(discover::Open::control);
        let doors = Self {
            web,
            stream,
            device,
            discovery,
            control,
            socket_files,
        };
        let places = Places {
            web: web_at,
            stream: stream_at,
            device: device_at,
            discovery: discovery_at,
            control: at,
        };
        Ok((doors, places))
    }
}

/// Opens a door that the owner can move with an option.
fn tcp(option: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let located = listen(address).and_then(|listener| {
        let at = listener.local_addr()?;
        Ok((listener, at))
    });
    located.map_err(|error| refusal(option, address, &error))
}

/// Listens on an address. Where the machine has no IPv6, a door that is to be open everywhere is so
/// for IPv4.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    http::listen(address).or_else(|error| {
        let Some(address) = without_v6(address, &error) else {
            return Err(error);
        };
        log::info!("this machine has no IPv6; the door is open at {address} instead");
        http::listen(address)
    })
}

/// Opens where the box is looked for: at the address that the owner names, else at the usual port,
/// unless its documents are for this machine alone. A usual port that cannot be had is no reason
/// not to start: players can be told where the box is.
fn discovery(
    config: &Config,
    is_local: bool,
    stream: SocketAddr,
) -> Result<Option<discover::Open>> {
    match config.discovery {
        _ if !config.announce => Ok(None),
        None if is_local => Ok(None),
        Some(at) => found_at(at, stream).map(Some),
        None => Ok(Some(discover::Open::usual(stream, listen))),
    }
}

/// Opens where the box is looked for: one number of a port, for both protocols.
fn found_at(at: SocketAddr, stream: SocketAddr) -> Result<discover::Open> {
    let mut tries = 0;
    loop {
        let (listener, here) = tcp("--discovery", at)?;
        match discover::Open::beside(listener, stream, listen) {
            Ok(open) => return Ok(open),
            // Any number will do, and this one is taken in the other protocol.
            Err(_) if at.port() == 0 && tries < DISCOVERY_TRIES => tries += 1,
            Err(error) => return Err(refusal("--discovery", here, &error)),
        }
    }
}

/// The address for IPv4 alone that stands in for `[::]`, where that was refused because there is no
/// IPv6.
fn without_v6(address: SocketAddr, error: &std::io::Error) -> Option<SocketAddr> {
    let no_v6 = error.kind() == ErrorKind::AddrNotAvailable || network::has_no_family(error);
    let everywhere = address.is_ipv6() && address.ip().is_unspecified();
    let v4 = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
    (everywhere && no_v6).then_some(v4)
}

/// What to do about an address that cannot be had.
fn refusal(option: &str, address: SocketAddr, error: &std::io::Error) -> Error {
    let why = match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program is listening there; stop it, or choose another port with {option} \
             (port 0 takes any that is free)"
        ),
        ErrorKind::PermissionDenied => format!(
            "ports below 1024 are for root; choose another port with {option}, or give the \
             program the capability CAP_NET_BIND_SERVICE"
        ),
        ErrorKind::AddrNotAvailable => format!(
            "this machine has no such address; choose another with {option} (0.0.0.0 and [::] \
             listen on all)"
        ),
        _ => error.to_string(),
    };
    Error::invalid(format!("cannot listen on {address}"), why)
}

/// Listens on the control socket. A file that is left from before is replaced: the lock of the
/// state folder says that nobody else uses it.
fn unix(path: &Path) -> Result<UnixListener> {
    let failed = |error: std::io::Error| {
        Error::io(
            "listen on control socket",
            path.display().to_string(),
            &error,
        )
    };
    if path.as_os_str().len() > SOCKET_PATH_BYTES {
        return Err(Error::invalid(
            format!("cannot listen on {}", path.display()),
            format!(
                "a socket's path has at most {SOCKET_PATH_BYTES} bytes; choose a state folder \
                 with a shorter one"
            ),
        ));
    }
    remove(path).map_err(failed)?;
    let listener = UnixListener::bind(path).map_err(failed)?;
    // The state folder around it lets nobody else in; a control socket elsewhere relies on this.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// Leads from where the commands look to a control socket that is elsewhere.
fn lead(usual: &Path, elsewhere: &Path) -> Result<()> {
    remove(usual)
        .and_then(|()| std::os::unix::fs::symlink(elsewhere, usual))
        .map_err(|error| {
            Error::io(
                "lead to the control socket from",
                usual.display().to_string(),
                &error,
            )
        })
}

/// Makes sure that there is no such file.
fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Places {
    /// The line that tells whoever started the box where it is (DESIGN §4).
    ///
    /// # Errors
    /// Where the control socket's path cannot be written as text.
    pub(super) fn line(&self) -> Result<String> {
        let line = Line {
            event: "listening",
            places: self,
        };
        serde_json::to_string(&line).map_err(|error| Error::invalid("control", error.to_string()))
    }
}

impl Drop for SocketFiles {
    fn drop(&mut self) {
        for file in &self.0 {
            if let Err(error) = remove(file) {
                log::warn!("{} stays behind: {error}", file.display());
            }
        }
    }
}

#[derive(serde::Serialize)]
struct Line<'a> {
    event: &'static str,
    #[serde(flatten)]
    places: &'a Places,
}

#[cfg(test)]
mod tests {
    use super::{Doors, without_v6};
    use crate::app::state::StateFolder;
    use crate::config::Config;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;

    fn on_any_port() -> Config {
        let any = "127.0.0.1:0".parse().unwrap();
        Config {
            web: any,
            stream: "[::1]:0".parse().unwrap(),
            ..Config::default()
        }
    }

    fn mode(file: &Path) -> u32 {
        file.metadata().unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_what_to_do() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = StateFolder::hold(one.path()).unwrap();
        let (_doors, places) = Doors::open(&on_any_port(), &one).unwrap();
        let same = Config {
            stream: places.web,
            ..on_any_port()
        };
        let two = StateFolder::hold(two.path()).unwrap();
        let words = Doors::open(&same, &two).unwrap_err().to_string();
        assert!(words.contains(&places.web.to_string()), "{words}");
        assert!(
            words.contains("another program") && words.contains("--stream"),
            "{words}"
        );
    }

    #[tokio::test]
    async fn the_door_of_the_device_is_open_only_where_it_is_asked_for() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateFolder::hold(place.path()).unwrap();
        let (_doors, places) = Doors::open(&on_any_port(), &folder).unwrap();
        let line = places.line().unwrap();
        assert!(!line.contains("device"), "{line}");
        let same = Config {
            device: Some(places.web),
            ..on_any_port()
        };
        let words = Doors::open(&same, &folder).unwrap_err().to_string();
        assert!(words.contains("--device"), "{words}");
        let asked = Config {
            device: Some("127.0.0.1:0".parse().unwrap()),
            ..on_any_port()
        };
        let (doors, places) = Doors::open(&asked, &folder).unwrap();
        let at = doors.device.unwrap().local_addr().unwrap();
        let line = places.line().unwrap();
        assert!(line.contains(&format!("\"device\":\"{at}\"")), "{line}");
    }

    #[test]
    fn without_ipv6_a_door_that_is_open_everywhere_is_so_for_ipv4() {
        let of = std::io::Error::from_raw_os_error;
        let (no_family, not_available, in_use) = (of(97), of(99), of(98));
        for (address, error, instead) in [
            ("[::]:8411", &no_family, Some("0.0.0.0:8411")),
            ("[::]:8411", &not_available, Some("0.0.0.0:8411")),
            ("[::]:8411", &in_use, None),
            ("[::1]:8411", &no_family, None),
            ("[fd99::1]:8411", &not_available, None),
            ("0.0.0.0:8411", &no_family, None),
        ] {
            let instead = instead.map(|at: &str| at.parse().unwrap());
            assert_eq!(
                without_v6(address.parse().unwrap(), error),
                instead,
                "{address}"
            );
        }
    }

    #[tokio::test]
    async fn the_control_socket_is_for_its_owner_only_and_replaces_an_old_one() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateFolder::hold(place.path()).unwrap();
        // What a box leaves behind that was killed.
        drop(UnixListener::bind(folder.path().join("control.sock")).unwrap());
        let (doors, places) = Doors::open(&on_any_port(), &folder).unwrap();
        assert_eq!(mode(&places.control), 0o600);
        assert!(places.control.starts_with(folder.path()));
        UnixStream::connect(&places.control).unwrap();
        drop(doors);
        assert!(!places.control.exists());
    }

    #[tokio::test]
    async fn a_box_that_cannot_open_all_doors_leaves_no_control_socket() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateFolder::hold(place.path()).unwrap();
        // A folder of that name is never removed.
        let usual = folder.path().join("control.sock");
        std::fs::create_dir(&usual).unwrap();
        let elsewhere = place.path().join("tv.sock");
        let config = Config {
            control: Some(elsewhere.clone()),
            ..on_any_port()
        };
        assert!(Doors::open(&config, &folder).is_err());
        assert!(!elsewhere.exists() && usual.is_dir());
    }

    #[tokio::test]
    async fn a_control_socket_elsewhere_is_found_from_the_state_folder() {
        let (place, run) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = StateFolder::hold(place.path()).unwrap();
        let config = Config {
            control: Some(run.path().join("tv.sock")),
            ..on_any_port()
        };
        for _ in 0..2 {
            let (_doors, places) = Doors::open(&config, &folder).unwrap();
            assert_eq!(Some(&places.control), config.control.as_ref());
            assert_eq!(mode(&folder.path().join("control.sock")), 0o600);
            UnixStream::connect(folder.path().join("control.sock")).unwrap();
        }
    }
}
