//! Files and folders that are not whole yet. What the user gets follows the umask; what only residue reads is private.

use std::io::Result;
use std::path::Path;
pub use tempfile::{NamedTempFile, TempDir, TempPath};

/// Says who may read what is made, at most: the umask takes away from it. Temporary files are private unless told otherwise, temporary folders are not,
/// and both keep that when they are renamed.
fn with_mode<'a>(builder: &mut tempfile::Builder<'a, 'a>, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = (builder, mode);
}

/// A file in `folder` that will be renamed to something the user keeps: as readable as any file the user makes.
///
/// # Errors
/// When the folder cannot be written.
pub fn part(folder: &Path, prefix: &str, suffix: &str) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    with_mode(builder.prefix(prefix).suffix(suffix), 0o666);
    builder.tempfile_in(folder)
}

/// A folder in `folder` that will be renamed to something the user keeps: as readable as any folder the user makes.
///
/// # Errors
/// When the folder cannot be written.
pub fn part_folder(folder: &Path, prefix: &str, suffix: &str) -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    with_mode(builder.prefix(prefix).suffix(suffix), 0o777);
    builder.tempdir_in(folder)
}

/// A private file in the system's temporary folder, gone when it is dropped.
///
/// # Errors
/// When that folder cannot be written.
pub fn private() -> Result<NamedTempFile> {
    NamedTempFile::new()
}

/// A private file in a folder of residue's own.
///
/// # Errors
/// When the folder cannot be written.
pub fn private_in(folder: &Path, prefix: &str, suffix: &str) -> Result<NamedTempFile> {
    tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(folder)
}

/// A private folder, gone when it is dropped: in `folder`, or in the system's temporary folder.
///
/// # Errors
/// When the folder cannot be written.
pub fn private_folder(folder: Option<&Path>, prefix: &str, suffix: &str) -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    with_mode(builder.prefix(prefix).suffix(suffix), 0o700);
    folder.map_or_else(|| builder.tempdir(), |folder| builder.tempdir_in(folder))
}
