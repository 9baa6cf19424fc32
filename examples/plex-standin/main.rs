//! A stand-in for a Plex Media Server, to try the box without Plex: serves the videos of a folder as
//! a library of films and one of shows, and as many titles without a file as wanted.
//!
//! ```text
//! cargo run --example plex-standin -- --media DIR [--port 32400] [--token T] [--items 28949]
//! ```
//!
//! What it is faithful to, and its switches, are in `docs/plex-standin.md`.

#[path = "../../tests/support/plex/mod.rs"]
mod plex;

use clap::Parser;
use plex::{Library, Settings, Standin};
use std::path::PathBuf;

/// A Plex server without Plex.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder of films (`Title (Year).ext`) and episodes (`Show S01E02.ext`).
    #[arg(long)]
    media: Option<PathBuf>,
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The token that the server wants to see.
    #[arg(long, default_value = "standin-server-token")]
    token: String,
    /// Fill the library up to so many titles, with titles that have no file.
    #[arg(long, default_value_t = 0)]
    items: usize,
    /// Refuse parts to sessions without a decision, as PMS 1.43 does.
    #[arg(long)]
    require_decision: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let mut library = match &arguments.media {
        Some(folder) => Library::from_folder(folder),
        None => Library::default(),
    };
    if arguments.items > 0 {
        library = library.with_synthetic(arguments.items);
    }
    let (sections, titles) = (library.sections.len(), library.titles());
    let settings = Settings {
        address: ([127, 0, 0, 1], arguments.port).into(),
        token: arguments.token,
        ..Settings::default()
    };
    let standin = Standin::start_with(library, settings);
    standin.faults(|faults| faults.require_decision = arguments.require_decision);
    let listening = serde_json::json!({
        "event": "listening",
        "url": standin.url(),
        "token": standin.token(),
        "machine": standin.machine(),
        "account_url": standin.account_url(),
        "account_token": standin.account_token(),
        "gdm": standin.gdm_address().to_string(),
        "sections": sections,
        "titles": titles,
    });
    println!("{listening}");
    let url = standin.url();
    eprintln!("The box reads it like a server: its address is {url}, its token as above.");
    eprintln!(
        "A look at it:   curl -H 'X-Plex-Token: {}' {url}/library/sections",
        standin.token()
    );
    eprintln!("What was asked: curl {url}/standin/counts     curl {url}/standin/log");
    eprintln!("Its switches:   curl {url}/standin/faults");
    eprintln!("Turn one:       curl -X PUT -d '{{\"maintenance\":true}}' {url}/standin/faults");
    eprintln!("Ctrl-C ends it.");
    // An error means that there are no signals here: it runs until it is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
