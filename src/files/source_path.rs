//! The path of a source as a ledger keeps it, when it comes back to be read: a regular file of this machine, or a member of an archive.

use std::fs::File;
use std::path::{Component, Path, PathBuf, Prefix};

/// What stands between an archive's name and a member's.
pub const INSIDE: &str = "!/";

/// A source that can be opened here: an absolute path without `..`, and behind it, for members of archives, the names of the members.
///
/// A case may come from anywhere, and so may the paths in it: what is no such path (relative, a device, a pipe, a share by its plain name) is never
/// opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePath {
    file: PathBuf,
    member: Option<String>,
}

impl SourcePath {
    /// Reads a ledger's `path`.
    ///
    /// # Errors
    /// In words, why nothing here is meant by it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the case does not say where this source was".into());
        }
        if text.contains('\0') || !Path::new(text).is_absolute() {
            return Err("the case names no file of this machine for this source".into());
        }
        // Names of members lead nowhere: they may hold `..`, but only behind an archive that is a file.
        let archives = text.match_indices(INSIDE).filter_map(|(at, mark)| Some((text.get(..at)?, text.get(at + mark.len()..)?)));
        let plain = plain(Path::new(text)).then_some((text, None)).filter(|(file, _)| Path::new(file).exists());
        let member = || archives.map(|(file, member)| (file, Some(member))).find(|(file, _)| self::plain(Path::new(file)) && Path::new(file).is_file());
        let Some((file, member)) = plain.or_else(member) else {
            return Err("the source is away; put it back to see it".into());
        };
        if !Path::new(file).is_file() {
            return Err("what lies there now is no regular file".into());
        }
        Ok(Self { file: file.into(), member: member.map(str::to_owned) })
    }

    /// A file of this machine that was named by the user.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        Self { file: path.to_owned(), member: None }
    }

    /// The file: the source, or the archive it lies in.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The member's name, for a source in an archive.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        self.member.as_deref()
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self) -> std::io::Result<File> {
        File::open(&self.file)
    }
}

/// Whether a path is one that a walk over evidence gives: absolute, without `..`, on a disk or a share and not among devices.
fn plain(path: &Path) -> bool {
    path.is_absolute()
        && path.components().all(|part| match part {
            Component::ParentDir | Component::CurDir => false,
            Component::Prefix(prefix) => matches!(prefix.kind(), Prefix::Disk(_) | Prefix::VerbatimDisk(_) | Prefix::VerbatimUNC(..)),
            Component::RootDir | Component::Normal(_) => true,
        })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_this_machine_are_opened() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let log = home.join("a.evtx");
        std::fs::write(&log, "x").unwrap();
        std::fs::create_dir(home.join("a.evtx!")).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let parsed = SourcePath::parse(&text(&log)).unwrap();
        assert_eq!((parsed.file(), parsed.member()), (log.as_path(), None));
        let member = SourcePath::parse(&format!("{}!/../../b", text(&log))).unwrap();
        assert_eq!((member.file(), member.member()), (log.as_path(), Some("../../b")));
        let away = text(&home.join("gone"));
        for path in ["", "a.evtx", "../a.evtx", r"C:\a.evtx", r"\\host\share\a.evtx", "/dev/zero", "/dev/null", "/", &away, "/a\0b", &text(&home)] {
            assert!(SourcePath::parse(path).is_err(), "{path:?}");
        }
        assert!(SourcePath::parse(&format!("{}/x/../a.evtx", text(&home))).is_err());
    }
}
