//! Where members are unpacked: a folder in the user's cache, gone with the job. What a killed job left is removed by the next one.

use std::fs::{self, File};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::files::{self, NamedTempFile};

const NAME: &str = "unpacked-";
const LOCK: &str = "lock";

/// A job's folder, made when it is first needed.
pub(super) struct RoomFolder {
    dir: PathBuf,
    lock_path: PathBuf,
    lock: Option<File>,
}

/// Room for unpacked members.
pub(in crate::ingest) struct Room {
    places: Vec<PathBuf>,
    folder: Mutex<Option<RoomFolder>>,
}

impl Room {
    /// Room that lies neither in nor beside any of the evidence.
    pub(in crate::ingest) fn new(evidence: &[PathBuf]) -> Self {
        Self { places: away_from(evidence, places()), folder: Mutex::new(None) }
    }

    /// A new file in it.
    ///
    /// # Errors
    /// There is no place that can be written.
    pub(super) fn file(&self) -> Result<NamedTempFile> {
        let mut folder = self.folder.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let dir = if let Some(made) = &*folder {
            made.dir.clone()
        } else {
            let made = self.places.iter().find_map(|place| RoomFolder::make(place).ok());
            let made = made.ok_or_else(|| Error::other("neither the cache nor the temporary folder can be written, so that nothing can be unpacked"))?;
            let dir = made.dir.clone();
            *folder = Some(made);
            dir
        };
        files::private_in(&dir, "member-", "")
    }
}

impl RoomFolder {
    fn make(place: &Path) -> Result<Self> {
        fs::create_dir_all(place)?;
        // Another job may sweep a lock away before it is held: then the next name is tried.
        for _ in 0..8 {
            let (lock, lock_path) = files::private_in(place, NAME, ".lock")?.keep().map_err(|error| error.error)?;
            if lock.try_lock().is_ok() && lock_path.exists() {
                let dir = lock_path.with_extension("");
                fs::create_dir(&dir)?;
                return Ok(Self { dir, lock_path, lock: Some(lock) });
            }
        }
        Err(Error::other("no name was free"))
    }
}

impl Drop for RoomFolder {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.dir);
        // Windows deletes no open file.
        drop(self.lock.take());
        if removed.is_err() || fs::remove_file(&self.lock_path).is_err() {
            // A scanner still has something open: the next job tries again.
        }
    }
}

fn places() -> Vec<PathBuf> {
    files::places("unpacked")
}

/// Those of some places that lie neither in nor beside any of the evidence.
pub(super) fn away_from(evidence: &[PathBuf], places: Vec<PathBuf>) -> Vec<PathBuf> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let evidence: Vec<PathBuf> = evidence.iter().map(|path| real(path)).collect();
    let beside = |place: &Path| {
        let place = real(place);
        evidence.iter().any(|path| place.starts_with(path) || path.parent() == Some(&*place))
    };
    places.into_iter().filter(|place| !beside(place)).collect()
}

/// Removes what killed jobs left.
pub(in crate::ingest) fn sweep() {
    for place in places() {
        sweep_in(&place);
    }
}

fn sweep_in(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NAME)) && path.extension().is_some_and(|ending| ending == LOCK);
        if !ours {
            continue;
        }
        let free = File::options().write(true).open(&path).is_ok_and(|lock| lock.try_lock().is_ok());
        let dir = path.with_extension("");
        if free && (!dir.exists() || fs::remove_dir_all(&dir).is_ok()) && fs::remove_file(&path).is_err() {
            // Somebody was faster.
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_job_and_a_killed_jobs_folder_with_the_next() {
        let place = tempfile::tempdir().unwrap();
        let folder = RoomFolder::make(place.path()).unwrap();
        let dir = folder.dir.clone();
        sweep_in(place.path());
        assert!(dir.is_dir(), "a living job's folder stays");
        drop(folder);
        assert!(fs::read_dir(place.path()).unwrap().next().is_none());
        // A killed job: folder and lock file, but nobody holds the lock.
        fs::create_dir(place.path().join("unpacked-x")).unwrap();
        fs::write(place.path().join("unpacked-x/member-1"), "left").unwrap();
        fs::write(place.path().join("unpacked-x.lock"), "").unwrap();
        fs::write(place.path().join("other"), "stays").unwrap();
        sweep_in(place.path());
        let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["other"]);
    }

    #[test]
    fn no_room_beside_evidence() {
        let cache = places().remove(0);
        assert!(Room::new(std::slice::from_ref(&cache)).places.iter().all(|place| *place != cache));
        assert!(!Room::new(&[PathBuf::from("/nowhere/evidence")]).places.is_empty());
    }
}
