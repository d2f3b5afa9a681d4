//! Making, opening, copying and removing case folders.

use super::contents::Contents;
use super::layout::{ENDING, Folder, is_own_folder};
use super::lock::lock_within;
use super::store::Inner;
use super::{Case, TEMPORARY, database, fault};
use crate::control::{Control, RunError};
use crate::files::{self, Evidence, OutputPath};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// When there is something at `dir`, it is not called `NAME.residue`, or it cannot be written.
    pub fn create(dir: &Path) -> Result<Self, RunError> {
        Self::make(dir, files::part_folder)?;
        Self::open(dir)
    }

    /// Makes one that nobody else may read: an unsaved one.
    pub(super) fn make_private(dir: &Path) -> Result<(), RunError> {
        Self::make(dir, |parent, prefix, suffix| files::private_folder(Some(parent), prefix, suffix))
    }

    fn make(dir: &Path, folder: Maker) -> Result<(), RunError> {
        if dir.extension().is_none_or(|ending| ending != ENDING) {
            return Err(RunError::failed(format!("a case is a folder called NAME.{ENDING}; choose such a name: {}", dir.display())));
        }
        match fs::read_dir(dir) {
            Ok(mut entries) => {
                if Self::is_case(dir) {
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
        let temp = staging(&parent, &name, folder)?;
        skeleton(&Folder::new(temp.path()))?;
        settle(temp, dir)
    }

    /// Whether a path is a case: a folder called `NAME.residue` that holds our database and nothing that leads out of it. Anything else is evidence.
    /// Nothing is written and no file put beside the database to find out.
    #[must_use]
    pub fn is_case(dir: &Path) -> bool {
        Folder::of_case(dir).is_ok()
    }

    /// Whether a path is to be opened as a case: it is one, and lies in none of the evidence that was given.
    #[must_use]
    pub fn is_case_outside(dir: &Path, evidence: &Evidence) -> bool {
        Self::is_case(dir) && !evidence.holds(dir)
    }

    /// What must stay as it is when something is written because of this case: its folder, and the evidence that was given to it.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        Evidence::default().and_case(self.dir(), &self.sources())
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
        let folder = Folder::of_case(dir).map_err(|why| RunError::failed(format!("{why}: {}", dir.display())))?;
        let locked_before = folder.lock().symlink_metadata().is_ok();
        let lock = lock_within(&folder, patience, control)?
            .ok_or_else(|| RunError::failed(format!("the case is open in another window or process; close it there first: {}", dir.display())))?;
        // All of it is read before anything in it is written or removed.
        let contents = match Contents::read(&folder) {
            Ok(contents) => contents,
            Err(error) => {
                drop(lock);
                if !locked_before && fs::remove_file(folder.lock()).is_err() {
                    // An empty lock file stays: it says nothing.
                }
                return Err(error);
            }
        };
        let db = database::open(&folder.database())?;
        for folder in [folder.events(), folder.runs()] {
            fs::create_dir_all(&folder).map_err(|e| fault("the case cannot be written; copy it to a place where it can", &e, &folder))?;
        }
        Ok(Self::from(Inner::new(folder, life, lock, db, contents)))
    }

    /// Copies the case to a new folder and opens the copy. It appears there whole or not at all.
    ///
    /// # Errors
    /// When there is something at `dir`, it cannot be written, or the job is cancelled.
    pub fn save_as(&self, dir: &Path, control: &Control) -> Result<Self, RunError> {
        if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
            return Err(RunError::failed(format!("there is something already; choose another name: {}", dir.display())));
        }
        if dir.extension().is_none_or(|ending| ending != ENDING) {
            return Err(RunError::failed(format!("a case is a folder called NAME.{ENDING}; choose such a name: {}", dir.display())));
        }
        OutputPath::new(dir, &self.evidence())?;
        let (parent, name) = place(dir)?;
        fs::create_dir_all(&parent).map_err(|e| fault("cannot make the folder that is to hold the case", &e, &parent))?;
        let temp = staging(&parent, &name, files::part_folder)?;
        let (own, copy, share) = (self.folder(), Folder::new(temp.path()), self.is_scratch());
        self.copy_database(&copy.database())?;
        for (from, to) in [(own.events(), copy.events()), (own.runs(), copy.runs())] {
            copy_tree(&from, &to, share, control)?;
        }
        settle(temp, dir)?;
        Self::open(dir)
    }

    /// Deletes the case folder once the last handle to it is gone.
    pub fn discard(self) {
        self.doom();
    }
}

fn place(dir: &Path) -> Result<(PathBuf, String), RunError> {
    let absolute = std::path::absolute(dir).map_err(|e| fault("cannot make a case here", &e, dir))?;
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => Ok((parent.to_owned(), name.to_string_lossy().into_owned())),
        _ => Err(RunError::failed(format!("a case needs a folder name: {}", dir.display()))),
    }
}

/// How the folder is made that is to become a case.
type Maker = fn(&Path, &str, &str) -> std::io::Result<files::TempDir>;

fn staging(parent: &Path, name: &str, folder: Maker) -> Result<files::TempDir, RunError> {
    let short: String = name.chars().take(40).collect();
    folder(parent, &format!(".{short}-"), TEMPORARY).map_err(|e| fault("cannot write here", &e, parent))
}

fn skeleton(folder: &Folder) -> Result<(), RunError> {
    for dir in [folder.events(), folder.runs()] {
        fs::create_dir(&dir).map_err(|e| fault("cannot make the case", &e, &dir))?;
    }
    database::create(&folder.database())
}

/// Gives a finished folder its final name.
fn settle(temp: files::TempDir, dir: &Path) -> Result<(), RunError> {
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
    if !is_own_folder(from) {
        return Err(RunError::failed(format!("the case is damaged: this is no folder of its own, and nothing was saved; take it away: {}", from.display())));
    }
    let entries = fs::read_dir(from).map_err(|e| fault("cannot copy the case", &e, from))?;
    for entry in entries {
        control.check()?;
        let entry = entry.map_err(|e| fault("cannot copy the case", &e, from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name().to_string_lossy().ends_with(TEMPORARY) {
            continue;
        }
        let kind = entry.file_type().map_err(|e| fault("cannot copy the case", &e, &source))?;
        if kind.is_dir() {
            copy_tree(&source, &target, share, control)?;
        } else if !kind.is_file() {
            return Err(RunError::failed(format!(
                "the case is damaged: this is neither a file nor a folder of its own, so it was not copied and nothing was saved; take it away: {}",
                source.display()
            )));
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
