//! Flags, tags and notes: kept, and told in the audit trail.

use super::{awkward, ingest, sha};
use residue::case::{Annotation, Case, Change, Target, Unit};
use residue::control::Control;
use residue::domain::{EventKey, Ledger};
use std::sync::Arc;

fn target(unit: Unit, record: u64) -> Target {
    let source = Ledger { sha256: sha(1), ..Ledger::default() };
    Target::new(unit, &source, EventKey { source: 0, part: 0, record })
}

fn state(case: &Case) -> Vec<(Target, Arc<Annotation>)> {
    case.annotations().all()
}

#[test]
fn what_was_said_is_there_after_reopening() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    let case = Case::create(&dir).unwrap();
    case.set_setting("analyst", "Ada Ω").unwrap();
    ingest(&case, "a.evtx", &sha(1), &awkward(10, 1));
    case.annotate(&[target(Unit::Subject, 1), target(Unit::Event, 2)], &Change::flag(true)).unwrap();
    case.annotate(&[target(Unit::Subject, 1)], &Change::note("seen \0 東京 \"quoted\"\n")).unwrap();
    case.annotate(&[target(Unit::Subject, 1)], &Change { add_tags: vec!["c2".into(), "a,b".into()], ..Change::default() }).unwrap();
    case.annotate(&[target(Unit::Subject, u64::MAX)], &Change::tag("far")).unwrap();
    let before = state(&case);
    drop(case);
    let case = Case::open(&dir).unwrap();
    assert_eq!(state(&case), before);
    let said = case.annotations();
    let source = &case.sources()[0];
    let one = said.get(Unit::Subject, source, EventKey { source: 0, part: 0, record: 1 }).unwrap();
    assert_eq!((one.flagged, one.version, &*one.analyst, one.note.as_str()), (true, 3, "Ada Ω", "seen \0 東京 \"quoted\"\n"));
    assert_eq!(one.tags, ["a,b", "c2"]);
    assert!(one.flagged_at.is_some());
    assert_eq!((said.len(), said.flagged()), (3, 2));
    // They follow the evidence, not its place in the list.
    ingest(&case, "A before all others.evtx", &sha(9), &awkward(5, 1));
    let place = case.sources().iter().position(|s| s.sha256 == sha(1)).unwrap();
    assert_eq!(place, 1);
    assert!(case.annotations().get(Unit::Subject, &case.sources()[1], EventKey { source: 1, part: 0, record: 1 }).is_some());
    assert_eq!(case.save_as(&home.path().join("b.residue"), &Control::silent()).map(|copy| state(&copy)).unwrap(), before);
}

#[test]
fn the_audit_trail_tells_who_did_what_when() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    case.set_setting("analyst", "Ada").unwrap();
    case.annotate(&[target(Unit::Subject, 1)], &Change::flag(true)).unwrap();
    case.annotate(&[target(Unit::Subject, 1)], &Change::note("x")).unwrap();
    case.log("export", &serde_json::json!({"rows": 3})).unwrap();
    let mut out = Vec::new();
    case.write_audit(&mut out).unwrap();
    let lines: Vec<serde_json::Value> = String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|l| l["action"].as_str().unwrap()).collect::<Vec<_>>(), ["annotate", "annotate", "export"]);
    assert_eq!(lines[0]["changes"][0]["evidence"], sha(1));
    assert_eq!(lines[0]["changes"][0]["before"], serde_json::Value::Null);
    assert_eq!(lines[1]["changes"][0]["after"]["note"], "x");
    assert_eq!(lines[2]["changes"]["rows"], 3);
    assert!(lines.iter().all(|l| l["analyst"] == "Ada" && l["at"].as_str().unwrap().ends_with("+00:00")));
}

#[test]
fn many_threads_annotate_at_once() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    let case = Case::create(&dir).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let case = case.clone();
            scope.spawn(move || {
                for n in 0..50 {
                    case.annotate(&[target(Unit::Event, thread * 1000 + n)], &Change::flag(true)).unwrap();
                }
            });
        }
    });
    assert_eq!(case.annotations().flagged(), 200);
    drop(case);
    assert_eq!(Case::open(&dir).unwrap().annotations().flagged(), 200);
}
