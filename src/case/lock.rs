//! The lock of a case folder: held while the case is open, released by the system when the process ends, however it ends.

use super::fault;
use super::layout::Folder;
use crate::control::{Control, RunError};
use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

/// Takes a folder's lock; `None` when somebody else has it.
pub(super) fn lock(folder: &Folder) -> Result<Option<File>, RunError> {
    let path = folder.lock();
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| fault("the case cannot be written; copy it to a place where it can", &e, &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // Some network file systems know no locks.
        Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => Ok(Some(file)),
        Err(TryLockError::Error(e)) => Err(fault("cannot lock the case", &e, &path)),
    }
}

/// The same, asked again until it is free or patience is at its end: no system waits for a file's lock for a limited time.
pub(super) fn lock_within(folder: &Folder, patience: Duration, control: &Control) -> Result<Option<File>, RunError> {
    const AGAIN: Duration = Duration::from_millis(10);
    let begin = Instant::now();
    loop {
        let taken = lock(folder)?;
        if taken.is_some() || begin.elapsed() >= patience {
            return Ok(taken);
        }
        control.check()?;
        std::thread::park_timeout(AGAIN);
    }
}
