//! Lists and rows.
use crate::plex::{Library, Standin};

#[test]
fn it_starts() {
    let standin = Standin::start(Library::synthetic(28_949));
    assert_eq!(standin.library(|library| library.titles()), 28_949);
    if std::env::var("HOLD").is_ok() {
        println!("{}", standin.url());
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
}
