//! Custody and borders: nothing that a case or evidence holds can do harm, and nothing is written where it must not be. Tests are named by their fault.

mod cases;
mod files;
mod hostile;
mod log;
mod outputs;
mod paths;
mod rankings;
mod records;
mod session;

use crate::support::estate;
use residue::case::{Case, Change, Target, Unit};
use residue::control::{Control, RunError};
use residue::domain::{DetectorId, EventKey, Plan};
use residue::engine::{self, Emit, Happening, Work};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock};

/// Says in a child's environment what it is to do.
const TASK: &str = "RESIDUE_CUSTODY_TASK";

/// Hears nothing, or keeps what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<Happening>>);

impl Emit for Heard {
    fn emit(&self, what: Happening) {
        self.0.lock().unwrap().push(what);
    }
}

/// Runs a job here.
fn run(work: Work, control: &Control) -> (Result<(), RunError>, Vec<Happening>) {
    let heard = Heard::default();
    let done = work(control, &heard);
    (done, heard.0.into_inner().unwrap())
}

/// Every file, folder and link below a folder: its bytes, where a link leads, and when a file was changed.
fn state(folder: &Path) -> BTreeMap<PathBuf, (String, Vec<u8>, Option<std::time::SystemTime>)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let about = path.symlink_metadata().unwrap();
        let entry = if about.is_symlink() {
            (format!("link to {}", std::fs::read_link(&path).unwrap().display()), vec![], None)
        } else if about.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            ("folder".into(), vec![], None)
        } else {
            ("file".into(), std::fs::read(&path).unwrap(), about.modified().ok())
        };
        found.insert(path.strip_prefix(folder).unwrap().to_owned(), entry);
    }
    found
}

/// Says what is not as it was.
fn assert_same(before: &BTreeMap<PathBuf, (String, Vec<u8>, Option<std::time::SystemTime>)>, folder: &Path, what: &str) {
    let after = state(folder);
    let gone: Vec<_> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    let new: Vec<_> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    let changed: Vec<_> = before.iter().filter(|(path, entry)| after.get(*path).is_some_and(|now| now != *entry)).map(|(path, _)| path).collect();
    assert!(gone.is_empty() && new.is_empty() && changed.is_empty(), "{what}: gone {gone:?}, new {new:?}, changed {changed:?}");
}

/// Copies a folder as it is.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The smallest logs of the estate, as a folder of evidence.
fn evidence(to: &Path, files: usize) {
    std::fs::create_dir_all(to).unwrap();
    let mut all: Vec<_> = std::fs::read_dir(&estate().evtx).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    all.sort_by_key(|path| (path.metadata().unwrap().len(), path.clone()));
    for path in all.iter().take(files) {
        std::fs::copy(path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A real small case: evidence read, ranked, annotated, exported. Made once; work on a copy.
fn pristine() -> &'static (tempfile::TempDir, PathBuf) {
    static CASE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    CASE.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        let logs = home.path().join("logs");
        evidence(&logs, 3);
        let dir = home.path().join("pristine.residue");
        let case = Case::create(&dir).unwrap();
        engine::read_into(&case, std::slice::from_ref(&logs), None, &Control::silent()).unwrap();
        let plan = Plan { detectors: vec![DetectorId::Fields], ..Plan::standard() };
        let analysis = engine::analyse(&case, &plan, engine::Keep::Runs, &Control::silent(), &Heard::default()).unwrap();
        assert_eq!(analysis.rankings.len(), 1);
        let source = case.sources().iter().position(|source| source.events > 0).unwrap();
        let target = Target::new(Unit::Subject, &case.sources()[source], EventKey { source: source as u32, part: 0, record: 1 });
        case.annotate(std::slice::from_ref(&target), &Change { flag: Some(true), note: Some("seen".into()), add_tags: vec!["c2".into()], ..Change::default() })
            .unwrap();
        case.set_setting("window", r#"{"title":"a title","detector":"fields"}"#).unwrap();
        case.set_setting("analyst", "Ada").unwrap();
        case.log("export", &serde_json::json!({ "file": "/somewhere/x.csv", "rows": 1, "part": "all" })).unwrap();
        drop(case);
        (home, dir)
    })
}

/// A folder outside of a case that must be there, as it was, at the end: it holds what a sweep or a pruning would take for its own.
fn sentinel(at: &Path) {
    for folder in ["fields-1", "run-x.tmp", "runs/fields-1", "events"] {
        std::fs::create_dir_all(at.join(folder)).unwrap();
        std::fs::write(at.join(folder).join("mine.txt"), "precious").unwrap();
    }
    for file in ["0123456789abcdef.parquet", "events/0123456789abcdef.parquet", "x.tmp", "case.lock", "notes.txt"] {
        std::fs::write(at.join(file), "precious").unwrap();
    }
}

/// Runs this binary's ignored test `name` in a process of its own, with its own cache.
fn child(name: &str, task: &str, home: &Path) -> Output {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", name, "--ignored", "--test-threads=1", "--nocapture"]);
    child.env(TASK, task).env("XDG_CACHE_HOME", home.join("cache")).env("HOME", home).env("TMPDIR", home).env_remove("RUST_BACKTRACE");
    child.output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
