//! Unsaved cases: where they lie, how they are found again, how they go.

use super::{awkward, ingest, keys, sha};
use residue::case::Case;
use residue::control::Control;
use std::path::Path;
use std::process::Command;

/// Says in the child's environment what to do.
const TASK: &str = "RESIDUE_TEST_TASK";

/// Runs this binary's child with its own cache and temporary folder; `false` when it failed.
fn child(task: &str, cache: &Path, temporary: &Path) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "case::scratch::child_works", "--ignored", "--test-threads=1"]);
    child.env(TASK, task).env("XDG_CACHE_HOME", cache).env("TMPDIR", temporary);
    child.output().unwrap().status.success()
}

#[test]
#[ignore = "the child of the scratch tests"]
fn child_works() {
    let Some(task) = std::env::var_os(TASK) else { return };
    match task.to_str().unwrap() {
        "crash" => {
            let case = Case::scratch().unwrap();
            assert!(case.is_scratch() && case.notices().is_empty());
            ingest(&case, "a.evtx", &sha(1), &awkward(100, 1));
            let job = Case::temporary().unwrap();
            ingest(&job, "a.evtx", &sha(1), &awkward(100, 1));
            assert_eq!(Case::leftovers(), [], "one that is open is nobody's leftover");
            // Ends without running any destructor, as a crash does.
            std::process::exit(0);
        }
        "recover" => {
            let found = Case::leftovers();
            assert_eq!(found.len(), 1);
            let case = Case::recover(&found[0]).unwrap();
            assert!(case.is_scratch());
            assert_eq!(keys(&case).len(), 100);
            let saved = case.save_as(&case.dir().parent().unwrap().join("saved.residue"), &Control::silent()).unwrap();
            let dir = case.dir().to_owned();
            case.discard();
            assert!(!dir.exists());
            assert!(!saved.is_scratch());
            assert_eq!(keys(&saved).len(), 100);
            assert_eq!(Case::leftovers(), []);
        }
        "job" => {
            let dir = Case::temporary().unwrap().dir().to_owned();
            assert!(!dir.exists());
            let kept = Case::scratch().unwrap().dir().to_owned();
            assert!(kept.exists());
            let found = Case::leftovers();
            assert_eq!(found[0].dir, kept);
            Case::remove_leftover(&found[0]);
            assert!(!kept.exists());
        }
        _ => {
            let case = Case::scratch().unwrap();
            assert!(case.dir().starts_with(std::env::temp_dir()));
            assert!(case.notices()[0].text.contains("cache cannot be written"));
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_unsaved_case_survives_a_crash_and_a_job_case_does_not() {
    let home = tempfile::tempdir().unwrap();
    let (cache, temporary) = (home.path().join("cache"), home.path().join("tmp"));
    std::fs::create_dir(&temporary).unwrap();
    let cases = cache.join("residue/cases");
    assert!(child("crash", &cache, &temporary));
    assert_eq!(std::fs::read_dir(&cases).unwrap().count(), 2);
    assert!(child("recover", &cache, &temporary));
    assert!(cases.join("saved.residue").is_dir());
    assert!(child("job", &cache, &temporary));
    assert_eq!(std::fs::read_dir(&cases).unwrap().count(), 1, "the next start removed the killed job's case");
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_cache_the_temporary_folder_serves() {
    let home = tempfile::tempdir().unwrap();
    assert!(child("no cache", Path::new("/dev/null/nowhere"), home.path()));
}
