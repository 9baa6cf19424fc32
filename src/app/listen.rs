//! Opens the doors: all of them, before anything that may take time.

use crate::error::{Error, Result};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, TcpSocket, UnixListener};

/// Connections that may wait until they are taken.
const BACKLOG: u32 = 128;

/// The open doors. The kernel queues whoever comes before they are served.
#[derive(Debug)]
pub(crate) struct Doors {
    pub(crate) web: TcpListener,
    pub(crate) stream: TcpListener,
    pub(crate) control: UnixListener,
}

/// Where the doors are. The control socket's file goes away with it.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) web: SocketAddr,
    pub(crate) stream: SocketAddr,
    pub(crate) control: PathBuf,
}

impl Doors {
    /// Opens all three.
    ///
    /// # Errors
    /// In one sentence that says what to do.
    pub(crate) fn open(
        web: SocketAddr,
        stream: SocketAddr,
        control: &Path,
    ) -> Result<(Self, Places)> {
        let (web, web_at) = tcp("--web", web)?;
        let (stream, stream_at) = tcp("--stream", stream)?;
        let doors = Self {
            web,
            stream,
            control: unix(control)?,
        };
        let places = Places {
            web: web_at,
            stream: stream_at,
            control: control.to_owned(),
        };
        Ok((doors, places))
    }
}

/// Listens on an address. [`TcpListener::bind`] cannot be used because it may look up names and is
/// therefore a future; here nothing waits.
fn tcp(option: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let listen = || -> std::io::Result<_> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // A box that is started again must not wait for the kernel to forget the old connections.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let at = listener.local_addr()?;
        Ok((listener, at))
    };
    listen().map_err(|error| refusal(option, address, &error))
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
        Error::io("listen on control socket", path.display().to_string(), &error)
    };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    // The state folder around it lets nobody else in; a control socket elsewhere relies on this.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

impl Places {
    /// The line that tells whoever started the box where it is (DESIGN §4).
    pub(crate) fn line(&self) -> String {
        serde_json::json!({
            "event": "listening",
            "web": self.web.to_string(),
            "stream": self.stream.to_string(),
            "control": self.control,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Doors;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn a_port_in_use_is_named_with_what_to_do() {
        let place = tempfile::tempdir().unwrap();
        let control = place.path().join("control.sock");
        let any = "127.0.0.1:0".parse().unwrap();
        let (_doors, places) = Doors::open(any, any, &control).unwrap();
        let words = Doors::open(any, places.web, &control)
            .unwrap_err()
            .to_string();
        assert!(words.contains(&places.web.to_string()), "{words}");
        assert!(words.contains("--stream") && words.contains("another program"));
    }

    #[tokio::test]
    async fn the_control_socket_is_for_its_owner_only_and_replaces_an_old_one() {
        let place = tempfile::tempdir().unwrap();
        let control = place.path().join("control.sock");
        let any = "[::1]:0".parse().unwrap();
        for _ in 0..2 {
            let (_doors, _) = Doors::open(any, any, &control).unwrap();
            let mode = control.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
