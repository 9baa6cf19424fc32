//! The commands: what the command line asks for, wired together from everything above.

mod arguments;
mod backup;
mod board;
mod channels;
mod control;
mod daily;
mod demo;
mod device;
mod drives;
mod library;
mod link;
mod listen;
mod named_server;
mod on_board;
mod output;
mod pulse;
mod running;
mod serve;
mod signal;
mod state;
mod table;
mod unattended;

use crate::error::{Error, Result};
use arguments::{Arguments, Command};
use clap::Parser;
use serde_json::Value;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Threads that drive the box.
const WORKERS: usize = 2;

/// Threads that may wait for a disk at the same time.
const BLOCKING: usize = 16;

/// How long such a thread waits for more to do; its stack is memory too.
const BLOCKING_IDLE: Duration = Duration::from_secs(2);

/// How long a thread that waits for a disk is waited for when the process ends.
const BLOCKING_END: Duration = Duration::from_millis(500);

/// Does what the command line asks for. 0 means that the thing asked for holds, 1 that it does
/// not, 2 that the command line is wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(other) => {
            // Help and version are answers too; where they go, clap knows.
            let _ = other.print();
            return ExitCode::from(u8::try_from(other.exit_code()).unwrap_or(2));
        }
    };
    match obey(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(format_args!("exstreamtv: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn obey(command: Command) -> Result<()> {
    match command {
        Command::Serve(serve) => serve::run(serve),
        Command::Demo(demo) => demo::run(demo),
        Command::Link(link) => asking()?.block_on(link::run(link)),
        Command::Library(library) => asking()?.block_on(library::run(library)),
        Command::Channels(channels) => asking()?.block_on(channels::run(channels)),
        Command::Backup(asked) => asking()?.block_on(backup::write(asked)),
        Command::Restore(asked) => asking()?.block_on(backup::restore(asked)),
        Command::Board(board) => on_board::run(board),
    }
}

/// Has the log written to standard error: what `RUST_LOG` asks for, else what is at least
/// `usually`.
fn log_to_stderr(usually: &str) {
    let wanted = env_logger::Env::default().default_filter_or(usually);
    // It fails only where somebody set a log up before, which then goes on.
    let _ = env_logger::Builder::from_env(wanted).try_init();
}

/// Drives a box on a runtime of its own, which ends with it.
fn on_runtime(box_runs: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(BLOCKING_IDLE)
        .thread_name("exstreamtv")
        .enable_all()
        .build()
        .map_err(|error| Error::io("start", "the runtime", &error))?;
    let ended = runtime.block_on(box_runs);
    // A thread that hangs in a dead network mount must not keep the process.
    runtime.shutdown_timeout(BLOCKING_END);
    ended
}

/// What waits for a disk, on a thread that may.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.unwrap_or(Err(Error::ShuttingDown))
}

/// The runtime of a command that asks the box and shows the answer.
fn asking() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::io("start", "the runtime", &error))
}

/// Where this machine reaches a door of its own. One that is open everywhere takes IPv4 too.
fn reached(door: SocketAddr) -> SocketAddr {
    if door.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, door.port()))
    } else {
        door
    }
}

/// A field of the box's answer as a cell: text as it is, lists by their length.
fn field(of: &Value, name: &str) -> String {
    match of.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.len().to_string(),
        Some(other) => other.to_string(),
    }
}
