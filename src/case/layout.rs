//! What a case is, decided in one place: a folder called `NAME.residue` with our database in it and nothing that leads out of it.
//!
//! Anything else is evidence: it is read like any folder, and neither swept nor written to. Nothing here opens the database: SQLite would put files
//! beside it.

use super::database::{APPLICATION, HEADER, MAGIC};
use super::names::{EventFileName, RunId};
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

const DATABASE: &str = "case.sqlite";
const LOCK: &str = "case.lock";
const EVENTS: &str = "events";
const RUNS: &str = "runs";
/// Ending of a case's folder.
pub(super) const ENDING: &str = "residue";
/// What SQLite keeps beside its database.
const BESIDE: [&str; 3] = ["case.sqlite-wal", "case.sqlite-shm", "case.sqlite-journal"];

/// A case's folder, and the one way to a path inside it.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A folder that is to become a case.
    pub(super) fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// The folder, if it is a case's.
    ///
    /// # Errors
    /// In words, why it is none.
    pub(super) fn of_case(dir: &Path) -> Result<Self, String> {
        let real = dir.canonicalize().map_err(|_| "there is no such case folder".to_owned())?;
        if real.extension().is_none_or(|ending| ending != ENDING) {
            return Err(format!("not a case folder (a case is a folder called NAME.{ENDING}; rename it if it is one)"));
        }
        let folder = Self(std::path::absolute(dir).map_err(|e| e.to_string())?);
        if !real.is_dir() {
            return Err("not a case folder (it is a file)".into());
        }
        folder.check()?;
        Ok(folder)
    }

    /// Whether the database is ours, and every part of the case is what it should be and not a link to something else.
    fn check(&self) -> Result<(), String> {
        match self.part(DATABASE) {
            None => return Err(format!("not a case folder (it holds no {DATABASE})")),
            Some(found) if !found.is_file() => return Err(linked(DATABASE, "a file")),
            Some(_) => self.check_header()?,
        }
        for name in [LOCK].into_iter().chain(BESIDE) {
            if self.part(name).is_some_and(|found| !found.is_file()) {
                return Err(linked(name, "a file"));
            }
        }
        for name in [EVENTS, RUNS] {
            if self.part(name).is_some_and(|found| !found.is_dir()) {
                return Err(linked(name, "a folder"));
            }
        }
        Ok(())
    }

    fn check_header(&self) -> Result<(), String> {
        let mut header = [0; HEADER];
        let read = File::open(self.database()).and_then(|mut file| file.read_exact(&mut header));
        if read.is_err() || !header.starts_with(MAGIC) {
            return Err(format!("not a case made by residue, or a damaged one (its {DATABASE} is no SQLite database)"));
        }
        if header.get(68..72) != Some(&APPLICATION.to_be_bytes()[..]) {
            return Err("not a case made by residue (its database is another program's)".into());
        }
        Ok(())
    }

    /// What lies in the folder under a name, links not followed.
    fn part(&self, name: &str) -> Option<Metadata> {
        self.0.join(name).symlink_metadata().ok()
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn database(&self) -> PathBuf {
        self.0.join(DATABASE)
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.0.join(LOCK)
    }

    pub(super) fn events(&self) -> PathBuf {
        self.0.join(EVENTS)
    }

    pub(super) fn runs(&self) -> PathBuf {
        self.0.join(RUNS)
    }

    pub(super) fn event_file(&self, name: &EventFileName) -> PathBuf {
        self.events().join(name.as_str())
    }

    /// A run's folder; one that is a link, or has links in place of its files, is not there.
    pub(super) fn run(&self, id: &RunId) -> PathBuf {
        self.runs().join(id.as_str())
    }
}

fn linked(name: &str, what: &str) -> String {
    format!(
        "the case is damaged: its {name} is not {what} but a link or something else, which residue never makes; nothing was changed; take it away, or use a copy"
    )
}

/// Whether a path is a regular file itself, not a link to one.
pub(super) fn is_own_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}

/// Whether a path is a folder itself, not a link to one.
pub(super) fn is_own_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Deletes what stands at a path: a link itself, never what it leads to. Whether it is gone.
pub(super) fn remove(path: &Path) -> bool {
    if is_own_folder(path) { fs::remove_dir_all(path).is_ok() } else { fs::remove_file(path).is_ok() }
}
