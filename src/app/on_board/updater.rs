//! `board updater`: the process behind the updater's socket.

use crate::app::{asking, log_to_stderr, signal::Signals};
use crate::error::{Error, Result};
use crate::shutdown;
use crate::store::Store;
use crate::system::bundle::{Keys, Rules};
use crate::system::card::Card;
use crate::system::slot::Slot;
use crate::system::updater::{self, Patience, Updater, Wishes};
use clap::Args;
use listenfd::ListenFd;
use std::io::ErrorKind;
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::UnixListener;

/// What restarts the machine.
const RESTART: [&str; 2] = ["systemctl", "reboot"];

#[derive(Debug, Args)]
pub(in crate::app) struct Arguments {
    /// The card: a block device, or a file with the content of one
    #[arg(long, value_name = "PATH")]
    disk: PathBuf,
    /// Socket to listen on, where the service manager gives none
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The slot that runs, where the kernel's command line does not tell
    #[arg(long, value_name = "a|b")]
    slot: Option<Slot>,
    /// Folder of the public keys whose bundles are taken
    #[arg(long, value_name = "DIR", default_value = "/usr/share/exstreamtv/keys")]
    keys: PathBuf,
    /// Folder for what became of the last update
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/var/lib/exstreamtv-updater"
    )]
    state: PathBuf,
    /// Program that restarts the machine, instead of systemctl
    #[arg(long, value_name = "PROGRAM")]
    restart_command: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    log_to_stderr("info");
    let running = match arguments.slot {
        Some(slot) => slot,
        None => running_slot()?,
    };
    updater::make_folder(&arguments.state)?;
    let wishes = Wishes {
        running,
        version: env!("CARGO_PKG_VERSION"),
        rules: Rules {
            keys: keys(&arguments.keys),
            store_schema: Store::SCHEMA,
        },
        folder: arguments.state,
        restart: match arguments.restart_command {
            Some(program) => vec![program],
            None => RESTART.map(str::to_owned).into(),
        },
    };
    let updater = Updater::new(Card::open(&arguments.disk)?, wishes)?;
    let (listener, patience) = match &arguments.socket {
        Some(path) => (listen(path)?, Patience::Endless),
        None => (handed_over()?, Patience::Short),
    };
    asking()?.block_on(serve(Arc::new(updater), listener, patience))
}

async fn serve(
    updater: Arc<Updater>,
    listener: net::UnixListener,
    patience: Patience,
) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("listen on", "the updater's socket", &error);
    listener.set_nonblocking(true).map_err(failed)?;
    let listener = UnixListener::from_std(listener).map_err(failed)?;
    let (stopper, shutdown) = shutdown::channel();
    let mut signals = Signals::take()?;
    let mut served = Box::pin(updater.serve(listener, patience, shutdown));
    tokio::select! {
        () = &mut served => return Ok(()),
        name = signals.next() => log::info!("{name}: stopping"),
    }
    stopper.stop();
    served.await;
    Ok(())
}

/// The keys of a folder. Without them no bundle is taken, but a slot can still be kept.
fn keys(folder: &Path) -> Keys {
    let keys = Keys::read(folder).unwrap_or_else(|error| {
        log::error!("no update is taken: {error}");
        Keys::default()
    });
    log::debug!("{} keys are believed", keys.count());
    keys
}

/// The slot that the kernel was told.
fn running_slot() -> Result<Slot> {
    let file = "/proc/cmdline";
    let words = std::fs::read_to_string(file).map_err(|error| Error::io("read", file, &error))?;
    Slot::of_command_line(&words).ok_or_else(|| {
        let why = "the kernel was not told which slot it runs from; name it with --slot";
        Error::invalid(file, why)
    })
}

/// The socket that the service manager has opened (sd_listen_fds(3)).
fn handed_over() -> Result<net::UnixListener> {
    let taken = ListenFd::from_env().take_unix_listener(0);
    let failed = |error: std::io::Error| Error::io("take over", "the updater's socket", &error);
    taken.map_err(failed)?.ok_or_else(|| {
        let why = "the service manager has given none; name one with --socket";
        Error::invalid("the updater's socket", why)
    })
}

/// Listens on a socket of one's own. A file that is left from before is replaced.
fn listen(path: &Path) -> Result<net::UnixListener> {
    let failed = |error: &std::io::Error| Error::io("listen on", path.display().to_string(), error);
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&error)),
        _ => {}
    }
    net::UnixListener::bind(path).map_err(|error| failed(&error))
}
