//! Fault 3: results could be written into evidence.

use super::{Heard, assert_same, copy, evidence, pristine, run, state, text};
use crate::support::residue;
use residue::case::Case;
use residue::control::Control;
use residue::domain::Plan;
use residue::engine::{self, Part, extract, jobs};
use residue::export::Format;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A home with a folder of evidence and links to it.
fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let given = home.path().join("F");
    evidence(&given, 2);
    std::fs::create_dir(given.join("sub")).unwrap();
    std::fs::write(given.join("sub/notes.csv"), "time,what\n").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&given, home.path().join("link")).unwrap();
        std::os::unix::fs::symlink(given.join("not yet"), home.path().join("dangling")).unwrap();
    }
    (home, given)
}

/// Places inside the evidence, by every way there.
fn inside(home: &Path, given: &Path, name: &str) -> Vec<PathBuf> {
    let mut places =
        vec![given.join(name), given.join("sub").join(name), given.join("new/er").join(name), home.join("x/../F").join(name), given.join("sub/..").join(name)];
    if cfg!(unix) {
        places.extend([home.join("link").join(name), home.join("link/new").join(name), home.join("dangling").join(name)]);
    }
    places
}

fn refused(args: &[&str], given: &Path) {
    let before = state(given);
    let done = residue(args);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{args:?}: {said}");
    assert!(said.contains("choose another place") || said.contains("name the place directly"), "{args:?}: {said}");
    assert_same(&before, given, &format!("{args:?}"));
}

#[test]
fn fault_3_no_command_writes_into_evidence() {
    let (home, given) = home();
    let (source, elsewhere) = (given.join("sub/notes.csv"), home.path().join("out"));
    let f = text(&given);
    for place in inside(home.path(), &given, "results") {
        refused(&["triage", f, "--out", text(&place)], &given);
        refused(&["triage", f, "--out", text(&place), "--force"], &given);
        refused(&["triage", f, "--out", text(&elsewhere), "--save-model", text(&place)], &given);
        refused(&["triage", text(&source), "--baseline", f, "--out", text(&place)], &given);
    }
    for place in inside(home.path(), &given, "x.residue") {
        refused(&["triage", f, "--out", text(&elsewhere), "--save-case", text(&place)], &given);
    }
    for place in inside(home.path(), &given, "x.csv") {
        refused(&["convert", f, "--out", text(&place)], &given);
        refused(&["convert", f, "--out", text(&place), "--force"], &given);
        refused(&["baseline", f, "--out", text(&place), "--force"], &given);
    }
    // The evidence itself, and files that a command reads.
    refused(&["triage", f, "--out", f, "--force"], &given);
    refused(&["convert", text(&source), "--out", text(&source), "--force"], &given);
    refused(&["triage", f, "--baseline-truth", text(&source), "--out", text(&source), "--force"], &given);
    assert!(!elsewhere.exists(), "nothing was begun");
    // Beside it and around it are places.
    let around = residue(&["convert", f, "--out", text(&home.path().join("F.csv"))]);
    assert!(matches!(around.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&around.stderr));
    let around = residue(&["triage", text(&source), "--out", text(&given.join("sub2"))]);
    assert!(!String::from_utf8_lossy(&around.stderr).contains("choose another place"), "one file of a folder is evidence, its folder is not");
}

#[cfg(unix)]
#[test]
fn fault_3_other_names_of_a_source_are_the_source() {
    let (home, given) = home();
    let source = given.join("sub/notes.csv");
    std::fs::hard_link(&source, home.path().join("hard.csv")).unwrap();
    std::os::unix::fs::symlink(&source, home.path().join("soft.csv")).unwrap();
    for name in ["hard.csv", "soft.csv"] {
        for evidence in [&given, &source] {
            refused(&["convert", text(evidence), "--out", text(&home.path().join(name)), "--force"], &given);
        }
    }
    assert_eq!(std::fs::read(home.path().join("hard.csv")).unwrap(), b"time,what\n");
}

#[test]
fn fault_3_what_a_case_was_made_of_is_known_when_it_is_opened_again() {
    let (home, given) = home();
    let dir = home.path().join("a.residue");
    let case = Case::create(&dir).unwrap();
    engine::read_into(&case, std::slice::from_ref(&given), None, &Control::silent()).unwrap();
    drop(case);
    for place in inside(home.path(), &given, "x.csv") {
        refused(&["export", text(&dir), "--out", text(&place)], &given);
        refused(&["export", text(&dir), "--combined", "--out", text(&place), "--force"], &given);
        refused(&["convert", text(&dir), "--out", text(&place)], &given);
        refused(&["triage", text(&dir), "--out", text(&place)], &given);
    }
    // Nor into the case itself, or any other.
    for place in [dir.join("x.csv"), dir.join("runs/x.csv"), dir.clone()] {
        if place != dir {
            refused(&["convert", text(&given), "--out", text(&place), "--force"], &dir);
        }
        refused(&["triage", text(&dir), "--out", text(&place), "--force"], &dir);
        refused(&["synth", "--out", text(&place), "--force"], &dir);
    }
}

#[test]
fn fault_3_the_windows_dialogs_write_into_no_evidence() {
    let home = tempfile::tempdir().unwrap();
    // The pristine case's logs are away from it here: a copy of both, read anew.
    let given = home.path().join("logs");
    copy(&pristine().0.path().join("logs"), &given);
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    engine::read_into(&case, std::slice::from_ref(&given), None, &Control::silent()).unwrap();
    let plan = Plan { detectors: vec![residue::domain::DetectorId::Fields], ..Plan::standard() };
    let analysis = engine::analyse(&case, &plan, engine::Keep::Runs, &Control::silent(), &Heard::default()).unwrap();
    let before = state(&given);
    let events = Arc::new(residue::case::events::Events::new(case.snapshot()));
    for folder in [given.clone(), given.join("new"), case.dir().to_owned()] {
        let file = |name: &str| folder.join(name);
        let work = |extract: residue::engine::Extract, format: Format| {
            jobs::export(case.clone(), "t".into(), "all".into(), Box::new(move || vec![extract]), vec![(format, file("x"))])
        };
        for format in Format::ALL {
            let extract = extract(&analysis.rankings[0], Part::All, &residue::domain::Suppression::default(), &case.annotations(), &case.sources());
            refuses(run(work(extract, format), &Control::silent()).0);
        }
        refuses(run(jobs::export_events(case.clone(), Arc::clone(&events), Arc::new(vec![0]), file("x.csv")), &Control::silent()).0);
        refuses(run(jobs::save_as(case.clone(), file("y.residue")), &Control::silent()).0);
        refuses(engine::export_labels(&case, &file("l.csv")).map(drop));
        refuses(engine::write_rules(&file("r.toml"), &[], &case.evidence()));
        let plan = Plan { baseline: vec![given.clone()], ..Plan::standard() };
        if folder.starts_with(&given) {
            refuses(run(jobs::save_baseline(plan, String::new(), file("b")), &Control::silent()).0);
        }
        refuses(
            engine::analyse(&case, &Plan { save_model: Some(file("m")), ..Plan::standard() }, engine::Keep::Runs, &Control::silent(), &Heard::default())
                .map(drop),
        );
    }
    assert_same(&before, &given, "the window");
}

fn refuses(done: Result<(), residue::control::RunError>) {
    let said = done.expect_err("it was written").to_string();
    assert!(said.contains("choose another place"), "{said}");
}
