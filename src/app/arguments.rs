//! The command line, as DESIGN §5 lists it. Commands that do not work yet are not here.

use super::on_board::OnBoard;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Turns a family's own video library into live television.
#[derive(Debug, Parser)]
#[command(name = "exstreamtv", version, disable_help_subcommand = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the box
    Serve(Serve),
    /// Run the box with an embedded library of tiny clips, or with the videos of a folder
    Demo(Demo),
    /// Link the box to Plex: with a code to be typed at plex.tv/link, or to a server named directly
    Link(Link),
    /// List, add or scan the libraries of the running box
    #[command(subcommand)]
    Library(Library),
    /// List the channels of the running box, or have some suggested
    #[command(subcommand)]
    Channels(Channels),
    /// Write everything that the box keeps into one file, without the link to Plex
    Backup(Backup),
    /// Say what restoring a backup would change, or restore it
    Restore(Restore),
    /// What the box's own image does on its board
    #[command(subcommand)]
    Board(OnBoard),
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Configuration file; what the command line says comes before it
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Make channels of the videos in this folder instead of the embedded clips
    #[arg(long, value_name = "DIR")]
    pub(super) media: Option<PathBuf>,
    /// How many channels; with --media, how many at most
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=480))]
    pub(super) channels: u16,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(super) struct Link {
    /// Address of the server, such as http://192.168.1.5:32400
    #[arg(long, value_name = "URL", requires = "token_file")]
    pub(super) url: Option<String>,
    /// File that holds the server's token and nothing else
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(super) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) speak: Speak,
}

/// Where the box lives and listens.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// State folder; only one box can run on it
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// Address of everything but the streams, such as 127.0.0.1:8411 or [::]:8411; port 0 is any
    #[arg(long, value_name = "A")]
    pub(super) web: Option<SocketAddr>,
    /// Address of the streams, such as [::]:5004
    #[arg(long, value_name = "A")]
    pub(super) stream: Option<SocketAddr>,
    /// One more address of everything, for clients that expect an HDHomeRun at [::]:80
    #[arg(long, value_name = "A")]
    pub(super) device: Option<SocketAddr>,
    /// Address at which clients look for an HDHomeRun, such as [::]:65001, over UDP and TCP
    #[arg(long, value_name = "A")]
    pub(super) discovery: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Library {
    /// List the libraries
    List(Speak),
    /// Add a library
    #[command(subcommand)]
    Add(Add),
    /// Look for new, changed and vanished titles now
    Sync(Speak),
}

#[derive(Debug, Subcommand)]
pub(super) enum Add {
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
    /// Sections of a Plex server that the box is linked to
    Plex {
        /// Names or keys of sections
        #[arg(value_name = "SECTION", required_unless_present = "all")]
        sections: Vec<String>,
        /// All sections with videos
        #[arg(long, conflicts_with = "sections")]
        all: bool,
        /// The server's name, where the box is linked to several
        #[arg(long, value_name = "NAME")]
        server: Option<String>,
        #[command(flatten)]
        speak: Speak,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Channels {
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

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file; one that is a backup already is replaced
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) speak: Speak,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup
    pub(super) file: PathBuf,
    /// Restore it
    #[arg(long)]
    pub(super) apply: bool,
    #[command(flatten)]
    pub(super) speak: Speak,
}

/// Which box is spoken to, and how it answers.
#[derive(Debug, Args)]
pub(super) struct Speak {
    /// State folder of the running box
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    pub(super) json: bool,
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
