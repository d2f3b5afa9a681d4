//! Finds the files under the arguments: recursively, sorted, never through symbolic links.

use crate::control::{Control, RunError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Deepest folder that is entered, counted from the argument.
const MAX_DEPTH: usize = 128;

/// One file, or something in a file's place that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Path relative to the argument's parent, `/`-separated, control characters escaped.
    pub(super) source_file: String,
    /// Absolute path.
    pub(super) path: PathBuf,
    /// Why it cannot be read, when the walk knows already.
    pub(super) refused: Option<Refused>,
}

/// Why something found is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not a regular file; not evidence.
    Special(String),
    /// Should have been read, but the system does not let us.
    Unreadable(String),
}

/// Everything under `paths`, each file once, sorted by `source_file`.
pub(super) fn find(paths: &[PathBuf], control: &Control) -> Result<Vec<Found>, RunError> {
    // One file may be reached through several arguments: the longest name says most about where it stood.
    let mut by_path: BTreeMap<PathBuf, Found> = BTreeMap::new();
    for argument in paths {
        let mut found = Vec::new();
        match argument.canonicalize() {
            Ok(root) => {
                let base = root.parent().unwrap_or(&root).to_path_buf();
                walk(&base, &root, control, &mut found)?;
            }
            Err(error) => found.push(Found {
                source_file: plain(&argument.to_string_lossy()),
                path: argument.clone(),
                refused: Some(Refused::Unreadable(format!("cannot be opened ({error}); check the path"))),
            }),
        }
        for item in found {
            let better = by_path.get(&item.path).is_none_or(|old| rank(&item) > rank(old));
            if better {
                by_path.insert(item.path.clone(), item);
            }
        }
    }
    let mut all: Vec<Found> = by_path.into_values().collect();
    all.sort_by(|a, b| (&a.source_file, &a.path).cmp(&(&b.source_file, &b.path)));
    Ok(all)
}

fn rank(found: &Found) -> (usize, &str) {
    (found.source_file.len(), &found.source_file)
}

fn walk(base: &Path, root: &Path, control: &Control, found: &mut Vec<Found>) -> Result<(), RunError> {
    let mut stack = vec![(root.to_path_buf(), 0)];
    while let Some((path, depth)) = stack.pop() {
        control.check()?;
        let refuse = |refused| Found { source_file: name(base, &path), path: path.clone(), refused };
        let kind = match path.symlink_metadata() {
            Ok(metadata) => metadata.file_type(),
            Err(error) => {
                found.push(refuse(Some(Refused::Unreadable(format!("cannot be opened ({error})")))));
                continue;
            }
        };
        if kind.is_symlink() {
            found.push(refuse(Some(Refused::Special("a symbolic link, which is not followed: name its target to read it".into()))));
        } else if kind.is_file() {
            found.push(refuse(None));
        } else if !kind.is_dir() {
            found.push(refuse(Some(Refused::Special("neither a file nor a folder".into()))));
        } else if depth >= MAX_DEPTH {
            found.push(refuse(Some(Refused::Unreadable(format!("a folder more than {MAX_DEPTH} folders deep: name it to read it")))));
        } else {
            match std::fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
                Ok(entries) => stack.extend(entries.into_iter().map(|entry| (entry.path(), depth + 1))),
                Err(error) => found.push(refuse(Some(Refused::Unreadable(format!("the folder cannot be listed ({error})"))))),
            }
        }
    }
    Ok(())
}

fn name(base: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(base).unwrap_or(path);
    let parts: Vec<String> = relative.components().map(|part| plain(&part.as_os_str().to_string_lossy())).collect();
    parts.join("/")
}

/// Control characters in file names come from evidence: escaped, since the name is printed.
pub(super) fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(paths: &[PathBuf]) -> Vec<String> {
        find(paths, &Control::silent()).unwrap().into_iter().map(|f| f.source_file).collect()
    }

    #[test]
    fn names_are_relative_to_the_arguments_parent_and_each_file_is_found_once() {
        let dir = tempfile::tempdir().unwrap();
        let case = dir.path().join("case");
        fs::create_dir_all(case.join("sub")).unwrap();
        fs::write(case.join("b.evtx"), "b").unwrap();
        fs::write(case.join("sub/a.evtx"), "a").unwrap();
        let expected = ["case/b.evtx", "case/sub/a.evtx"];
        assert_eq!(names(std::slice::from_ref(&case)), expected);
        assert_eq!(names(&[case.join("sub/..")]), expected);
        assert_eq!(names(&[case.join("b.evtx"), case.clone(), case.join("sub")]), expected);
        assert_eq!(names(&[case.join("b.evtx")]), ["b.evtx"]);
        assert_eq!(names(&[case.join("sub").join("")]), ["sub/a.evtx"]);
    }

    #[test]
    fn what_is_not_there_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let found = find(&[dir.path().join("nothing")], &Control::silent()).unwrap();
        assert!(matches!(&found[0].refused, Some(Refused::Unreadable(why)) if why.contains("check the path")));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let case = dir.path().join("case");
        fs::create_dir_all(&case).unwrap();
        fs::write(dir.path().join("outside"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path(), case.join("loop")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("outside"), case.join("out")).unwrap();
        let found = find(&[case], &Control::silent()).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|f| matches!(f.refused, Some(Refused::Special(_)))));
    }
}
