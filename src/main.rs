//! The `exstreamtv` command.

use std::process::ExitCode;

/// Where the C library has an allocator worth having, it stays. The figures are in
/// `docs/benchmarks.md`.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    exstreamtv::app::run(std::env::args_os())
}
