//! `link`: the box's link to Plex.

use super::arguments::Link;
use super::control::Control;
use super::field;
use super::output::{answer, say};
use super::table::Table;
use crate::error::{Error, Result};
use crate::limits;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// How often the box is asked how far it is.
const ASK_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(link: Link) -> Result<()> {
    let control = Control::of(link.speak.state.clone())?;
    match (&link.url, &link.token_file) {
        (Some(url), Some(file)) => by_token(&control, url, file).await?,
        _ => by_code(&control).await?,
    }
    let sections = control.get("/api/plex/sections").await?;
    if link.speak.json {
        return answer(sections);
    }
    show(&sections)
}

/// Links to a server that is named directly.
async fn by_token(control: &Control, url: &str, file: &Path) -> Result<()> {
    let shown = file.display().to_string();
    let mut token = String::new();
    let most = limits::PLEX_TOKEN_BYTES;
    File::open(file)
        .and_then(|file| file.take(most as u64 + 1).read_to_string(&mut token))
        .map_err(|error| Error::io("read", shown.clone(), &error))?;
    if token.trim().len() > most {
        let why = format!("no token is longer than {most} bytes; is it another file?");
        return Err(Error::invalid(shown, why));
    }
    let order = json!({ "url": url, "token": token.trim() });
    let server = control.post("/api/plex/link", &order).await?;
    say(format_args!("linked to {}", field(&server, "name")));
    Ok(())
}

/// Shows a code, and waits until it was typed.
async fn by_code(control: &Control) -> Result<()> {
    let number = |view: &Value| view.get("attempt").and_then(Value::as_u64);
    let wanted = number(&control.post("/api/plex/link", &json!({})).await?);
    let mut shown = String::new();
    loop {
        let view = control.get("/api/plex").await?;
        let stage = view.get("linking").and_then(Value::as_str);
        // What stands there from the last time is not the answer to this one.
        match stage.filter(|_| number(&view) >= wanted) {
            Some("code") => {
                let code = field(&view, "code");
                if code != shown {
                    say(format_args!(
                        "Open https://plex.tv/link in a browser and type this code: {code}"
                    ));
                    shown = code;
                }
            }
            Some("linked") => {
                say("The box is linked.");
                return Ok(());
            }
            Some("failed") => {
                return Err(Error::invalid("not linked", field(&view, "why")));
            }
            _ => {}
        }
        sleep(ASK_EVERY).await;
    }
}

/// Shows what can be made a library.
fn show(sections: &Value) -> Result<()> {
    let sections = sections.as_array().map(Vec::as_slice).unwrap_or_default();
    if sections.is_empty() {
        return answer("there is no section with videos on any server");
    }
    let mut table = Table::new(&["SERVER", "SECTION", "HOLDS"]);
    for section in sections {
        table.row(["server", "title", "holds"].map(|name| field(section, name)));
    }
    answer(table)?;
    say("`exstreamtv library add plex SECTION...` makes libraries of them, `--all` of all");
    Ok(())
}
