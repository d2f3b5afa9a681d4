//! Cases that nobody has saved yet: in the user's cache, found again after a crash.

use super::folder::Life;
use super::layout::{Folder, is_own_folder};
use super::lock::lock;
use super::{Case, fault};
use crate::control::RunError;
use crate::files;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const SCRATCH: &str = "scratch-";
const JOB: &str = "job-";
const ENDING: &str = ".residue";

/// An unsaved case that a crash left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its folder, for [`Case::recover`] or [`Case::remove_leftover`].
    pub dir: PathBuf,
    /// When it was last used.
    pub used: Option<SystemTime>,
}

impl Case {
    /// Makes a case in the user's cache (in the temporary folder, with a notice, when there is none that can be written). It is kept until it is
    /// saved or discarded.
    ///
    /// # Errors
    /// When neither place can be written.
    pub fn scratch() -> Result<Self, RunError> {
        Self::somewhere(SCRATCH, Life::Scratch)
    }

    /// Makes a case for one job, deleted when its last handle is dropped; those of killed jobs are removed here.
    ///
    /// # Errors
    /// When neither the cache nor the temporary folder can be written.
    pub fn temporary() -> Result<Self, RunError> {
        for dir in abandoned(&places(), JOB) {
            remove(&dir);
        }
        Self::somewhere(JOB, Life::Temporary)
    }

    /// Unsaved cases of processes that are gone, newest first.
    #[must_use]
    pub fn leftovers() -> Vec<Leftover> {
        let mut found: Vec<_> = abandoned(&places(), SCRATCH)
            .into_iter()
            .map(|dir| Leftover { used: fs::metadata(Folder::new(&dir).lock()).and_then(|m| m.modified()).ok(), dir })
            .collect();
        found.sort_by(|a, b| (b.used, &a.dir).cmp(&(a.used, &b.dir)));
        found
    }

    /// Opens an unsaved case that a crash left behind; it stays a scratch case.
    ///
    /// # Errors
    /// As [`Case::open`].
    pub fn recover(leftover: &Leftover) -> Result<Self, RunError> {
        Self::open_as(&leftover.dir, Life::Scratch)
    }

    /// Deletes an unsaved case that a crash left behind, unless somebody has opened it meanwhile.
    pub fn remove_leftover(leftover: &Leftover) {
        remove(&leftover.dir);
    }

    fn somewhere(kind: &str, life: Life) -> Result<Self, RunError> {
        let places = places();
        let mut first = None;
        for base in &places {
            match Self::scratch_in(base, kind, life) {
                Ok(case) => {
                    if let Some(e) = first {
                        case.remember_notice(format!("the user's cache cannot be written ({e}); the unsaved case lies in {}", base.display()));
                    }
                    return Ok(case);
                }
                Err(e) => first = first.or(Some(e)),
            }
        }
        Err(first.unwrap_or_else(|| RunError::failed("there is neither a cache nor a temporary folder for an unsaved case; save to a case folder instead")))
    }

    fn scratch_in(base: &Path, kind: &str, life: Life) -> Result<Self, RunError> {
        fs::create_dir_all(base).map_err(|e| fault("cannot make the cache folder", &e, base))?;
        let dir = files::private_folder(Some(base), kind, ENDING).map_err(|e| fault("cannot write in the cache folder", &e, base))?;
        Self::make_private(dir.path())?;
        Self::open_as(&dir.keep(), life)
    }
}

fn places() -> Vec<PathBuf> {
    files::places("cases")
}

/// A folder of ours that lies in one of the places itself: no link, and called as such a case is.
fn own(dir: &Path, places: &[PathBuf], kinds: &[&str]) -> Option<Folder> {
    let named = dir.file_name().is_some_and(|name| kinds.iter().any(|kind| name.to_string_lossy().starts_with(kind)));
    let placed = dir.parent().is_some_and(|parent| places.iter().any(|place| place == parent));
    (named && placed && is_own_folder(dir)).then(|| Folder::of_case(dir).ok()).flatten()
}

fn abandoned(places: &[PathBuf], kind: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = places
        .iter()
        .filter_map(|base| fs::read_dir(base).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|dir| own(dir, places, &[kind]).is_some_and(|folder| matches!(lock(&folder), Ok(Some(_)))))
        .collect();
    found.sort();
    found
}

fn remove(dir: &Path) {
    let Some(folder) = own(dir, &places(), &[SCRATCH, JOB]) else { return };
    if let Ok(Some(held)) = lock(&folder) {
        // Windows deletes no file that is open; the lock has done its work.
        drop(held);
        if fs::remove_dir_all(dir).is_err() {
            // Still in use by a scanner or an indexer: the next start tries again.
        }
    }
}
