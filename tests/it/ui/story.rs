//! A case from the first look to the report, as an analyst works it: every step by label and key, on the engine itself. With a picture of each step:
//! `RESIDUE_PICTURES=screenshots cargo test --release --test it ui::story`.

use super::desk::{Desk, SIZE, working_desk};
use eframe::egui::{self, Key, Modifiers, Role, vec2};
use egui_kittest::kittest::Queryable;
use residue::app::{CaseCommand, JobCommand, Pick, PlanCommand, WindowCommand};
use residue::control::Control;
use residue::domain::DetectorId;
use residue::synth;
use std::path::{Path, PathBuf};

impl Desk {
    /// Opens what lies at a path by the dialog of Ctrl+O.
    fn open_by_dialog(&mut self, path: &Path) {
        self.command(Key::O);
        self.window.run_steps(2);
        self.type_into("Path of evidence", &path.display().to_string());
        self.click("Open path");
        self.settle();
    }
}

/// An estate of known-good evidence: ordinary days of other hosts.
fn known_good(folder: &Path) -> PathBuf {
    let options = synth::Options { events: 3_000, seed: 11, formats: vec![synth::Format::Evtx], intrusion: true };
    synth::write(folder, &options, &Control::silent()).unwrap();
    folder.join("evtx")
}

/// What stands on the screen and in the case, to be held against what stands there after the case was opened again.
#[derive(Debug, PartialEq)]
struct Standing {
    subjects: usize,
    shown: usize,
    first: String,
    threshold: f64,
    search: String,
    flagged: usize,
    ordinary: usize,
    rules: (u64, u64),
}

fn standing(desk: &Desk) -> Standing {
    let s = desk.session();
    Standing {
        subjects: s.open.view.total(),
        shown: s.open.view.shown(),
        first: s.open.view.at_row(0).and_then(|i| s.open.view.subject_at(i)).map(|s| s.title.to_string()).unwrap_or_default(),
        threshold: s.open.view.threshold,
        search: s.open.view.narrow.search.clone(),
        flagged: s.open.marks.flagged().len(),
        ordinary: s.open.view.suppressed.iter().sum(),
        rules: (s.open.findings.results, s.open.findings.joined),
    }
}

#[test]
fn a_case_from_the_first_look_to_the_report_and_open_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = working_desk(SIZE);

    // Open evidence, and known-good evidence to learn from.
    desk.type_into("Path of evidence", &crate::support::estate().evtx.display().to_string());
    desk.click("Open path");
    desk.settle();
    desk.window.get_by_label_contains(&format!("{} events from", residue::app::words::count(crate::support::estate().events as usize)));
    let good = known_good(&folder.path().join("good"));
    desk.command(Key::K);
    desk.window.run_steps(2);
    desk.type_into("Find a command", "add baseline");
    desk.key(Key::Enter);
    assert_eq!(desk.hand.lock().unwrap().asked, [Pick::Baseline]);
    desk.hand.lock().unwrap().answers.push((Pick::Baseline, vec![good]));
    desk.until("the baseline", |d| d.session().open.choices.plan.baseline.len() == 1);
    desk.window.get_by_label("Baseline (known-good): 1");

    desk.shot("story-1-evidence-and-baseline");

    // Analyse with two detectors; the others are unticked where they can run.
    for detector in [DetectorId::Groups, DetectorId::Process] {
        desk.click(&format!("Run {}", detector.title()));
    }
    desk.click("Analyse this evidence");
    desk.until("the rankings", |d| !d.session().activity.is_busy() && d.session().open.rankings.len() >= 2);
    desk.window.get_by_role_and_label(Role::Button, DetectorId::Fields.title()).click();
    desk.window.run_steps(2);
    desk.settle();
    desk.window.get_by_label_contains("final ranking");

    desk.shot("story-2-ranking");

    // Drag the threshold.
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect().center();
    let before = desk.session().open.view.above();
    desk.window.drag_at(handle);
    desk.window.step();
    desk.window.hover_at(handle - vec2(40.0, 0.0));
    desk.window.step();
    desk.window.drop_at(handle - vec2(40.0, 0.0));
    desk.window.run_steps(2);
    assert!(desk.session().open.view.above() > before);

    desk.shot("story-3-threshold");

    // Mark the third row, and all like it, ordinary.
    let total = desk.session().open.view.total();
    desk.key(Key::Home);
    desk.key(Key::ArrowDown);
    desk.key(Key::ArrowDown);
    desk.settle();
    desk.window.key_press_modifiers(Modifiers::SHIFT, Key::O);
    desk.window.run_steps(3);
    let taken = desk.session().open.ordinary.taken;
    desk.type_into("Reason", "backup job of the house");
    desk.key(Key::Enter);
    desk.settle();
    assert_eq!(desk.session().open.view.total(), total - taken);
    desk.shot("story-4-ordinary");

    // Flag two rows, and write a note on one.
    desk.key(Key::Home);
    desk.key(Key::Space);
    desk.key(Key::ArrowDown);
    desk.key(Key::Space);
    desk.settle();
    let noted = desk.session().open.view.subject().unwrap().key;
    desk.key(Key::N);
    desk.window.step();
    desk.window.get_by_label("Note").type_text("asked the owner");
    desk.until("the note to be kept", |d| {
        d.session().open.marks.get(noted).is_some_and(|m| m.note == "asked the owner") && d.session().open.marks.is_all_kept()
    });

    desk.shot("story-5-flag-and-note");

    // Join what rules found.
    let rules = folder.path().join("hayabusa.csv");
    crate::case::hayabusa_of(&crate::support::estate().evtx, &rules, 40);
    // A click beside the note's field gives the keys back to the table.
    desk.window.get_by_label_contains("Row rank 2 ").click();
    desk.window.run_steps(2);
    desk.open_by_dialog(&rules);
    desk.until("the joined rules", |d| d.session().open.findings.joined == 40);
    desk.settle();
    desk.window.get_by_label("Only rules");
    desk.shot("story-6-rules");

    // Search.
    desk.command(Key::F);
    desk.window.step();
    desk.window.get_by_label("Search").type_text("-ruled:yes");
    desk.window.run_steps(3);
    desk.settle();
    assert!(desk.session().open.view.shown() < desk.session().open.view.total());
    desk.window.get_by_label("Remove filter search -ruled:yes");
    desk.shot("story-7-search");

    // Look at all events behind it, and come back.
    desk.key(Key::F6);
    desk.until("the events", |d| d.session().open.browse.open && !d.session().open.browse.is_waiting());
    assert!(desk.session().open.browse.found.len() > 5_000);
    desk.shot("story-8-all-events");
    desk.click("Back to the ranking");

    // Export what is flagged.
    desk.command(Key::E);
    desk.window.run_steps(2);
    desk.type_into("Path of the export", "~/norden/report");
    desk.click("HTML report");
    desk.shot("story-9-export");
    let stem = folder.path().join("report").display().to_string();
    desk.type_into("Path of the export", &stem);
    desk.click("Export 2 rows");
    let html = folder.path().join("report.html");
    desk.until("the report", |d| html.exists() && !d.session().exporting);
    let csv = std::fs::read_to_string(folder.path().join("report.csv")).unwrap();
    assert!(csv.contains("asked the owner"));
    let jsonl = std::fs::read_to_string(folder.path().join("report.jsonl")).unwrap();
    assert!(jsonl.lines().count() == 2 && jsonl.lines().all(|line| line.contains("\"rules\":[")));
    assert!(std::fs::read_to_string(html).unwrap().contains("asked the owner"));

    // Save, close, open again: everything is there.
    desk.command(Key::S);
    desk.window.run_steps(2);
    let saved = folder.path().join("story.residue");
    desk.type_into("Path of the case", &saved.display().to_string());
    desk.click("Save");
    desk.settle();
    assert!(saved.join("case.sqlite").is_file());
    let stood = standing(&desk);
    assert!(stood.flagged == 2 && stood.ordinary == taken && stood.rules == (41, 40));
    desk.command(Key::W);
    desk.until("the empty window", |d| d.session().case().is_none());
    drop(desk);

    let mut again = working_desk(egui::vec2(1366.0, 768.0));
    again.type_into("Path of evidence", &saved.display().to_string());
    again.click("Open path");
    again.until("the case", |d| d.session().open.view.order.is_some() && d.session().open.findings.joined == 40);
    again.settle();
    assert_eq!(standing(&again), stood);
    assert_eq!(again.session().open.marks.get(noted).map(|m| m.note.as_str()), Some("asked the owner"));
    again.window.get_by_label("Remove filter search -ruled:yes");
    again.shot("story-10-opened-again");
    again.window.state_mut().session.apply(CaseCommand::Close);
}

#[test]
fn what_known_good_evidence_teaches_is_saved_from_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = working_desk(SIZE);
    desk.type_into("Path of evidence", &crate::support::estate().evtx.display().to_string());
    desk.click("Open path");
    desk.settle();
    let out = folder.path().join("good.baseline");
    let ask = |desk: &mut Desk| {
        desk.window.state_mut().session.apply(WindowCommand::Dialog(Some(residue::app::Dialog::SaveBaseline)));
        desk.window.run_steps(3);
    };
    ask(&mut desk);
    desk.window.get_by_label_contains("Nothing is known-good yet");
    desk.key(Key::Escape);
    let good = known_good(&folder.path().join("good"));
    desk.window.state_mut().session.apply(PlanCommand::AddBaseline(vec![good]));
    ask(&mut desk);
    desk.type_into("Description of the baseline", "three thousand events of another house");
    desk.type_into("Path of the baseline", &out.display().to_string());
    desk.click("Save the baseline");
    desk.settle();
    assert!(residue::engine::is_baseline_file(&out), "{:?}", desk.session().notices);
    assert!(desk.session().notices.iter().any(|notice| notice.text.contains("a baseline was saved: ")));
    // A file that is there is not replaced.
    let before = std::fs::read(&out).unwrap();
    desk.window.state_mut().session.apply(JobCommand::SaveBaseline(out.clone(), String::new()));
    assert!(desk.session().notices.last().is_some_and(|notice| notice.text.contains("choose another name")));
    assert_eq!(std::fs::read(&out).unwrap(), before);
}
