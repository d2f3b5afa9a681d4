//! A file that appears under its name only when it is whole.

use super::{NamedTempFile, OutputPath, part};
use anyhow::{Context, Result};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// How the names of unfinished files begin.
const PREFIX: &str = ".residue-part-";

/// A buffered file under a passing name beside its final one. Dropping it unfinished removes it.
pub struct AtomicFile {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl AtomicFile {
    /// Begins the file that will stand at `path`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(path: &OutputPath) -> Result<Self> {
        Self::at(path.path())
    }

    fn at(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = part(folder, PREFIX, "").with_context(|| format!("cannot write into {}", folder.display()))?;
        Ok(Self { file: BufWriter::with_capacity(1 << 18, file), path: path.to_owned() })
    }

    /// Puts the file under its final name, replacing what stands there.
    ///
    /// # Errors
    /// When the rest cannot be written (disk full) or the name cannot be taken.
    pub fn finish(self) -> Result<()> {
        let shown = self.path.display().to_string();
        let file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(|| format!("cannot finish writing {shown}"))?;
        file.as_file().sync_all().with_context(|| format!("cannot finish writing {shown}"))?;
        file.persist(&self.path).map(drop).with_context(|| format!("cannot write {shown}"))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Writes a small file whole or not at all, and its folder where it is missing: models, preferences, mappings, whose place was decided before.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = part(folder, PREFIX, "")?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Removes what killed runs left unfinished in a folder; says how many files that were.
///
/// # Errors
/// When the folder cannot be read or a leftover cannot be removed.
pub fn remove_leftovers(folder: &Path) -> Result<usize> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            std::fs::remove_file(entry.path()).with_context(|| format!("cannot remove the unfinished {}", entry.path().display()))?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stands_under_the_name_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut file = AtomicFile::at(&path).unwrap();
        file.write_all(b"x").unwrap();
        assert!(!path.exists());
        file.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"x");
        drop(AtomicFile::at(&path).unwrap());
        write_whole(&folder.path().join("b/c"), b"y").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(format!("{PREFIX}abc")), "half").unwrap();
        std::fs::write(folder.path().join("mine.txt"), "whole").unwrap();
        assert_eq!(remove_leftovers(folder.path()).unwrap(), 1);
        assert!(folder.path().join("mine.txt").exists());
    }
}
