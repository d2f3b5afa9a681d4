//! `case.sqlite`: schema, version, and how it is opened.

use super::fault;
use crate::control::RunError;
use rusqlite::{Connection, OpenFlags};
use std::fmt::Write;
use std::path::Path;

/// Marks the file as ours (`PRAGMA application_id`): "Resi".
pub(super) const APPLICATION: i32 = 0x5265_7369;
/// How an SQLite file begins, and how long its header is.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";
pub(super) const HEADER: usize = 100;
/// The schema's version (`PRAGMA user_version`).
const VERSION: i32 = 1;

const SCHEMA: &str = "
CREATE TABLE sources (
    source_file TEXT NOT NULL, sha256 TEXT NOT NULL,
    events TEXT,                    -- file name inside events/, null when the source gave none
    row_groups TEXT NOT NULL,       -- JSON: rows, first and last key, first and last time of each row group
    ledger TEXT NOT NULL,           -- JSON
    PRIMARY KEY (source_file, sha256)) WITHOUT ROWID;
CREATE TABLE evidence (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE);
CREATE TABLE annotations (
    evidence INTEGER NOT NULL REFERENCES evidence (id), record INTEGER NOT NULL, part INTEGER NOT NULL,
    unit INTEGER NOT NULL,          -- 0 event, 1 subject
    flagged INTEGER NOT NULL, tags TEXT, note TEXT,
    analyst TEXT NOT NULL, version INTEGER NOT NULL, flagged_at INTEGER,
    PRIMARY KEY (evidence, record, part, unit)) WITHOUT ROWID;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, detector TEXT NOT NULL, stage TEXT NOT NULL, made INTEGER NOT NULL, subjects INTEGER NOT NULL);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, analyst TEXT NOT NULL,
    action TEXT NOT NULL,           -- annotate, ordinary, source, run, export, ...
    of INTEGER,                     -- not used any more
    changes TEXT NOT NULL);         -- JSON: what, before, after
";

/// Makes a new database.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn create(path: &Path) -> Result<(), RunError> {
    let make = || -> rusqlite::Result<()> {
        let db = Connection::open(path)?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"))?;
        db.close().map_err(|(_, e)| e)
    };
    make().map_err(|e| fault("cannot make the case's database", &e, path))
}

/// Opens an existing one for reading, while nobody else has it: nothing is written, nor put beside it, unless a process was killed while it wrote.
///
/// # Errors
/// When it is not ours, newer than this program, or damaged.
pub(super) fn look(path: &Path) -> Result<Connection, RunError> {
    let journal = path.with_extension("sqlite-wal").metadata().is_ok_and(|left| left.len() > 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // What a killed process had committed stands in the journal alone, which an immutable database has not.
    let db = if journal { Connection::open_with_flags(path, flags) } else { Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI) };
    let db = db.map_err(|e| fault("cannot open the case's database", &e, path))?;
    check(&db, path)?;
    Ok(db)
}

/// The database as an address that tells SQLite that it does not change.
fn immutable(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut address = String::from(if bytes.starts_with(b"/") { "file://" } else { "file:///" });
    for byte in bytes.iter().map(|byte| if cfg!(windows) && *byte == b'\\' { b'/' } else { *byte }) {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b':') {
            address.push(char::from(byte));
        } else {
            write!(address, "%{byte:02X}").ok();
        }
    }
    address + "?immutable=1"
}

/// Opens an existing one for writing.
///
/// # Errors
/// When it is not ours, newer than this program, damaged, or cannot be written.
pub(super) fn open(path: &Path) -> Result<Connection, RunError> {
    let damaged = |e: rusqlite::Error| fault("cannot open the case's database", &e, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // A case may be reached by a link to its folder; its database may not be one.
    let real = path.canonicalize().map_err(|e| fault("cannot open the case's database", &e, path))?;
    let db = Connection::open_with_flags(&real, flags).map_err(damaged)?;
    check(&db, path)?;
    db.pragma_update(None, "journal_mode", "wal").map_err(damaged)?;
    db.pragma_update(None, "synchronous", "full").map_err(damaged)?;
    db.pragma_update(None, "foreign_keys", "on").map_err(damaged)?;
    db.set_prepared_statement_cache_capacity(64);
    // A write that changes nothing tells a read-only folder now rather than at the first flag.
    db.execute_batch("BEGIN IMMEDIATE; COMMIT;").map_err(|e| fault("the case cannot be written; copy it to a place where it can", &e, path))?;
    Ok(db)
}

/// Whether a database is one that this program reads.
fn check(db: &Connection, path: &Path) -> Result<(), RunError> {
    let damaged = |e: rusqlite::Error| fault("cannot open the case's database", &e, path);
    db.busy_timeout(std::time::Duration::from_secs(5)).map_err(damaged)?;
    // What a case brings along in its schema runs nothing but plain SQL.
    db.pragma_update(None, "trusted_schema", "off").map_err(damaged)?;
    let pragma = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(damaged);
    if pragma("application_id")? != APPLICATION {
        return Err(RunError::failed(format!("not a case made by residue: {}", path.display())));
    }
    let version = pragma("user_version")?;
    if version > VERSION {
        return Err(RunError::failed(format!(
            "the case was made by a newer residue (case version {version}, this program reads up to {VERSION}); open it with that one: {}",
            path.display()
        )));
    }
    Ok(())
}
