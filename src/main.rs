//! The `exstreamtv` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    exstreamtv::app::run(std::env::args_os())
}
