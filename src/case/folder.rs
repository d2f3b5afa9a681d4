//! Making, opening, copying and removing case folders.

use super::lock::lock_within;
use super::store::Inner;
use super::{Case, TEMPORARY, database, fault};
use crate::control::{Control, RunError};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) const DATABASE: &str = "case.sqlite";
pub(super) const LOCK: &str = "case.lock";
pub(super) const EVENTS: &str = "events";
pub(super) const RUNS: &str = "runs";

/// How long a lock is waited for: one that is looked for unsaved cases, or copied into a process just started, is held for a moment.
const MOMENT: Duration = Duration::from_secs(1);
/// How long a case is waited for that was just closed.
const CLOSING: Duration = Duration::from_secs(10);

/// How long a case is meant to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Until somebody deletes it.
    Saved,
    /// Until it is saved elsewhere or discarded; found again after a crash.
    Scratch,
    /// Until its last handle is dropped.
    Temporary,
}

impl Case {
    /// Makes a new case folder and opens it. An empty folder may be there already.
    ///
    /// # Errors
    /// When there is something at `dir`, or it cannot be written.
    pub fn create(dir: &Path) -> Result<Self, RunError> {
        match fs::read_dir(dir) {
            Ok(mut entries) => {
                if is_case(dir) {
                    return Err(RunError::failed(format!("there is a case already; open it, or choose another name: {}", dir.display())));
                }
                if entries.next().is_some() {
                    return Err(RunError::failed(format!("the folder is not empty and no case; choose another name: {}", dir.display())));
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(fault("cannot make a case here", &e, dir)),
        }
        let (parent, name) = place(dir)?;
        fs::create_dir_all(&parent).map_err(|e| fault("cannot make the folder that is to hold the case", &e, &parent))?;
        let temp = staging(&parent, &name)?;
        skeleton(temp.path())?;
        settle(temp, dir)?;
        Self::open(dir)
    }

    /// Whether a folder looks like a case.
    #[must_use]
    pub fn is_case(dir: &Path) -> bool {
        is_case(dir)
    }

    /// Opens a case folder; nothing is parsed again. What a killed run left behind is removed.
    ///
    /// # Errors
    /// When it is not a case, is open elsewhere, is newer than this program, damaged, or cannot be written.
    pub fn open(dir: &Path) -> Result<Self, RunError> {
        Self::open_as(dir, Life::Saved)
    }

    /// The same, of a case that was just closed too: what still reads it lets it go within moments.
    ///
    /// # Errors
    /// As [`Self::open`], and when the job is cancelled.
    pub fn open_once_closed(dir: &Path, control: &Control) -> Result<Self, RunError> {
        Self::open_within(dir, Life::Saved, CLOSING, control)
    }

    pub(super) fn open_as(dir: &Path, life: Life) -> Result<Self, RunError> {
        Self::open_within(dir, life, MOMENT, &Control::silent())
    }

    fn open_within(dir: &Path, life: Life, patience: Duration, control: &Control) -> Result<Self, RunError> {
        let dir = std::path::absolute(dir).map_err(|e| fault("cannot open the case", &e, dir))?;
        if !dir.is_dir() {
            return Err(RunError::failed(format!("there is no such case folder: {}", dir.display())));
        }
        if !is_case(&dir) {
            return Err(RunError::failed(format!("not a case folder (it holds no {DATABASE}): {}", dir.display())));
        }
        let lock = lock_within(&dir, patience, control)?
            .ok_or_else(|| RunError::failed(format!("the case is open in another window or process; close it there first: {}", dir.display())))?;
        let db = database::open(&dir.join(DATABASE))?;
        for folder in [EVENTS, RUNS] {
            let folder = dir.join(folder);
            fs::create_dir_all(&folder).map_err(|e| fault("the case cannot be written; copy it to a place where it can", &e, &folder))?;
        }
        Ok(Self::from(Inner::load(dir, life, lock, db)?))
    }

    /// Refuses a case folder that lies inside evidence: writing there would alter it.
    ///
    /// # Errors
    /// When it does, naming the evidence.
    pub fn refuse_inside(dir: &Path, evidence: &[PathBuf]) -> Result<(), RunError> {
        let dir = real(dir);
        match evidence.iter().find(|folder| folder.is_dir() && !is_case(folder) && dir.starts_with(real(folder))) {
            Some(folder) => Err(RunError::failed(format!(
                "the case would lie inside the evidence folder {} and alter it; choose another place: {}",
                folder.display(),
                dir.display()
            ))),
            None => Ok(()),
        }
    }

    /// Copies the case to a new folder and opens the copy. It appears there whole or not at all.
    ///
    /// # Errors
    /// When there is something at `dir`, it cannot be written, or the job is cancelled.
    pub fn save_as(&self, dir: &Path, control: &Control) -> Result<Self, RunError> {
        if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
            return Err(RunError::failed(format!("there is something already; choose another name: {}", dir.display())));
        }
        if real(dir).starts_with(real(self.dir())) {
            return Err(RunError::failed(format!("a case cannot be saved inside itself; choose another place: {}", dir.display())));
        }
        let (parent, name) = place(dir)?;
        fs::create_dir_all(&parent).map_err(|e| fault("cannot make the folder that is to hold the case", &e, &parent))?;
        let temp = staging(&parent, &name)?;
        self.copy_database(&temp.path().join(DATABASE))?;
        let share = self.is_scratch();
        for folder in [EVENTS, RUNS] {
            copy_tree(&self.dir().join(folder), &temp.path().join(folder), share, control)?;
        }
        settle(temp, dir)?;
        Self::open(dir)
    }

    /// Deletes the case folder once the last handle to it is gone.
    pub fn discard(self) {
        self.doom();
    }
}

/// Whether a folder looks like a case.
pub(super) fn is_case(dir: &Path) -> bool {
    dir.join(DATABASE).is_file()
}

/// The absolute path with its existing part resolved, so that links and `..` hide nothing.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in absolute.ancestors() {
        if let Ok(found) = ancestor.canonicalize() {
            return absolute
                .strip_prefix(ancestor)
                .map_or_else(|_| found.clone(), |rest| if rest.as_os_str().is_empty() { found.clone() } else { found.join(rest) });
        }
    }
    absolute
}

fn place(dir: &Path) -> Result<(PathBuf, String), RunError> {
    let absolute = std::path::absolute(dir).map_err(|e| fault("cannot make a case here", &e, dir))?;
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => Ok((parent.to_owned(), name.to_string_lossy().into_owned())),
        _ => Err(RunError::failed(format!("a case needs a folder name: {}", dir.display()))),
    }
}

fn staging(parent: &Path, name: &str) -> Result<tempfile::TempDir, RunError> {
    let short: String = name.chars().take(40).collect();
    tempfile::Builder::new().prefix(&format!(".{short}-")).suffix(TEMPORARY).tempdir_in(parent).map_err(|e| fault("cannot write here", &e, parent))
}

fn skeleton(dir: &Path) -> Result<(), RunError> {
    for folder in [EVENTS, RUNS] {
        fs::create_dir(dir.join(folder)).map_err(|e| fault("cannot make the case", &e, dir))?;
    }
    database::create(&dir.join(DATABASE))
}

/// Gives a finished folder its final name.
fn settle(temp: tempfile::TempDir, dir: &Path) -> Result<(), RunError> {
    if dir.is_dir() {
        fs::remove_dir(dir).map_err(|e| fault("cannot make the case", &e, dir))?;
    }
    fs::rename(temp.path(), dir).map_err(|e| fault("cannot make the case", &e, dir))?;
    // The folder has moved: there is nothing left to delete.
    let _ = temp.keep();
    Ok(())
}

/// Copies files that never change; `share` lets both folders hold the same file where the file system can.
fn copy_tree(from: &Path, to: &Path, share: bool, control: &Control) -> Result<(), RunError> {
    fs::create_dir_all(to).map_err(|e| fault("cannot copy the case", &e, to))?;
    let entries = fs::read_dir(from).map_err(|e| fault("cannot copy the case", &e, from))?;
    for entry in entries {
        control.check()?;
        let entry = entry.map_err(|e| fault("cannot copy the case", &e, from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name().to_string_lossy().ends_with(TEMPORARY) {
            continue;
        }
        if source.is_dir() {
            copy_tree(&source, &target, share, control)?;
        } else if !share || fs::hard_link(&source, &target).is_err() {
            copy_file(&source, &target, control)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path, control: &Control) -> Result<(), RunError> {
    let full = |e: std::io::Error| fault("cannot copy the case (is the disk full?)", &e, to);
    let mut source = File::open(from).map_err(|e| fault("cannot copy the case", &e, from))?;
    let mut target = File::create_new(to).map_err(full)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        control.check()?;
        let read = source.read(&mut buffer).map_err(|e| fault("cannot copy the case", &e, from))?;
        if read == 0 {
            break;
        }
        target.write_all(&buffer[..read]).map_err(full)?;
    }
    target.sync_all().map_err(full)
}
