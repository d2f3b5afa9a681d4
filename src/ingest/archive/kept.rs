//! Members unpacked to look at single records: a few are kept in the cache folder, so that the next click need not unpack them again.
//!
//! A kept member is named by the SHA-256 of its bytes, which is compared before it is used: what does not match is thrown away. The folder holds at most
//! [`FILES`] members and [`BYTES`] bytes; what was not used for longest goes first.

use super::at;
use super::room::away_from;
use crate::control::Control;
use crate::files::{self, SourcePath, TempPath};
use crate::ingest::error::{ReadError, Result};
use crate::ingest::hash;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

const FILES: usize = 16;
const BYTES: u64 = 2 << 30;
const KIND: &str = "members";

/// What was compared with its hash by this process, and how it looked then: it is not hashed again while it looks the same.
static COMPARED: Mutex<Vec<(PathBuf, u64, SystemTime)>> = Mutex::new(Vec::new());

/// A member's bytes as a file.
pub(in crate::ingest) enum Kept {
    /// In the cache.
    Stays(PathBuf),
    /// Gone with this value: there was no room for it.
    Passes(TempPath, #[allow(dead_code, reason = "the folder goes with it")] super::Room),
}

impl Kept {
    pub(in crate::ingest) fn path(&self) -> &Path {
        match self {
            Self::Stays(path) => path,
            Self::Passes(path, _) => path,
        }
    }
}

/// The bytes of a member of an archive, which have this SHA-256, as a file; none when `path` is a file itself.
///
/// # Errors
/// The archive is away, its member is another one now, there is no room, or the job is cancelled.
pub(in crate::ingest) fn member(path: &SourcePath, sha256: &str, control: &Control) -> Result<Option<Kept>> {
    if path.member().is_none() {
        return Ok(None);
    }
    let named = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
    let place = away_from(&[path.file().to_owned()], files::places(KIND)).into_iter().find(|place| fs::create_dir_all(place).is_ok()).filter(|_| named);
    if let Some(known) = place.as_deref().map(|place| place.join(sha256))
        && is_whole(&known, sha256, control)?
    {
        return Ok(Some(Kept::Stays(known)));
    }
    let Some((unpacked, room)) = at(path, control)? else { return Ok(None) };
    if named && unpacked.sha256 != sha256 {
        return Err(ReadError::archive("the member in the archive is another one now than the one that was read"));
    }
    let Some(place) = place.filter(|_| unpacked.size <= BYTES) else { return Ok(Some(Kept::Passes(unpacked.file, room))) };
    let stays = place.join(sha256);
    match unpacked.file.persist(&stays) {
        Ok(()) => {
            remember(&stays);
            make_room(&place, &stays, FILES, BYTES);
            Ok(Some(Kept::Stays(stays)))
        }
        Err(error) => Ok(Some(Kept::Passes(error.path, room))),
    }
}

/// Whether a kept member is there and has the bytes it is named by; what has not is removed.
fn is_whole(path: &Path, sha256: &str, control: &Control) -> Result<bool> {
    let Some(state) = state(path) else { return Ok(false) };
    let compared = COMPARED.lock().unwrap_or_else(PoisonError::into_inner).contains(&state);
    if !compared {
        let found = File::open(path).map_err(ReadError::from).and_then(|file| hash::sha256(file, control));
        if matches!(found, Err(ReadError::Cancelled)) {
            return Err(ReadError::Cancelled);
        }
        if found.ok().as_deref() != Some(sha256) {
            // What cannot be removed either is unpacked beside it again.
            return Ok(fs::remove_file(path).map(|()| false)?);
        }
    }
    // Used now: it goes last.
    if let Ok(file) = File::options().append(true).open(path)
        && file.set_modified(SystemTime::now()).is_err()
    {
        // It keeps its old time and goes sooner.
    }
    remember(path);
    Ok(true)
}

/// How a file looks; none for what is no regular file.
fn state(path: &Path) -> Option<(PathBuf, u64, SystemTime)> {
    let metadata = path.symlink_metadata().ok().filter(fs::Metadata::is_file)?;
    Some((path.to_owned(), metadata.len(), metadata.modified().ok()?))
}

fn remember(path: &Path) {
    let mut compared = COMPARED.lock().unwrap_or_else(PoisonError::into_inner);
    compared.retain(|(known, ..)| known != path && known.exists());
    compared.extend(state(path));
}

/// Removes the members that were not used for longest until the rest are few enough; `newest` stays.
fn make_room(place: &Path, newest: &Path, files: usize, bytes: u64) {
    let entries = fs::read_dir(place).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut kept: Vec<_> = entries.filter(|path| path != newest).filter_map(|path| state(&path)).collect();
    kept.sort_by_key(|(_, _, used)| std::cmp::Reverse(*used));
    let (mut count, mut sum) = (1_usize, state(newest).map_or(0, |(_, size, _)| size));
    for (path, size, _) in kept {
        count = count.saturating_add(1);
        sum = sum.saturating_add(size);
        if (count > files || sum > bytes) && fs::remove_file(&path).is_err() {
            // Windows removes nothing that is open: the next one tries again.
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_stays_small_and_the_newest_stays() {
        let home = tempfile::tempdir().unwrap();
        let at = |n: u64| home.path().join(format!("{n}"));
        for n in 0..10 {
            fs::write(at(n), vec![0; 100]).unwrap();
            File::options().append(true).open(at(n)).unwrap().set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 - n)).unwrap();
        }
        make_room(home.path(), &at(9), 5, 10_000);
        let left = || (0..10).filter(|n| at(*n).exists()).collect::<Vec<_>>();
        assert_eq!(left(), [0, 1, 2, 3, 9]);
        make_room(home.path(), &at(9), 5, 250);
        assert_eq!(left(), [0, 9]);
    }

    #[test]
    fn what_has_other_bytes_than_its_name_says_is_thrown_away() {
        let home = tempfile::tempdir().unwrap();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let path = home.path().join(hash);
        fs::write(&path, "abc").unwrap();
        assert!(is_whole(&path, hash, &Control::silent()).unwrap() && is_whole(&path, hash, &Control::silent()).unwrap());
        fs::write(&path, "abd!").unwrap();
        assert!(!is_whole(&path, hash, &Control::silent()).unwrap() && !path.exists());
        fs::write(&path, "abc").unwrap();
        let cancelled = Control::silent();
        cancelled.cancel.cancel();
        COMPARED.lock().unwrap().clear();
        assert!(is_whole(&path, hash, &cancelled).is_err() && path.exists());
    }
}
