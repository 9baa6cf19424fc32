//! Holds the import table of the design: which module may use which other one, and which module
//! owns which outside crate. It reads the sources as text: paths that begin with `crate::` or climb
//! out with `super::`, and paths that begin with the name of a dependency. Tests inside the sources
//! (`#[cfg(test)]`) may use what they like.
//!
//! To change the table is to change the design: change the row here on purpose, and say why in
//! `docs/architecture.md`.

use std::collections::BTreeSet;
#[cfg(test)]
#[path = "layering/source.rs"]
mod source;

use source::{Target, Use, dependencies, module_path, sources, uses};
use std::fs;
use std::path::Path;

/// Module, what it may use of this crate, what it may use from outside. A row may use only rows
/// above its own; `plain`, `live` and `types` stand for several modules.
const TABLE: &str = "
    limits      |                                 |
    error       |                                 | thiserror
    clock       | limits                          | jiff tokio
    shutdown    |                                 | tokio
    media       | plain                           | bytes heapless serde
    model       | plain media                     | heapless serde
    config      | plain live types                | serde toml
    tls         | plain                           | rustls webpki_roots
    codec       | plain types                     | bytes heapless
    demux       | plain types codec               | bytes heapless
    remux       | plain types codec               | bytes heapless
    ring        | plain live                      | bytes tokio
    fetch       | plain live tls                  | bytes http_body_util hyper hyper_util log rustls tokio \
                  tokio_rustls url
    plex        | plain live types config tls     | log reqwest serde serde_json tokio
    folder      | plain live types config demux fetch | bytes log tokio
    store       | plain live types config         | log rusqlite serde serde_json tokio
    catalog     | plain live types config plex folder store | log serde serde_json tokio
    schedule    | plain types catalog             | serde
    resolver    | plain live types plex catalog   | log tokio
    playout     | plain live types config codec demux remux fetch schedule resolver | bytes log tokio
    tuner       | plain live types remux ring schedule resolver playout | bytes log tokio
    system      | plain live                      | crc32fast log minisign_verify nix ring sd_notify serde serde_json tokio
    discover    | plain live types config schedule tuner system | bytes crc32fast heapless httparse jiff log nix \
                  socket2 tokio
    http        | plain live types config ring plex store catalog schedule tuner system | askama bytes \
                  http_body_util httparse hyper hyper_util jiff log percent_encoding quick_xml serde \
                  serde_json socket2 tokio
    reliability | plain live types config         | crc32fast log reqwest serde serde_json tokio
    app         | plain live types config ring fetch plex folder store catalog schedule resolver \
                  playout tuner system discover http reliability | bytes clap env_logger \
                  http_body_util hyper hyper_util listenfd log serde serde_json tokio
    lib         |                                 |
    main        |                                 | dlmalloc exstreamtv
";

/// Names for several modules. The pure stages (codec, demux, remux, schedule) have no `live`.
const GROUPS: [(&str, &[&str]); 3] = [
    ("plain", &["limits", "error"]),
    ("live", &["clock", "shutdown"]),
    ("types", &["media", "model"]),
];

/// One row of the table.
struct Row {
    module: &'static str,
    inside: Vec<&'static str>,
    outside: Vec<&'static str>,
}

fn table() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.trim().is_empty());
    let rows = lines.map(|line| {
        let mut cells = line.split('|').map(str::trim);
        let mut next = || cells.next().unwrap_or_default();
        let (module, inside, outside) = (next(), next(), next());
        let named = |name| GROUPS.iter().find(|(group, _)| *group == name);
        let members =
            |name| named(name).map_or_else(|| vec![name], |(_, members)| members.to_vec());
        Row {
            module,
            inside: inside.split_whitespace().flat_map(members).collect(),
            outside: outside.split_whitespace().collect(),
        }
    });
    rows.collect()
}

#[test]
fn every_import_stands_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dependencies = dependencies(&fs::read_to_string(root.join("Cargo.toml")).unwrap());
    let mut broken = Vec::new();
    for file in sources(&root.join("src")) {
        let path = file.strip_prefix(root).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        broken.extend(judge(path, &text, &dependencies));
    }
    assert!(
        broken.is_empty(),
        "the import table (tests/layering.rs) is broken:\n{}",
        broken.join("\n")
    );
}

#[test]
fn a_row_uses_only_rows_above_it() {
    let mut above = BTreeSet::new();
    for Row { module, inside, .. } in table() {
        for name in inside {
            assert!(
                above.contains(name),
                "{module} may not use {name}, which is not above it"
            );
        }
        above.insert(module);
    }
}

#[test]
fn a_forbidden_import_is_caught_and_told() {
    let dependencies =
        dependencies("[dependencies]\ntokio = \"1\"\nquick-xml = \"1\"\nlog = \"0\"\n");
    let verdict = |path: &str, text: &str| judge(Path::new(path), text, &dependencies);
    let demux = "//! tokio::spawn in words\nuse crate::{error::Result, tuner::{self, Lease}};\n";
    assert_eq!(
        verdict("src/demux/mp4.rs", demux),
        [
            "src/demux/mp4.rs:2: demux may not use the module tuner; it may use limits, error, media, \
          model, codec"
        ]
    );
    for (path, text, told) in [
        (
            "src/demux/mod.rs",
            "fn f() { crate::clock::now() }",
            "module clock",
        ),
        (
            "src/remux/mod.rs",
            "fn f() {\n    log::warn!(\"no\");\n}",
            "crate log",
        ),
        ("src/codec/nal.rs", "use tokio::sync;", "crate tokio"),
        (
            "src/schedule/mod.rs",
            "use super::playout::Playout;",
            "module playout",
        ),
        (
            "src/schedule/lap.rs",
            "use super::super::http;",
            "module http",
        ),
        (
            "src/store.rs",
            "use ::quick_xml::Writer;",
            "crate quick_xml",
        ),
        (
            "src/catalog.rs",
            "pub use crate::http as door;",
            "module http",
        ),
        ("src/playlist.rs", "", "no row for playlist"),
    ] {
        let found = verdict(path, text);
        assert!(
            found.len() == 1 && found[0].contains(told),
            "{path}: {text}: {found:?}"
        );
    }
    for (path, text) in [
        (
            "src/demux/mp4.rs",
            "use super::{Demuxer, Span};\nuse crate::demux::Packet;",
        ),
        (
            "src/demux/mp4.rs",
            "// crate::tuner\n/* tokio:: */ const X: &str = \"crate::http\";",
        ),
        (
            "src/remux/mod.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::demux::open;\n}\n",
        ),
        (
            "src/demux/mod.rs",
            "const QUOTE: char = '\"'; fn f<'a>() { a.log(); my::log::x(); }",
        ),
        (
            "src/http/mod.rs",
            "use crate::{catalog, limits::{A, B}};\nuse tokio::net;",
        ),
    ] {
        assert_eq!(verdict(path, text), Vec::<String>::new(), "{text}");
    }
}

/// What breaks the table in one file, in sentences.
fn judge(path: &Path, text: &str, dependencies: &BTreeSet<String>) -> Vec<String> {
    let modules = module_path(path);
    let name = modules.first().map_or("lib", String::as_str);
    let table = table();
    let Some(row) = table.iter().find(|row| row.module == name) else {
        return vec![format!(
            "{}: the table has no row for {name}",
            path.display()
        )];
    };
    let known: BTreeSet<&str> = table.iter().map(|row| row.module).collect();
    let mut broken = Vec::new();
    for Use { line, target } in uses(text, &modules, &known, dependencies) {
        let (kind, other, allowed) = match &target {
            Target::Inside(other) if other == name => continue,
            Target::Inside(other) => ("module", other, &row.inside),
            Target::Outside(other) => ("crate", other, &row.outside),
        };
        if !allowed.contains(&other.as_str()) {
            let path = path.display();
            let allowed = if allowed.is_empty() {
                "none".into()
            } else {
                allowed.join(", ")
            };
            broken.push(format!(
                "{path}:{line}: {name} may not use the {kind} {other}; it may use {allowed}"
            ));
        }
    }
    broken
}
