//! The command line, as DESIGN §5 lists it. Commands that do not work yet are not here.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Turns a family's own video library into live television.
#[derive(Debug, Parser)]
#[command(name = "exstreamtv", version, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the box
    Serve(Serve),
    /// Run the box with an embedded library of tiny clips, or with the videos of a folder
    Demo(Demo),
    /// List, add or scan the libraries of the running box
    #[command(subcommand)]
    Library(Library),
    /// List the channels of the running box, or have some suggested
    #[command(subcommand)]
    Channels(Channels),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Configuration file; what the command line says comes before it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Make channels of the videos in this folder instead of the embedded clips
    #[arg(long, value_name = "DIR")]
    pub(crate) media: Option<PathBuf>,
    /// How many channels; with --media, how many at most
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=480))]
    pub(crate) channels: u16,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where the box lives and listens.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// State folder; only one box can run on it
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Address of everything but the streams, such as 0.0.0.0:8411 or [::]:8411; port 0 is any
    #[arg(long, value_name = "A")]
    pub(crate) web: Option<SocketAddr>,
    /// Address of the streams, such as 0.0.0.0:5004
    #[arg(long, value_name = "A")]
    pub(crate) stream: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Library {
    /// List the libraries
    List(Speak),
    /// Add a library
    #[command(subcommand)]
    Add(Add),
    /// Look for new, changed and vanished titles now
    Sync(Speak),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Add {
    /// A folder on the machine of the box, or on a drive plugged into it
    Folder {
        /// The folder
        path: PathBuf,
        /// What to call the library; the folder's name where not given
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        #[command(flatten)]
        speak: Speak,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Channels {
    /// List the channels
    List(Speak),
    /// Suggest channels made of what the libraries hold
    Suggest {
        /// Add them
        #[arg(long)]
        apply: bool,
        #[command(flatten)]
        speak: Speak,
    },
}

/// Which box is spoken to, and how it answers.
#[derive(Debug, Args)]
pub(crate) struct Speak {
    /// State folder of the running box
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Arguments::command().debug_assert();
    }
}
