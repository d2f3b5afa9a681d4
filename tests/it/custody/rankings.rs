//! Room 10: one damaged run never hides the others, *rank by* is decided in one place, the audit trail can be read.

use super::{copy, pristine, run, text};
use crate::case::runs;
use crate::support::residue;
use residue::case::Case;
use residue::control::{Control, Notice, Progress, Reporter};
use residue::domain::{CurvePoint, DetectorId, Preset, RankBy, Subject};
use residue::engine::{Happening, jobs, stored_rankings};
use std::path::Path;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Reporter for Kept {
    fn progress(&self, _: Progress) {}
    fn notice(&self, notice: Notice) {
        self.0.lock().unwrap().push(notice.text);
    }
    fn epoch(&self, _: CurvePoint) {}
}

fn listening() -> (Control, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    (Control { reporter: Arc::<Kept>::clone(&kept), ..Control::silent() }, kept)
}

/// A case with a run of each of three detectors, two of the second.
fn case(home: &Path) -> std::path::PathBuf {
    let dir = home.join("a.residue");
    copy(&pristine().1, &dir);
    let case = Case::open(&dir).unwrap();
    for (detector, subjects) in [(DetectorId::Groups, 40), (DetectorId::Chains, 30), (DetectorId::Chains, 50), (DetectorId::Timeline, 20)] {
        case.store_run(&runs::report(detector, subjects), &mut |index| runs::contributions(index), &Control::silent()).unwrap();
    }
    dir
}

#[test]
fn room_10_one_damaged_run_never_hides_the_others() {
    let home = tempfile::tempdir().unwrap();
    let whole = case(home.path());
    let victim = "chains-4";
    let files = ["report.json", "subjects.parquet", "contributions.parquet"];
    type Damage = (&'static str, fn(&Path, &Path));
    let ways: [Damage; 8] = [
        ("missing", |path, _| std::fs::remove_file(path).unwrap()),
        ("empty", |path, _| std::fs::write(path, "").unwrap()),
        ("cut", |path, _| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("garbage", |path, _| std::fs::write(path, [0xff; 4_000]).unwrap()),
        ("a folder", |path, _| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        }),
        ("another run's", |path, whole| {
            std::fs::copy(whole.join("runs/groups-2").join(path.file_name().unwrap()), path).unwrap();
        }),
        ("an older run's", |path, whole| {
            std::fs::copy(whole.join("runs/timeline-5").join(path.file_name().unwrap()), path).unwrap();
        }),
        ("endless", |path, _| {
            let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).replace("\"subjects\": 50", "\"subjects\": 18446744073709551615");
            std::fs::write(path, text).unwrap();
        }),
    ];
    for file in files {
        for (way, damage) in ways {
            let dir = home.path().join("b.residue");
            copy(&whole, &dir);
            damage(&dir.join("runs").join(victim).join(file), &whole);
            let what = format!("{file} {way}");
            let case = Case::open(&dir).unwrap();
            // Every way in: the command line, the window, the window after a crash.
            for way in 0..3 {
                let (control, said) = listening();
                let loaded: Vec<(DetectorId, usize)> = if way == 0 {
                    stored_rankings(&case, &control).unwrap().iter().map(|r| (r.report.detector, r.report.subjects.len())).collect()
                } else {
                    let copied = home.path().join(if way == 1 { "c.residue" } else { "d.residue" });
                    copy(&dir, &copied);
                    let job = if way == 1 { jobs::open(vec![copied], None, None) } else { jobs::recover(copied) };
                    let (done, heard) = run(job, &control);
                    done.unwrap();
                    heard.iter().filter_map(|h| if let Happening::Ranked(r) = h { Some((r.report.detector, r.report.subjects.len())) } else { None }).collect()
                };
                // The older ranking of the same method stands in for the damaged one.
                assert_eq!(
                    loaded.iter().map(|(detector, _)| *detector).collect::<Vec<_>>(),
                    [DetectorId::Groups, DetectorId::Chains, DetectorId::Fields, DetectorId::Timeline],
                    "{what}"
                );
                assert_eq!(loaded[1].1, 30, "{what}");
                let said = said.0.lock().unwrap().clone();
                let told = said.iter().filter(|text| text.contains(victim) && text.contains("analyse again")).count();
                assert_eq!(told, 1, "{what}: {said:?}");
                for copied in ["c.residue", "d.residue"] {
                    std::fs::remove_dir_all(home.path().join(copied)).ok();
                }
            }
            drop(case);
            std::fs::remove_dir_all(&dir).unwrap();
        }
    }
}

#[test]
fn room_10_rank_by_is_decided_in_one_place() {
    let subject = Subject { learned: Some(2.0), prior: Some(0.5), loss: Some(0.25), rarity: Some(9.0), ..Subject::default() };
    let value = |by| [Preset::Recommended, Preset::Published].map(|preset| subject.value(by, preset).unwrap());
    assert_eq!([RankBy::Recommended, RankBy::Loss, RankBy::Rarity].map(value), [[2.5, 0.25], [0.25, 0.25], [9.0, 9.0]]);
    assert_eq!([Preset::Recommended, Preset::Published].map(RankBy::usual), [RankBy::Recommended, RankBy::Loss]);
    assert_eq!(Subject::default().value(RankBy::Recommended, Preset::Recommended), None);
    // Nobody else adds the parts up.
    let src = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in [
        "engine/analyse.rs",
        "app/order.rs",
        "app/doing/planning.rs",
        "cli/triage.rs",
        "detect/groups/subject.rs",
        "detect/fields/subjects.rs",
        "detect/timeline/mod.rs",
    ] {
        let text = std::fs::read_to_string(src.join(file)).unwrap();
        assert!(!text.contains("(RankBy::Recommended, Preset") && !text.contains("RankBy::Loss } else"), "{file}");
    }
}

#[test]
fn room_10_the_audit_trail_can_be_read() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    copy(&pristine().1, &dir);
    let done = residue(&["audit", text(&dir), "--json"]);
    assert_eq!(done.status.code(), Some(0));
    let lines: Vec<serde_json::Value> = String::from_utf8(done.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<&str> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["run", "annotate", "export"]);
    assert_eq!(lines[1]["changes"][0]["after"]["note"], "seen");
    let words = String::from_utf8(residue(&["audit", text(&dir)]).stdout).unwrap();
    assert_eq!(words.lines().count(), 3);
    assert!(
        words.contains("nothing -> flagged, tags [\"c2\"], note \"seen\"") && words.contains("run: fields-1") && words.contains("file: /somewhere/x.csv"),
        "{words}"
    );
    // What a panel shows is the same.
    let case = Case::open(&dir).unwrap();
    let mut read = vec![];
    case.read_audit(&mut |line| {
        read.push(line.json());
        true
    })
    .unwrap();
    assert_eq!(read, lines);
    drop(case);
    // Text from a case does not command the terminal, and misuse is 2.
    rusqlite::Connection::open(dir.join("case.sqlite")).unwrap().execute("UPDATE audit SET analyst = ?1", ["\u{1b}[31mAda\u{9b}0m\n9 forged"]).unwrap();
    let words = String::from_utf8(residue(&["audit", text(&dir)]).stdout).unwrap();
    assert!(!words.contains('\u{1b}') && !words.contains('\u{9b}') && words.lines().count() == 3, "{words:?}");
    assert_eq!(residue(&["audit", text(home.path())]).status.code(), Some(2));
}
