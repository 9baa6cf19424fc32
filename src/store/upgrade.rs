//! Numbered steps from any older schema to the newest, counted in `PRAGMA user_version`.

use super::refused;
use crate::error::{Error, Result};
use rusqlite::{Connection, TransactionBehavior};

/// The newest schema, for a file that is new.
const SCHEMA: &str = include_str!("schema.sql");

/// `UPGRADES[0]` makes version 2 of version 1, and so on. A step that was released never changes.
const UPGRADES: &[&str] = &[include_str!("upgrade_2.sql"), include_str!("upgrade_3.sql")];

/// Marks a database as this program's (`PRAGMA application_id`): "EXtv".
const APPLICATION_ID: i64 = 0x4558_7476;

/// The same as it stands in the file.
pub(super) const MARK: [u8; 4] = *b"EXtv";

/// Refuses what another program made, before anything is changed in it.
///
/// # Errors
/// It is not a database, or not one of this program.
pub(super) fn check_origin(connection: &Connection) -> Result<()> {
    let doing = "open the database";
    let read = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(refused(doing))
    };
    let tables = read("SELECT count(*) FROM sqlite_schema")?;
    if tables == 0 || read("PRAGMA application_id")? == APPLICATION_ID {
        return Ok(());
    }
    Err(Error::Store {
        doing,
        why: "it was made by another program; move it away, or import it".to_owned(),
    })
}

/// Refuses what is no database of this program, and what a newer version has written.
///
/// # Errors
/// It is one of these.
pub(super) fn check_known(connection: &Connection) -> Result<()> {
    let doing = "open the backup";
    let read = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(refused(doing))
    };
    let version = read("PRAGMA user_version")?;
    if read("PRAGMA application_id")? != APPLICATION_ID || version < 1 {
        let why = "it is no backup of this program".to_owned();
        return Err(Error::Store { doing, why });
    }
    if version > i64::from(newest()) {
        return Err(unknown_version(doing, version, UPGRADES.len() + 1));
    }
    Ok(())
}

/// Refuses a database whose tables are not those of a new one: it would be read half, or do things
/// by itself.
///
/// # Errors
/// They are not.
pub(super) fn check_tables(connection: &Connection) -> Result<()> {
    let doing = "check the backup";
    let new = Connection::open_in_memory()
        .and_then(|new| new.execute_batch(SCHEMA).map(|()| new))
        .map_err(refused(doing))?;
    if tables(connection).map_err(refused(doing))? == tables(&new).map_err(refused(doing))? {
        return Ok(());
    }
    let why = "its tables are not those of this program".to_owned();
    Err(Error::Store { doing, why })
}

/// What a database consists of, without the remarks.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut all = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")?;
    let rows = all.query_map([], |row| {
        let sql: Option<String> = row.get(1)?;
        let sql = sql.unwrap_or_default();
        let plain = sql.lines().filter(|line| !line.trim().starts_with("--"));
        let words: Vec<_> = plain.flat_map(str::split_whitespace).collect();
        Ok((row.get(0)?, words.join(" ")))
    })?;
    rows.collect()
}

/// The newest schema, which a store has once it is open.
pub(super) const fn newest() -> u32 {
    let mut newest = 1;
    let mut steps = UPGRADES;
    while let [_, rest @ ..] = steps {
        newest += 1;
        steps = rest;
    }
    newest
}

/// Brings the database to the newest schema, or says why not.
///
/// # Errors
/// It comes from a newer version, or a step fails; then nothing has changed.
pub(super) fn upgrade(connection: &mut Connection) -> Result<()> {
    upgrade_with(connection, SCHEMA, UPGRADES)
}

fn upgrade_with(connection: &mut Connection, schema: &str, upgrades: &[&str]) -> Result<()> {
    let doing = "bring the database up to date";
    let newest = upgrades.len() + 1;
    let tx = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(refused(doing))?;
    let version: i64 = tx
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(refused(doing))?;
    let steps = match usize::try_from(version) {
        Ok(0) => std::slice::from_ref(&schema),
        Ok(version) => upgrades.get(version - 1..).unwrap_or_default(),
        Err(_) => return Err(unknown_version(doing, version, newest)),
    };
    if usize::try_from(version).is_ok_and(|version| version > newest) {
        return Err(unknown_version(doing, version, newest));
    }
    if steps.is_empty() {
        return Ok(());
    }
    for step in steps {
        tx.execute_batch(step).map_err(refused(doing))?;
    }
    let broken = tx
        .prepare("PRAGMA foreign_key_check")
        .and_then(|mut rows| rows.exists([]))
        .map_err(refused(doing))?;
    if broken {
        return Err(Error::Store {
            doing,
            why: "rows in it refer to rows that are not there".to_owned(),
        });
    }
    tx.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {newest};"
    ))
    .map_err(refused(doing))?;
    tx.commit().map_err(refused(doing))
}

fn unknown_version(doing: &'static str, version: i64, newest: usize) -> Error {
    Error::Store {
        doing,
        why: format!(
            "it was written by a newer version of this program (schema {version}, this one knows \
             {newest}); update the box or restore an older backup"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::upgrade_with;
    use rusqlite::Connection;

    const V1: &str = "CREATE TABLE a (x INTEGER);";
    const STEPS: [&str; 2] = [
        "CREATE TABLE b (y INTEGER); INSERT INTO b SELECT x + 1 FROM a;",
        "ALTER TABLE b ADD COLUMN z INTEGER NOT NULL DEFAULT 7;",
    ];

    fn version(connection: &Connection) -> i64 {
        connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn each_step_runs_once_and_in_order() {
        for steps_before in 0..=2 {
            let mut db = Connection::open_in_memory().unwrap();
            upgrade_with(&mut db, V1, &[]).unwrap();
            db.execute("INSERT INTO a VALUES (1)", []).unwrap();
            upgrade_with(&mut db, "none", &STEPS[..steps_before]).unwrap();
            upgrade_with(&mut db, "none", &STEPS).unwrap();
            upgrade_with(&mut db, "none", &STEPS).unwrap();
            let row: (i64, i64) = db
                .query_row("SELECT y, z FROM b", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .unwrap();
            assert_eq!(row, (2, 7));
            assert_eq!(version(&db), 3);
        }
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        upgrade_with(&mut db, V1, &[]).unwrap();
        let failing = [
            "CREATE TABLE b (y INTEGER);",
            "CREATE TABLE a (again INTEGER);",
        ];
        assert!(upgrade_with(&mut db, "none", &failing).is_err());
        assert_eq!(version(&db), 1);
        assert!(db.prepare("SELECT * FROM b").is_err());
    }

    #[test]
    fn a_newer_version_is_refused_in_words() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("PRAGMA user_version = 9").unwrap();
        let error = upgrade_with(&mut db, V1, &STEPS).unwrap_err().to_string();
        assert!(error.contains("newer version"), "{error}");
        assert!(error.contains("schema 9, this one knows 3"), "{error}");
        assert_eq!(version(&db), 9);
    }
}
