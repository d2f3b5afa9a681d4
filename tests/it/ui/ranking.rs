//! The ranking: searched, walked, flagged, looked into, exported.

use super::desk::{Desk, ROWS, SIZE, analysed, ready, working_desk};
use eframe::egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::Queryable;
use std::path::PathBuf;

#[test]
fn search_narrows_and_says_what_it_cannot_understand() {
    let mut desk = ready();
    desk.command(Key::F);
    desk.window.step();
    desk.window.get_by_label("Search").type_text("+computer:DC1 +whoami");
    desk.window.run_steps(3);
    let view = &desk.session().open.view;
    assert!(view.shown() > 0 && view.shown() < ROWS / 4);
    for row in 0..view.shown() {
        let subject = view.subject_at(view.at_row(row).unwrap()).unwrap();
        assert!(subject.computer.as_deref() == Some("DC1.corp.example") && subject.title.contains("whoami"));
    }
    let found = view.shown();
    desk.window.state_mut().session.apply(residue::app::NarrowCommand::Search("+rank:none".into()));
    desk.window.run_steps(2);
    assert!(desk.session().open.search_fault.as_ref().is_some_and(|f| f.contains("rank")));
    assert_eq!(desk.session().open.view.shown(), found, "what was found last stays");
    desk.click("Clear search");
    assert_eq!(desk.session().open.view.shown(), ROWS);
}

#[test]
fn keys_walk_the_table_and_flag_and_note() {
    let mut desk = ready();
    desk.key(Key::Home);
    desk.key(Key::ArrowDown);
    desk.key(Key::ArrowDown);
    desk.settle();
    assert_eq!(desk.session().open.view.selected.and_then(|s| desk.session().open.view.row_of(s)), Some(2));
    desk.key(Key::Space);
    desk.settle();
    let key = desk.session().open.view.subject().unwrap().key;
    assert!(desk.session().open.marks.is_flagged(key));
    desk.key(Key::N);
    desk.window.step();
    desk.window.get_by_label("Note").type_text("odd parent [1]");
    desk.window.run_steps(2);
    assert_eq!(desk.session().open.view.shown(), ROWS, "typing a note presses no keys of the table");
    desk.until("the note to be kept", |d| d.log.lock().unwrap().marks.get(&key).is_some_and(|m| m.flagged && m.note == "odd parent [1]"));
    // Its author paused, and goes on where the caret was.
    desk.window.get_by_label("Note").type_text(", twice");
    desk.until("the rest of the note", |d| d.log.lock().unwrap().marks.get(&key).is_some_and(|m| m.note == "odd parent [1], twice"));
    desk.window.get_by_label("Row rank 1 above: schtasks created task Updater to run C:\\Users\\Public\\u.exe").click();
    desk.window.run_steps(2);
    desk.key(Key::CloseBracket);
    desk.settle();
    assert_eq!(desk.session().open.view.subject().unwrap().key, key, "] goes to the next flagged row");
    desk.command(Key::B);
    assert_eq!(desk.session().open.view.shown(), 1);
}

#[test]
fn end_and_page_keys_scroll_to_rows_far_away() {
    let mut desk = ready();
    desk.key(Key::End);
    desk.settle();
    desk.window.run_steps(3);
    desk.window.get_by_label_contains("Row rank 5000 below");
    desk.key(Key::PageUp);
    desk.settle();
    assert_eq!(desk.session().open.view.selected.and_then(|s| desk.session().open.view.row_of(s)), Some(ROWS - 1 - residue::app::View::PAGE));
}

#[test]
fn columns_are_chosen_and_sorted() {
    let mut desk = analysed(ROWS, vec2(2400.0, 900.0), false);
    desk.window.state_mut().session.apply(residue::app::WindowCommand::ToggleColumn(residue::app::Column::EventId));
    desk.window.run_steps(2);
    desk.window.state_mut().session.apply(residue::app::ViewCommand::Sort(residue::app::Column::Count));
    desk.settle();
    let view = &desk.session().open.view;
    let counts: Vec<u64> = (0..view.shown()).map(|row| view.subject_at(view.at_row(row).unwrap()).unwrap().count).collect();
    assert!(counts.is_sorted());
    desk.window.get_by_label("Events").click();
    desk.window.run_steps(2);
    desk.settle();
    assert_eq!(desk.session().open.view.subject_at(desk.session().open.view.at_row(0).unwrap()).unwrap().count, 25);
    // Without columns that stay a row is clicked as well.
    for column in [residue::app::Column::Flag, residue::app::Column::Rank] {
        assert!(desk.session().prefs.columns.contains(&column));
        desk.window.state_mut().session.apply(residue::app::WindowCommand::ToggleColumn(column));
    }
    desk.window.run_steps(2);
    desk.click_into("Row rank ");
    desk.settle();
    assert_eq!(desk.session().open.view.selected, desk.session().open.view.at_row(0));
}

#[test]
fn a_flag_that_could_not_be_kept_is_taken_off_the_screen_and_said() {
    let mut desk = ready();
    desk.log.lock().unwrap().refuse_marks = true;
    desk.key(Key::Home);
    desk.key(Key::Space);
    desk.until("the refusal", |d| d.session().open.marks.is_all_kept());
    assert_eq!(desk.session().open.marks.flagged().len(), 0);
    assert!(desk.session().notices.last().is_some_and(|n| n.text.contains("the disk is full")));
}

#[test]
fn the_drill_down_says_why_and_leads_to_neighbours_and_back() {
    let mut desk = ready();
    desk.key(Key::Home);
    desk.settle();
    desk.window.get_by_label("ParentImage 52 %");
    desk.window.get_by_label_contains("services.exe 96 %, explorer.exe 3 %");
    desk.window.get_by_label_contains("schtasks /create /tn Updater");
    desk.window.get_by_label("Nearest ordinary");
    desk.window.get_by_label_contains("event 2 seconds away").click_accesskit();
    desk.window.run_steps(2);
    desk.settle();
    assert!(desk.session().open.drill.subject.is_none());
    desk.key(Key::Escape);
    desk.settle();
    assert_eq!(desk.session().open.drill.subject, desk.session().open.view.selected);
}

#[test]
fn ordinary_ones_leave_the_ranking_with_undo() {
    let mut desk = ready();
    desk.key(Key::Home);
    desk.settle();
    let (title, channel) = desk.session().open.view.subject().map(|s| (s.title.clone(), s.channel.clone())).unwrap();
    desk.window.key_press_modifiers(Modifiers::SHIFT, Key::O);
    desk.window.run_steps(3);
    let taken = desk.session().open.ordinary.taken;
    assert!(taken > 1);
    desk.window.get_by_label("Reason").type_text("the monthly updater");
    desk.window.run_steps(2);
    desk.window.get_by_label(&format!("Take {taken} subjects out"));
    desk.key(Key::Enter);
    desk.settle();
    assert_eq!(desk.session().open.view.total(), ROWS - taken);
    let view = &desk.session().open.view;
    assert!((0..view.shown()).all(|row| {
        let subject = view.subject_at(view.at_row(row).unwrap()).unwrap();
        (&subject.title, &subject.channel) != (&title, &channel)
    }));
    desk.command(Key::Z);
    desk.settle();
    assert_eq!(desk.session().open.view.total(), ROWS);
    desk.command(Key::Y);
    desk.settle();
    assert_eq!(desk.session().open.view.total(), ROWS - taken);
    // The list says why, and brings back; a suppression file carries it on.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordinary.toml");
    desk.window.state_mut().session.apply(residue::app::OrdinaryCommand::ExportRules(file.clone()));
    desk.window.state_mut().session.apply(residue::app::WindowCommand::Dialog(Some(residue::app::Dialog::Rules)));
    desk.window.run_steps(3);
    desk.window.get_by_label("the monthly updater");
    desk.click("Restore rule 1");
    desk.settle();
    assert_eq!(desk.session().open.view.total(), ROWS);
    desk.window.state_mut().session.apply(residue::app::OrdinaryCommand::ImportRules(file));
    desk.settle();
    assert_eq!((desk.session().open.view.total(), desk.session().open.rules.rules()[0].reason.as_str()), (ROWS - taken, "the monthly updater"));
}

#[test]
fn an_export_holds_what_was_chosen_and_never_replaces_unasked() {
    let mut desk = ready();
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        desk.key(Key::ArrowDown);
        desk.key(Key::Space);
    }
    desk.settle();
    desk.command(Key::E);
    desk.window.get_by_label("Flagged (3)");
    let stem = folder.path().join("out").display().to_string();
    let mut form = desk.session().open.export.clone();
    form.path = stem.clone();
    desk.window.state_mut().session.apply(residue::app::WindowCommand::ExportForm(Box::new(form)));
    desk.window.run_steps(2);
    desk.click("Export 3 rows");
    desk.until("the file", |d| !d.log.lock().unwrap().exported.is_empty());
    assert_eq!(desk.log.lock().unwrap().exported[0].ranks, [1, 2, 3]);
    assert!(folder.path().join("out.csv").exists() && folder.path().join("out.jsonl").exists());
    desk.settle();
    desk.command(Key::E);
    desk.window.run_steps(2);
    desk.click("Export 3 rows");
    assert_eq!(desk.log.lock().unwrap().exported.len(), 1, "nothing is replaced before it was said");
    assert_eq!(desk.window.query_all_by_label_contains("is there already").count(), 2);
    desk.click("Replace and export 3 rows");
    desk.until("the second file", |d| d.log.lock().unwrap().exported.len() == 2);
}

#[test]
fn an_export_after_the_threshold_moved_carries_the_screen_s_threshold() {
    let mut desk = ready();
    let folder = tempfile::tempdir().unwrap();
    desk.key(Key::ArrowRight);
    desk.settle();
    let (above, threshold) = (desk.session().open.view.above(), desk.session().open.view.threshold);
    let order = residue::app::ExportOrder {
        which: residue::app::Which::Above,
        files: vec![(residue::export::Format::Csv, folder.path().join("a.csv"))],
        replace: false,
    };
    desk.window.state_mut().session.apply(residue::app::JobCommand::Export(order));
    desk.until("the file", |d| !d.log.lock().unwrap().exported.is_empty());
    let log = desk.log.lock().unwrap();
    assert_eq!((log.exported[0].ranks.len(), log.exported[0].threshold), (above, threshold));
    assert!(log.exported[0].ranks.iter().copied().eq(1..=above as u64));
}

#[test]
fn rules_stand_beside_what_is_unusual() {
    use residue::app::Show;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("hayabusa.csv");
    crate::case::hayabusa_of(&crate::support::estate().evtx, &rules, 40);
    let mut desk = working_desk(SIZE);
    let open = |desk: &mut Desk, path: PathBuf| {
        desk.window.state_mut().session.apply(residue::app::CaseCommand::Open(vec![path]));
        desk.settle();
    };
    open(&mut desk, crate::support::estate().evtx.clone());
    open(&mut desk, rules);
    desk.until("the joined rules", |d| !d.session().open.findings.is_empty());
    assert_eq!((desk.session().open.findings.results, desk.session().open.findings.joined), (41, 40));
    for detector in residue::domain::DetectorId::ALL.into_iter().filter(|d| *d != residue::domain::DetectorId::Fields) {
        desk.window.state_mut().session.apply(residue::app::PlanCommand::Choose(detector, false));
    }
    desk.window.state_mut().session.apply(residue::app::JobCommand::Analyse);
    desk.settle();
    let numbers = |desk: &Desk| {
        let view = &desk.session().open.view;
        let hit = |row: usize| desk.session().open.findings.highest(view.subject_at(view.at_row(row).unwrap()).unwrap()).is_some();
        (view.shown(), (0..view.shown()).filter(|row| hit(*row)).count())
    };
    let show = |desk: &mut Desk, show: Show| {
        desk.window.state_mut().session.apply(residue::app::NarrowCommand::Show(show));
        desk.settle();
        numbers(desk)
    };
    let (all, ruled) = show(&mut desk, Show::All);
    assert!(ruled > 0 && ruled < all);
    // However the threshold stands, the three parts and what neither calls noteworthy make the whole.
    for quantile in [0.99, 0.5, 0.2] {
        desk.window.state_mut().session.apply(residue::app::ViewCommand::Quantile(quantile));
        let above = desk.session().open.view.above();
        let severe = desk.session().open.view.severe();
        let (both, both_hit) = show(&mut desk, Show::Both);
        let (unusual, unusual_hit) = show(&mut desk, Show::OnlyUnusual);
        let (rules, rules_hit) = show(&mut desk, Show::OnlyRules);
        assert_eq!((both_hit, unusual_hit, rules_hit), (both, 0, rules));
        assert_eq!((both + unusual, both + rules), (above, ruled));
        assert!(severe.iter().all(|(above, all)| above <= all) && severe[0].0 + severe[1].0 <= both);
    }
    // The same in words, and on the screen.
    desk.window.state_mut().session.apply(residue::app::NarrowCommand::Search("+ruled:yes +rule_level:critical".into()));
    let (critical, hit) = show(&mut desk, Show::All);
    assert!(critical > 0 && critical == hit && critical == desk.session().open.view.severe()[0].1);
    desk.window.get_by_label("Only rules");
    desk.key(Key::Home);
    desk.settle();
    assert!(desk.window.query_all_by_label_contains("Rules that hit").count() > 0);
}

#[test]
fn all_detectors_stand_in_one_list_that_leads_to_its_rows() {
    let mut desk = ready();
    desk.command(Key::L);
    desk.until("the list", |d| d.session().open.combined.fusion.is_some());
    let fusion = desk.session().open.combined.fusion.clone().unwrap();
    assert_eq!(fusion.detectors, [residue::domain::DetectorId::Fields]);
    assert!(fusion.rows.windows(2).all(|w| w[0].score >= w[1].score) && fusion.computers.len() == 3);
    desk.window.get_by_label("Computers and users");
    let key = desk.session().open.view.subject_at(4).unwrap().key;
    desk.window.state_mut().session.apply(residue::app::ViewCommand::GoTo(residue::domain::DetectorId::Fields, key));
    desk.settle();
    assert_eq!((desk.session().open.view.selected, desk.session().dialog), (Some(4), None));
    assert!(desk.window.query_all_by_label_contains("Decoded (base64)").count() > 0);
}
