//! Reads Rust source as text, as far as it takes to find the paths in it. It knows comments,
//! literals and items under `#[cfg(test)]`, and refuses to understand anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A use of another module or crate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// Its first line, counted from 1.
    pub(crate) line: usize,
    /// What is used.
    pub(crate) target: Target,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A module at this crate's root.
    Inside(String),
    /// Another crate.
    Outside(String),
}

/// The uses in a source text, each target once. `modules` is the path of the file's own module,
/// `known` the modules at the crate's root.
pub(crate) fn uses(
    text: &str,
    modules: &[String],
    known: &BTreeSet<&str>,
    dependencies: &BTreeSet<String>,
) -> Vec<Use> {
    let code = without_words(text);
    let code = without_tests(&code);
    let mut found = BTreeMap::new();
    let mut from = 0;
    while let Some((start, word)) = next_word(&code, from) {
        from = start + word.len();
        let after = code[from..].trim_start();
        let before = code[..start].trim_end();
        if before.ends_with('.') || (before.ends_with("::") && !is_absolute(before)) {
            continue;
        }
        let targets: Vec<Target> = match word {
            "crate" if after.starts_with("::") => {
                heads(&after[2..]).into_iter().map(Target::Inside).collect()
            }
            "super" => climbed(&code[start..], modules)
                .into_iter()
                .filter(|head| known.contains(head.as_str()))
                .map(Target::Inside)
                .collect(),
            _ if !dependencies.contains(word) => continue,
            _ if after.starts_with("::") || before.ends_with("use") => {
                vec![Target::Outside(word.into())]
            }
            _ => continue,
        };
        let line = code[..start].matches('\n').count() + 1;
        for target in targets {
            found.entry(target).or_insert(line);
        }
    }
    let mut uses: Vec<Use> = found
        .into_iter()
        .map(|(target, line)| Use { line, target })
        .collect();
    uses.sort_by_key(|one| one.line);
    uses
}

/// Whether the `::` at the end of `before` begins a path: nothing that could be a name is in front.
fn is_absolute(before: &str) -> bool {
    let front = before.trim_end_matches("::");
    front.ends_with(char::is_whitespace) || front.ends_with(['(', '{', '<', ',', '&', '='])
}

/// The first names of a path or of a group of paths in braces.
fn heads(path: &str) -> Vec<String> {
    let path = path.trim_start();
    let Some(group) = path.strip_prefix('{') else {
        return next_word(path, 0)
            .filter(|(at, _)| *at == 0)
            .map(|(_, word)| word.into())
            .into_iter()
            .collect();
    };
    let mut heads = Vec::new();
    let (mut depth, mut fresh) = (0, true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            _ if fresh && is_name(letter) => {
                fresh = false;
                heads.extend(next_word(group, at).map(|(_, word)| word.into()));
            }
            _ => {}
        }
    }
    heads
}

/// The first names below the crate's root of a path that climbs there with `super::`.
fn climbed(path: &str, modules: &[String]) -> Vec<String> {
    let mut rest = path;
    let mut steps = 0;
    while let Some(next) = rest
        .strip_prefix("super")
        .and_then(|rest| rest.trim_start().strip_prefix("::"))
    {
        rest = next.trim_start();
        steps += 1;
    }
    if steps >= modules.len() {
        heads(rest)
    } else {
        Vec::new()
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The next name at or behind `from`.
fn next_word(code: &str, from: usize) -> Option<(usize, &str)> {
    let start = from + code[from..].find(is_name)?;
    let length = code[start..]
        .find(|letter| !is_name(letter))
        .unwrap_or(code.len() - start);
    Some((start, &code[start..start + length]))
}

/// The code with comments and the content of literals replaced by spaces; lines stay.
fn without_words(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = word_length(rest);
        if length == 0 {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
        } else {
            code.extend(
                rest[..length]
                    .chars()
                    .map(|letter| if letter == '\n' { '\n' } else { ' ' }),
            );
            rest = &rest[length..];
        }
    }
    code
}

/// The bytes of the comment or literal with which `text` begins; 0 if it begins with code.
fn word_length(text: &str) -> usize {
    let until = |end: &str| {
        text[2..]
            .find(end)
            .map_or(text.len(), |at| at + 2 + end.len())
    };
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return until("*/");
    }
    for hashes in (0..3).rev() {
        let fence = "#".repeat(hashes);
        if text.starts_with(&format!("r{fence}\"")) {
            return until(&format!("\"{fence}"));
        }
    }
    if text.starts_with('"') {
        let mut escaped = false;
        let end = text.char_indices().skip(1).find(|&(_, letter)| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        });
        return end.map_or(text.len(), |(at, _)| at + 1);
    }
    // A character that could be taken for something else; a lifetime has no second quote there.
    match text.as_bytes() {
        [b'\'', b'\\', _, b'\'', ..] => 4,
        [b'\'', b'"' | b'/', b'\'', ..] => 3,
        _ => 0,
    }
}

/// The code without the items that only tests are compiled with.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let item = &rest[at..];
        let mut depth = 0;
        let end = item.char_indices().find(|&(_, letter)| {
            depth += match letter {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 0 && matches!(letter, '}' | ';')
        });
        let (gone, left) = item.split_at(end.map_or(item.len(), |(at, _)| at + 1));
        kept.extend(gone.chars().filter(|&letter| letter == '\n'));
        rest = left;
    }
    kept.push_str(rest);
    kept
}

/// `src/demux/mp4.rs` is `[demux, mp4]`; `src/demux/mod.rs` is `[demux]`.
pub(crate) fn module_path(path: &Path) -> Vec<String> {
    let below = path.strip_prefix("src").unwrap().with_extension("");
    let mut names: Vec<String> = below
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.pop_if(|last| last == "mod");
    names
}

/// The names of the dependencies as code spells them.
pub(crate) fn dependencies(manifest: &str) -> BTreeSet<String> {
    let table = manifest
        .split("\n[")
        .map(|table| table.trim_start_matches('['));
    let lines = table
        .filter(|table| {
            // Those of one platform are in a table of their own.
            table.starts_with("dependencies]")
                || table.starts_with("target.") && table.contains(".dependencies]")
        })
        .flat_map(str::lines);
    let names = lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim());
    names
        .map(|name| name.replace('-', "_"))
        .chain(["exstreamtv".into()])
        .collect()
}

/// The source files below a folder, without those that are all tests.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_stem().is_none_or(|name| name != "tests")
        {
            files.push(path);
        }
    }
    files.sort();
    files
}
