//! The case while it is open: sources and their events, settings, and the one door to the database.

use super::again::void_rankings;
use super::annotate::Said;
use super::columns::Group;
use super::contents::Contents;
use super::folder::Life;
use super::layout::{Folder, is_own_folder, remove};
use super::names::{EventFileName, RunId};
use super::reader::EventFile;
use super::sink::Sink;
use super::{Snapshot, TEMPORARY, fault};
use crate::control::{Notice, RunError, Severity};
use crate::domain::{EventSink, Ledger, SourceSink, SourceStatus};
use crate::files::NamedTempFile;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An open case folder. Cheap to clone; clones are the same case. The folder is locked against other processes until the last one is dropped.
#[derive(Clone)]
pub struct Case(Arc<Inner>);

pub(super) struct Inner {
    folder: Folder,
    life: Mutex<Life>,
    lock: Option<File>,
    db: Option<Mutex<Connection>>,
    sources: Mutex<Sources>,
    said: Mutex<Said>,
    notices: Mutex<Vec<Notice>>,
}

/// Readings of one file that a case holds at most until it is opened again.
const READINGS: usize = 1_000;

/// (`source_file`, SHA-256).
pub(super) type SourceId = (String, String);

#[derive(Default)]
pub(super) struct Sources {
    pub(super) rows: BTreeMap<SourceId, (Ledger, Option<Arc<EventFile>>)>,
    pub(super) view: Option<Arc<Snapshot>>,
    /// Known ones that the next reading is to replace.
    pub(super) otherwise: HashSet<SourceId>,
}

/// Takes a lock; what a panicking thread left is still whole, because every change is made in one step.
pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<Inner> for Case {
    fn from(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl Inner {
    /// A case whose database was read; what it does not name was left behind by a killed run and goes.
    pub(super) fn new(folder: Folder, life: Life, lock: File, db: Connection, contents: Contents) -> Self {
        let Contents { rows, files, runs, said, mut notices } = contents;
        let removed = sweep(&folder.events(), |name| EventFileName::parse(name).is_some_and(|name| files.contains(&name)))
            + sweep(&folder.runs(), |name| RunId::parse(name).is_some_and(|id| runs.contains(&id)));
        if removed > 0 {
            notices.push(Notice {
                severity: Severity::Info,
                text: format!("removed {removed} unfinished files that an interrupted run left in the case: {}", folder.path().display()),
            });
        }
        Self {
            folder,
            life: Mutex::new(life),
            lock: Some(lock),
            db: Some(Mutex::new(db)),
            sources: Mutex::new(Sources { rows, ..Sources::default() }),
            said: Mutex::new(said),
            notices: Mutex::new(notices),
        }
    }
}

/// Removes from `folder` what is not known: a final name without its row was killed between the two. Links go themselves, not what they lead to.
fn sweep(folder: &Path, known: impl Fn(&str) -> bool) -> usize {
    if !is_own_folder(folder) {
        return 0;
    }
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let stale = entries.filter_map(Result::ok).filter(|entry| {
        let ours = |name: &str| name.ends_with(TEMPORARY) || EventFileName::parse(name).is_some() || RunId::parse(name).is_some();
        entry.file_name().to_str().is_some_and(|name| !known(name) && ours(name))
    });
    stale.filter(|entry| remove(&entry.path())).count()
}

impl Case {
    /// The case's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.0.folder.path()
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.0.folder
    }

    /// Whether it has not been saved under a name of the user's choice.
    #[must_use]
    pub fn is_scratch(&self) -> bool {
        *held(&self.0.life) != Life::Saved
    }

    /// What was worth knowing when the case was opened.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        held(&self.0.notices).clone()
    }

    /// The ledger rows, sorted by (`source_file`, SHA-256): the order that [`crate::domain::EventKey::source`] counts in.
    #[must_use]
    pub fn sources(&self) -> Arc<Vec<Ledger>> {
        self.snapshot().ledger()
    }

    /// What is committed now, as the detectors see it. The same until another source is committed.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let mut sources = held(&self.0.sources);
        if let Some(view) = &sources.view {
            return view.clone();
        }
        let (ledger, files) = sources.rows.values().cloned().unzip();
        let view = Arc::new(Snapshot::new(ledger, files));
        sources.view = Some(view.clone());
        view
    }

    /// A setting of the case; none when it was never set.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<String> {
        let read = |db: &mut Connection| db.prepare_cached("SELECT value FROM settings WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional();
        self.with_db("cannot read the case's settings", read).ok().flatten()
    }

    /// Keeps a setting with the case.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_setting(&self, key: &str, value: &str) -> Result<(), RunError> {
        self.with_db("cannot write the case's settings", |db| {
            db.prepare_cached("INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")?.execute([key, value]).map(|_| ())
        })
    }

    /// Commits a source: its file under the final name first, then its ledger row.
    pub(super) fn record(&self, ledger: Ledger, events: Option<(NamedTempFile, Vec<Group>)>) -> Result<(), RunError> {
        let mut sources = held(&self.0.sources);
        let key = (ledger.source_file.clone(), ledger.sha256.clone());
        let again = sources.otherwise.remove(&key).then(|| self.analyst());
        // What was read once stays, unless it was to be read otherwise, and could be.
        if sources.rows.get(&key).is_some_and(|(_, file)| file.is_some()) && (again.is_none() || events.is_none()) {
            return Ok(());
        }
        let is_twin = |other: &SourceId, file: &Option<Arc<EventFile>>| *other != key && other.1 == key.1 && file.is_some();
        let twin = (!key.1.is_empty()).then(|| sources.rows.iter().find(|(other, (_, file))| is_twin(other, file))).flatten();
        let (ledger, kept) = match (twin, events) {
            (Some(((twin, _), _)), Some(_)) => (Ledger { status: SourceStatus::Duplicate, duplicate_of: Some(twin.clone()), events: 0, ..ledger }, None),
            (_, None) => (ledger, None),
            (None, Some((temp, groups))) => {
                let name = self.place_events(&ledger, temp)?;
                (ledger, Some((name, groups)))
            }
        };
        let name = kept.as_ref().map(|(name, _)| name.as_str());
        let json = |e: serde_json::Error| RunError::failed(format!("cannot write the ledger: {e}"));
        let row = serde_json::to_string(&ledger).map_err(json)?;
        let groups = serde_json::to_string(&kept.as_ref().map_or(&[][..], |(_, groups)| groups)).map_err(json)?;
        self.with_db("cannot write the ledger into the case (is the disk full?)", |db| {
            // A source lost to a power cut is read again; only a flag must be on the disk before it is drawn.
            db.pragma_update(None, "synchronous", "normal")?;
            let commit = |db: &mut Connection| {
                let action = db.transaction()?;
                action
                    .prepare_cached("INSERT OR REPLACE INTO sources (source_file, sha256, events, row_groups, ledger) VALUES (?1, ?2, ?3, ?4, ?5)")?
                    .execute(params![key.0, key.1, name, groups, row])?;
                if let Some(analyst) = &again {
                    void_rankings(&action, &key, analyst)?;
                }
                action.commit()
            };
            let done = commit(db);
            db.pragma_update(None, "synchronous", "full")?;
            done
        })?;
        let file = kept.as_ref().map(|(name, groups)| Arc::new(EventFile::new(self.folder().event_file(name), groups.clone())));
        sources.rows.insert(key, (ledger, file));
        sources.view = None;
        Ok(())
    }

    /// Gives a finished file its final name: the first 16 digits of the SHA-256, more when they are taken, and a number when it was read before.
    fn place_events(&self, ledger: &Ledger, mut temp: NamedTempFile) -> Result<EventFileName, RunError> {
        let is_hash = ledger.sha256.len() == 64 && ledger.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let digits = if is_hash { ledger.sha256.clone() } else { hex_of(&ledger.source_file) };
        for name in EventFileName::of(&digits, READINGS) {
            let path = self.folder().event_file(&name);
            match temp.persist_noclobber(&path) {
                Ok(_) => return Ok(name),
                Err(e) if path.symlink_metadata().is_ok() => temp = e.file,
                Err(e) => return Err(fault("cannot write events into the case", &e.error, &path)),
            }
        }
        Err(RunError::failed(format!("the events of {} are in the case already: {}", ledger.source_file, self.folder().events().display())))
    }

    /// Runs a statement on the one connection.
    pub(super) fn with_db<T>(&self, what: &str, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, RunError> {
        let path = self.folder().database();
        let Some(db) = &self.0.db else { return Err(RunError::failed(format!("{what}: the case is closed: {}", path.display()))) };
        work(&mut held(db)).map_err(|e| fault(what, &e, &path))
    }

    /// Writes a whole copy of the database.
    pub(super) fn copy_database(&self, to: &Path) -> Result<(), RunError> {
        self.with_db("cannot copy the case's database (is the disk full?)", |db| db.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map(|_| ()))
    }

    pub(super) fn kept_sources(&self) -> &Mutex<Sources> {
        &self.0.sources
    }

    pub(super) fn said(&self) -> &Mutex<Said> {
        &self.0.said
    }

    pub(super) fn remember_notice(&self, text: String) {
        held(&self.0.notices).push(Notice { severity: Severity::Warning, text });
    }

    pub(super) fn doom(&self) {
        *held(&self.0.life) = Life::Temporary;
    }
}

/// 64 hex digits that stand for a text.
fn hex_of(text: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        if write!(hex, "{byte:02x}").is_err() {
            unreachable!("a String takes everything");
        }
        hex
    })
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Windows deletes no open file: close the database and the lock first.
        drop(self.db.take());
        drop(self.lock.take());
        if *held(&self.life) == Life::Temporary && fs::remove_dir_all(self.folder.path()).is_err() {
            // A scanner or a snapshot still has a file open: removed at a later start.
        }
    }
}

impl EventSink for Case {
    fn begin(&self, source_file: &str) -> Result<Box<dyn SourceSink>, RunError> {
        Ok(Box::new(Sink::begin(self.clone(), &self.folder().events(), source_file)?))
    }

    fn note(&self, ledger: Ledger) -> Result<(), RunError> {
        self.record(ledger, None)
    }
}
