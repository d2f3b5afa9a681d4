//! Where the user's files go: never into evidence, nor into a case.

use crate::control::RunError;
use crate::domain::Ledger;
use std::path::{Component, Path, PathBuf};

/// Links followed one after the other before they count as a circle.
const LINKS: usize = 40;

/// What must stay as it is: sources and all that lies in them, cases, files that a job reads.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    kept: Vec<Kept>,
}

/// One place that must stay as it is.
#[derive(Clone, Debug)]
struct Kept {
    real: PathBuf,
    what: &'static str,
}

impl Evidence {
    /// Files and folders of evidence.
    #[must_use]
    pub fn of<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self::default().and("evidence", paths)
    }

    /// And these files, which a job reads: what was given is not overwritten either.
    #[must_use]
    pub fn and_inputs<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        self.and("input", paths)
    }

    /// And a case: its folder and the evidence that was given to it.
    #[must_use]
    pub fn and_case(self, dir: &Path, ledger: &[Ledger]) -> Self {
        self.and("case", [dir]).and_ledger(ledger)
    }

    /// And the evidence that a ledger speaks of.
    #[must_use]
    pub fn and_ledger(self, ledger: &[Ledger]) -> Self {
        let mut roots: Vec<PathBuf> = ledger.iter().filter_map(root).collect();
        roots.sort();
        roots.dedup();
        self.and("evidence", roots)
    }

    /// And these places, called so in messages.
    #[must_use]
    pub fn and<P: AsRef<Path>>(mut self, what: &'static str, paths: impl IntoIterator<Item = P>) -> Self {
        // What cannot be resolved is not there: nothing can lie in it.
        self.kept.extend(paths.into_iter().filter_map(|path| Some(Kept { real: resolve(path.as_ref()).ok()?, what })));
        self
    }

    /// Whether a path is evidence, or lies in a folder of it.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        resolve(path).is_ok_and(|real| self.kept.iter().any(|kept| kept.what == "evidence" && lies_in(&real, &kept.real)))
    }

    fn holder(&self, real: &Path) -> Option<&Kept> {
        let linked = linked(real);
        self.kept.iter().find(|kept| lies_in(real, &kept.real) || linked.is_some_and(|id| holds_link(&kept.real, id)))
    }
}

/// The file or folder that was given when a source was read: its `source_file` counts from there.
fn root(source: &Ledger) -> Option<PathBuf> {
    let path = Path::new(&source.path);
    if !path.is_absolute() {
        return None;
    }
    let below = Path::new(&source.source_file).components().count().saturating_sub(1);
    let root = path.ancestors().nth(below)?;
    // A member of an archive that was given by itself: `a.zip!` is the archive `a.zip`.
    let archive = root.to_str().and_then(|text| text.strip_suffix('!')).map(PathBuf::from);
    Some(archive.filter(|archive| !root.exists() && archive.exists()).unwrap_or_else(|| root.to_owned()))
}

/// A place for what residue writes for the user: a file or a folder that is, and lies in, neither evidence nor a case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutputPath(PathBuf);

impl OutputPath {
    /// Checks a path, links and `..` resolved, also where nothing is there yet.
    ///
    /// # Errors
    /// When it is, or lies in, something that must stay as it is; the text says what, and what to do.
    pub fn new(path: &Path, evidence: &Evidence) -> Result<Self, RunError> {
        let real = resolve(path).map_err(|why| RunError::failed(format!("nothing can be written here: {why}: {}", path.display())))?;
        if let Some(kept) = evidence.holder(&real) {
            let text = if real == kept.real {
                format!("the output is the {} itself and would replace it; choose another place: {}", kept.what, path.display())
            } else {
                format!("the output would lie inside the {} {} and alter it; choose another place: {}", kept.what, kept.real.display(), path.display())
            };
            return Err(RunError::failed(text));
        }
        if let Some(case) = case_around(&real) {
            let text = format!("the output would lie inside the case {} and alter it; choose another place: {}", case.display(), path.display());
            return Err(RunError::failed(text));
        }
        Ok(Self(path.to_owned()))
    }

    /// Only looks whether a path lies in evidence: for residue's own folders, such as a case that exists.
    ///
    /// # Errors
    /// When it does.
    pub fn outside(path: &Path, evidence: &Evidence) -> Result<(), RunError> {
        match evidence.kept.iter().find(|kept| kept.what == "evidence" && resolve(path).is_ok_and(|real| lies_in(&real, &kept.real))) {
            Some(kept) => Err(RunError::failed(format!(
                "the case would lie inside the evidence {} and alter it; choose another place: {}",
                kept.real.display(),
                path.display()
            ))),
            None => Ok(()),
        }
    }

    /// The path, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// For messages.
    pub fn display(&self) -> std::path::Display<'_> {
        self.0.display()
    }

    /// A file in this folder.
    #[must_use]
    pub fn file(&self, name: &str) -> Self {
        debug_assert!(Path::new(name).components().count() == 1 && !name.contains(".."));
        Self(self.0.join(name))
    }

    /// Makes the folder, and looks again where it lies: links may have changed meanwhile.
    ///
    /// # Errors
    /// When it cannot be made, or no longer lies where it may.
    pub fn make_folder(&self, evidence: &Evidence) -> Result<(), RunError> {
        std::fs::create_dir_all(&self.0).map_err(|e| RunError::failed(format!("cannot make the output folder ({e}): {}", self.0.display())))?;
        Self::new(&self.0, evidence).map(drop)
    }
}

impl std::fmt::Display for OutputPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.display().fmt(f)
    }
}

/// The case folder that a path lies in.
fn case_around(real: &Path) -> Option<&Path> {
    real.ancestors().find(|folder| folder.extension().is_some_and(|ending| ending == "residue") && folder.join("case.sqlite").is_file())
}

/// Where a path leads: absolute, its existing part resolved, links that lead to nothing yet followed.
fn resolve(path: &Path) -> Result<PathBuf, String> {
    let mut path = std::path::absolute(path).map_err(|e| e.to_string())?;
    for _ in 0..LINKS {
        let Some(there) = path.ancestors().find(|ancestor| ancestor.symlink_metadata().is_ok()) else { return Ok(path) };
        let rest = path.strip_prefix(there).map_err(|e| e.to_string())?;
        if rest.components().any(|part| part == Component::ParentDir) {
            return Err("the path goes through a folder that is not there and back by `..`; name the place directly".into());
        }
        if let Ok(real) = there.canonicalize() {
            return Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
        }
        let target = std::fs::read_link(there).map_err(|e| e.to_string())?;
        let led = there.parent().unwrap_or(there).join(target);
        // Joining nothing would put a slash behind the link, and ask for what it leads to instead of for itself.
        path = if rest.as_os_str().is_empty() { led } else { led.join(rest) };
    }
    Err("its links lead in a circle".into())
}

/// Whether a resolved path is a resolved folder or file, or lies in it.
fn lies_in(path: &Path, folder: &Path) -> bool {
    let mut parts = path.components();
    folder.components().all(|own| parts.next().is_some_and(|part| same(part, own)))
}

/// Whether two parts of paths name the same, as the system sees it.
fn same(a: Component<'_>, b: Component<'_>) -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        // Case does not count there; on Windows a name may be followed by the name of a stream of the same file.
        let folded = |part: Component<'_>| {
            let text = part.as_os_str().to_string_lossy().to_lowercase();
            match part {
                Component::Normal(_) if cfg!(windows) => text.split(':').next().unwrap_or_default().to_owned(),
                _ => text,
            }
        };
        folded(a) == folded(b)
    } else {
        a == b
    }
}

/// What names a file whatever its name: device and number.
type FileId = (u64, u64);

/// The identity of an existing file that has more than one name.
fn linked(path: &Path) -> Option<FileId> {
    let metadata = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    id(&metadata).filter(|(_, names)| *names > 1).map(|(id, _)| id)
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
fn id(metadata: &std::fs::Metadata) -> Option<(FileId, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some(((metadata.dev(), metadata.ino()), metadata.nlink()))
}

/// Elsewhere a file's identity cannot be asked for; an output never writes through a second name, it replaces it.
#[cfg(not(unix))]
fn id(_: &std::fs::Metadata) -> Option<(FileId, u64)> {
    None
}

/// Whether one of the names of a file stands in `place`.
fn holds_link(place: &Path, wanted: FileId) -> bool {
    let mut waiting = vec![place.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            waiting.extend(std::fs::read_dir(&path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())));
        } else if metadata.is_file() && id(&metadata).is_some_and(|(id, _)| id == wanted) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path, evidence: &Evidence) -> bool {
        OutputPath::new(path, evidence).is_err()
    }

    #[test]
    fn what_lies_in_evidence_is_refused_whatever_the_way_there() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("evidence");
        std::fs::create_dir_all(folder.join("deep")).unwrap();
        std::fs::write(folder.join("deep/a.evtx"), "x").unwrap();
        let evidence = Evidence::of([&folder]);
        for inside in ["", "new", "new/er", "deep/a.evtx", "deep/../x", "deep/a.evtx/x"] {
            assert!(refused(&folder.join(inside), &evidence), "{inside}");
        }
        for outside in ["evidence2", "results", "a/b/c", "evidence/../results", "evidence.csv"] {
            assert!(!refused(&home.path().join(outside), &evidence), "{outside}");
        }
        // A folder around evidence is a place, evidence itself is none.
        assert!(!refused(home.path(), &evidence));
        assert!(refused(&home.path().join("new/../evidence/x"), &evidence));
        let file = Evidence::of([folder.join("deep/a.evtx")]);
        assert!(refused(&folder.join("deep/a.evtx"), &file) && !refused(&folder.join("deep/b.csv"), &file));
    }

    #[cfg(unix)]
    #[test]
    fn links_of_every_kind_hide_nothing() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::create_dir(at("evidence")).unwrap();
        std::fs::write(at("evidence/a.evtx"), "x").unwrap();
        symlink(at("evidence"), at("link")).unwrap();
        symlink(at("evidence/not yet"), at("dangling")).unwrap();
        symlink("evidence/not yet", at("relative")).unwrap();
        symlink(at("circle"), at("circle")).unwrap();
        symlink(at("evidence/a.evtx"), at("file.csv")).unwrap();
        std::fs::hard_link(at("evidence/a.evtx"), at("hard.csv")).unwrap();
        let evidence = Evidence::of([at("evidence")]);
        for path in ["link", "link/new", "dangling", "dangling/new", "relative/new", "circle", "circle/x", "file.csv", "hard.csv"] {
            assert!(refused(&at(path), &evidence), "{path}");
        }
        // Evidence that was given by a link is the same evidence.
        assert!(refused(&at("evidence/new"), &Evidence::of([at("link")])));
        std::fs::hard_link(at("hard.csv"), at("third.csv")).unwrap();
        assert!(!refused(&at("third.csv"), &Evidence::default()));
    }

    #[test]
    fn a_ledger_knows_what_was_given() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::create_dir_all(at("E/sub")).unwrap();
        std::fs::write(at("E/sub/a.zip"), "x").unwrap();
        std::fs::write(at("b.zip"), "x").unwrap();
        let row =
            |source_file: &str, path: &str| Ledger { source_file: source_file.into(), path: format!("{}/{path}", home.path().display()), ..Ledger::default() };
        let cases = [
            (row("E/sub/a.zip!/c/d.evtx", "E/sub/a.zip!/c/d.evtx"), "E"),
            (row("E/sub/a.zip", "E/sub/a.zip"), "E"),
            (row("b.zip!/../c.csv", "b.zip!/../c.csv"), "b.zip"),
            (row("b.zip", "b.zip"), "b.zip"),
        ];
        for (row, expected) in cases {
            assert_eq!(root(&row), Some(at(expected)), "{}", row.source_file);
            assert!(refused(&at(expected), &Evidence::default().and_ledger(&[row])));
        }
        assert_eq!(root(&Ledger { source_file: "x".into(), path: "x".into(), ..Ledger::default() }), None);
    }

    #[test]
    fn nothing_goes_into_a_case() {
        let home = tempfile::tempdir().unwrap();
        let case = home.path().join("a.residue");
        std::fs::create_dir(&case).unwrap();
        assert!(!refused(&case.join("x.csv"), &Evidence::default()));
        std::fs::write(case.join("case.sqlite"), "").unwrap();
        assert!(refused(&case.join("x.csv"), &Evidence::default()) && refused(&case, &Evidence::default()));
    }
}
