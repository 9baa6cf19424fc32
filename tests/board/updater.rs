//! An updater that answers as it is told, and remembers what it was asked.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;

pub(crate) struct Updater {
    folder: TempDir,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Updater {
    /// Slot b runs on trial; slot a holds this version, with as many boots left.
    pub(crate) fn with(version_a: Option<&str>, left_a: u32, trial: Option<&str>) -> Self {
        let status = json!({
            "running": "b", "version": "0.2.0", "order": "b", "trial": trial,
            "left": { "a": left_a, "b": 1 }, "boots": 12,
            "slots": { "a": version_a, "b": "0.2.0" }, "installing": null, "last": null,
        });
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("updater.sock")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let mut line = String::new();
                BufReader::new(&client).read_line(&mut line).unwrap();
                let question: Value = serde_json::from_str(&line).unwrap();
                let question = question["ask"].as_str().unwrap().to_owned();
                let answer = match question.as_str() {
                    "status" => status.clone(),
                    "keep" => json!({ "kept": "b" }),
                    "restart" => json!({ "restarting": true }),
                    other => json!({ "refused": format!("What is {other}?") }),
                };
                remembered.lock().unwrap().push(question);
                writeln!(client, "{answer}").unwrap();
            }
        });
        Self { folder, asked }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("updater.sock")
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}
