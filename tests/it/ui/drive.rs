//! Drives the window as an analyst would.

use super::desk::{Desk, SIZE, analysed, desk, desk_on, working_desk};
use super::fake::Fake;
use eframe::egui::{self, Key, Modifiers, Role, vec2};
use egui_kittest::kittest::Queryable;
use residue::app::Pick;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROWS: usize = 5000;

fn ready() -> Desk {
    analysed(ROWS, SIZE, false)
}

#[test]
fn an_empty_window_says_what_can_be_done() {
    let desk = desk(10, SIZE, false);
    desk.window.get_by_label("Open evidence…");
    desk.window.get_by_label("Try the demo case");
    desk.window.get_by_label("Path of evidence");
    desk.window.get_by_label_contains("Drop files or folders");
}

#[test]
fn a_typed_path_opens_and_waits_for_analyse() {
    let mut desk = desk(500, SIZE, false);
    desk.window.get_by_label("Path of evidence").focus();
    desk.window.run_steps(2);
    desk.window.get_by_label("Path of evidence").type_text("/evidence/case1");
    desk.window.run_steps(2);
    desk.click("Open path");
    desk.until("the case", |d| d.session().case().is_some() && !d.session().activity.is_busy());
    desk.window.get_by_label_contains("2,619 events from 2 sources");
    assert!(desk.session().rankings.is_empty(), "opening alone analyses nothing");
    desk.click("Analyse this evidence");
    desk.until("a ranking", |d| d.session().view.order.is_some());
    desk.settle();
    assert_eq!(desk.log.lock().unwrap().plans.len(), 1);
}

#[test]
fn dropped_files_open() {
    #[derive(Debug)]
    struct File(PathBuf);
    impl egui::DroppedFile for File {
        fn path(&self) -> &std::path::Path {
            &self.0
        }
        fn bytes(&self) -> Result<Vec<u8>, String> {
            Err("not read".into())
        }
    }
    let mut desk = desk(10, SIZE, false);
    desk.window.input_mut().dropped_files.push(Arc::new(File("/evidence/Security.evtx".into())));
    desk.until("the case", |d| d.session().case().is_some());
    assert_eq!(desk.session().title, "Security");
}

#[test]
fn what_cannot_be_opened_is_said_with_what_to_do() {
    let mut desk = desk(10, SIZE, false);
    desk.window.state_mut().session.apply(residue::app::Command::Open(vec!["/missing/file".into()]));
    desk.until("the failure", |d| !d.session().activity.is_busy());
    assert!(desk.window.query_all_by_label_contains("nothing is there; check the path: /missing/file").count() > 0);
}

#[test]
fn the_demo_is_analysed_and_shows_its_final_ranking() {
    let desk = ready();
    assert_eq!(desk.session().view.total(), ROWS);
    desk.window.get_by_label_contains("final ranking");
    desk.window.get_by_label("above: 51");
    desk.window.get_by_role_and_label(Role::Slider, "Threshold");
    desk.window.get_by_role_and_label(Role::Button, "Event fields");
    assert!(desk.session().curve.len() == 40, "every epoch arrived");
    desk.window.get_by_label_contains("there is no timeline among the evidence");
}

#[test]
fn dragging_the_threshold_changes_counts_in_the_same_frame() {
    let mut desk = ready();
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect().center();
    let before = desk.session().view.above();
    desk.window.hover_at(handle);
    desk.window.step();
    desk.window.drag_at(handle);
    desk.window.step();
    for step in 1..=10_u8 {
        let to = handle - vec2(f32::from(step) * 6.0, 0.0);
        desk.window.hover_at(to);
        desk.window.step();
        let above = desk.session().view.above();
        let said = format!("above: {}", residue::app::words::count(above));
        assert!(desk.window.query_by_label(&said).is_some(), "the frame that moved the threshold says {said}");
    }
    desk.window.drop_at(handle - vec2(60.0, 0.0));
    desk.window.run_steps(2);
    assert!(desk.session().view.above() > before);
    let moved = desk.session().view.threshold;
    desk.command(Key::Z);
    assert_eq!(desk.session().view.above(), before, "one drag is one step back");
    desk.command(Key::Y);
    assert_eq!(desk.session().view.threshold, moved);
}

#[test]
fn a_drag_that_is_over_before_the_next_frame_still_moves_the_threshold() {
    let mut desk = ready();
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect().center();
    let (before, to) = (desk.session().view.above(), handle - vec2(60.0, 0.0));
    let button = |pos, pressed| egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
    let all = [egui::Event::PointerMoved(handle), button(handle, true), egui::Event::PointerMoved(to), button(to, false)];
    desk.window.input_mut().events.extend(all);
    desk.window.run_steps(2);
    assert!(desk.session().view.above() > before);
    assert!(desk.session().view.narrow.bar.is_none(), "no bar was clicked");
    desk.command(Key::Z);
    assert_eq!(desk.session().view.above(), before);
}

#[test]
fn the_threshold_stays_within_the_plot() {
    let mut desk = ready();
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect().center();
    desk.window.drag_at(handle);
    desk.window.step();
    desk.window.hover_at(egui::pos2(-500.0, handle.y));
    desk.window.step();
    assert_eq!(desk.session().view.above(), ROWS);
    desk.window.hover_at(egui::pos2(9000.0, handle.y));
    desk.window.step();
    assert_eq!(desk.session().view.above(), 0);
    desk.window.drop_at(egui::pos2(9000.0, handle.y));
    desk.window.run_steps(2);
    let (low, high) = desk.session().view.range().unwrap();
    assert!((low..=high).contains(&desk.session().view.threshold));
}

#[test]
fn arrow_keys_move_the_threshold_and_shift_moves_it_far() {
    let mut desk = ready();
    let (low, high) = desk.session().view.range().unwrap();
    let before = desk.session().view.threshold;
    desk.key(Key::ArrowRight);
    let near = desk.session().view.threshold;
    assert!((near - before - (high - low) / 100.0).abs() < 1e-9);
    desk.window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowLeft);
    desk.window.run_steps(2);
    assert!((desk.session().view.threshold - (near - (high - low) / 10.0).max(low)).abs() < 1e-9);
}

#[test]
fn a_click_on_a_bar_shows_its_subjects_and_its_chip_takes_that_away() {
    let mut desk = ready();
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect();
    // The left-most bar holds the many ordinary ones; it stands well left of the threshold.
    let at = egui::pos2(handle.center().x - 60.0, handle.bottom() - 3.0);
    desk.window.hover_at(at);
    desk.window.step();
    desk.window.drag_at(at);
    desk.window.step();
    desk.window.drop_at(at);
    desk.window.run_steps(3);
    let (from, to) = desk.session().view.narrow.bar.expect("a bar was clicked");
    let view = &desk.session().view;
    assert!(view.shown() > 0 && view.shown() < ROWS);
    let order = view.order.clone().unwrap();
    for row in 0..view.shown() {
        let position = order.positions[view.at_row(row).unwrap() as usize];
        assert!((from..=to).contains(&order.score(position)));
    }
    desk.window.get_by_label_contains("Remove filter score").click();
    desk.window.run_steps(2);
    assert_eq!(desk.session().view.shown(), ROWS);
}

#[test]
fn rank_by_reorders_histogram_threshold_and_table() {
    let mut desk = ready();
    desk.command(Key::Num2);
    desk.settle();
    let view = &desk.session().view;
    assert_eq!(view.by, residue::domain::RankBy::Loss);
    assert_eq!(view.total(), ROWS - ROWS / 4, "subjects without a loss take no part");
    let losses: Vec<f64> = (0..50).map(|row| view.subject_at(view.at_row(row).unwrap()).unwrap().loss.unwrap()).collect();
    assert!(losses.is_sorted_by(|a, b| a >= b));
    desk.window.get_by_label_contains("highest autoencoder loss over time");
}

#[test]
fn search_narrows_and_says_what_it_cannot_understand() {
    let mut desk = ready();
    desk.command(Key::F);
    desk.window.step();
    desk.window.get_by_label("Search").type_text("+computer:DC1 +whoami");
    desk.window.run_steps(3);
    let view = &desk.session().view;
    assert!(view.shown() > 0 && view.shown() < ROWS / 4);
    for row in 0..view.shown() {
        let subject = view.subject_at(view.at_row(row).unwrap()).unwrap();
        assert!(subject.computer.as_deref() == Some("DC1.corp.example") && subject.title.contains("whoami"));
    }
    let found = view.shown();
    desk.window.state_mut().session.apply(residue::app::Command::Search("+rank:none".into()));
    desk.window.run_steps(2);
    assert!(desk.session().search_fault.as_ref().is_some_and(|f| f.contains("rank")));
    assert_eq!(desk.session().view.shown(), found, "what was found last stays");
    desk.click("Clear search");
    assert_eq!(desk.session().view.shown(), ROWS);
}

#[test]
fn keys_walk_the_table_and_flag_and_note() {
    let mut desk = ready();
    desk.key(Key::Home);
    desk.key(Key::ArrowDown);
    desk.key(Key::ArrowDown);
    desk.settle();
    assert_eq!(desk.session().view.selected.and_then(|s| desk.session().view.row_of(s)), Some(2));
    desk.key(Key::Space);
    desk.settle();
    let key = desk.session().view.subject().unwrap().key;
    assert!(desk.session().marks.is_flagged(key));
    desk.key(Key::N);
    desk.window.step();
    desk.window.get_by_label("Note").type_text("odd parent [1]");
    desk.window.run_steps(2);
    assert_eq!(desk.session().view.shown(), ROWS, "typing a note presses no keys of the table");
    desk.until("the note to be kept", |d| d.log.lock().unwrap().marks.get(&key).is_some_and(|m| m.flagged && m.note == "odd parent [1]"));
    desk.window.get_by_label("Row rank 1 above: schtasks created task Updater to run C:\\Users\\Public\\u.exe").click();
    desk.window.run_steps(2);
    desk.key(Key::CloseBracket);
    desk.settle();
    assert_eq!(desk.session().view.subject().unwrap().key, key, "] goes to the next flagged row");
    desk.command(Key::B);
    assert_eq!(desk.session().view.shown(), 1);
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
    assert_eq!(desk.session().view.selected.and_then(|s| desk.session().view.row_of(s)), Some(ROWS - 1 - residue::app::View::PAGE));
}

#[test]
fn a_flag_that_could_not_be_kept_is_taken_off_the_screen_and_said() {
    let mut desk = ready();
    desk.log.lock().unwrap().refuse_marks = true;
    desk.key(Key::Home);
    desk.key(Key::Space);
    desk.until("the refusal", |d| d.session().marks.is_all_kept());
    assert_eq!(desk.session().marks.flagged().len(), 0);
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
    assert!(desk.session().drill.subject.is_none());
    desk.key(Key::Escape);
    desk.settle();
    assert_eq!(desk.session().drill.subject, desk.session().view.selected);
}

#[test]
fn ordinary_ones_leave_the_ranking_with_undo() {
    let mut desk = ready();
    desk.key(Key::Home);
    desk.settle();
    let (title, channel) = desk.session().view.subject().map(|s| (s.title.clone(), s.channel.clone())).unwrap();
    desk.window.key_press_modifiers(Modifiers::SHIFT, Key::O);
    desk.window.run_steps(3);
    let taken = desk.session().ordinary.taken;
    assert!(taken > 1);
    desk.window.get_by_label("Reason").type_text("the monthly updater");
    desk.window.run_steps(2);
    desk.window.get_by_label(&format!("Take {taken} subjects out"));
    desk.key(Key::Enter);
    desk.settle();
    assert_eq!(desk.session().view.total(), ROWS - taken);
    let view = &desk.session().view;
    assert!((0..view.shown()).all(|row| {
        let subject = view.subject_at(view.at_row(row).unwrap()).unwrap();
        (&subject.title, &subject.channel) != (&title, &channel)
    }));
    desk.command(Key::Z);
    desk.settle();
    assert_eq!(desk.session().view.total(), ROWS);
    desk.command(Key::Y);
    desk.settle();
    assert_eq!(desk.session().view.total(), ROWS - taken);
    // The list says why, and brings back; a suppression file carries it on.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordinary.toml");
    desk.window.state_mut().session.apply(residue::app::Command::ExportRules(file.clone()));
    desk.window.state_mut().session.apply(residue::app::Command::Dialog(Some(residue::app::Dialog::Rules)));
    desk.window.run_steps(3);
    desk.window.get_by_label("the monthly updater");
    desk.click("Restore rule 1");
    desk.settle();
    assert_eq!(desk.session().view.total(), ROWS);
    desk.window.state_mut().session.apply(residue::app::Command::ImportRules(file));
    desk.settle();
    assert_eq!((desk.session().view.total(), desk.session().rules.rules()[0].reason.as_str()), (ROWS - taken, "the monthly updater"));
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
    let mut form = desk.session().export.clone();
    form.path = stem.clone();
    desk.window.state_mut().session.apply(residue::app::Command::ExportForm(Box::new(form)));
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
    let (above, threshold) = (desk.session().view.above(), desk.session().view.threshold);
    let order = residue::app::ExportOrder {
        which: residue::app::Which::Above,
        files: vec![(residue::export::Format::Csv, folder.path().join("a.csv"))],
        replace: false,
    };
    desk.window.state_mut().session.apply(residue::app::Command::Export(order));
    desk.until("the file", |d| !d.log.lock().unwrap().exported.is_empty());
    let log = desk.log.lock().unwrap();
    assert_eq!((log.exported[0].ranks.len(), log.exported[0].threshold), (above, threshold));
    assert!(log.exported[0].ranks.iter().copied().eq(1..=above as u64));
}

#[test]
fn the_palette_finds_and_runs_a_command() {
    let mut desk = ready();
    desk.command(Key::K);
    desk.window.run_steps(2);
    desk.window.get_by_label("Find a command").type_text("rarity");
    desk.window.run_steps(2);
    desk.key(Key::Enter);
    desk.settle();
    assert_eq!(desk.session().view.by, residue::domain::RankBy::Rarity);
    assert_eq!(desk.session().dialog, None);
}

#[test]
fn help_lists_every_key_and_escape_closes_it() {
    let mut desk = ready();
    desk.key(Key::F1);
    desk.window.run_steps(2);
    desk.window.get_by_label("Ctrl+K");
    desk.window.get_by_label("F5 or Ctrl+Enter");
    desk.key(Key::Escape);
    assert_eq!(desk.session().dialog, None);
}

#[test]
fn cancel_answers_at_once_and_keeps_the_first_ranking() {
    let mut desk = desk(ROWS, SIZE, false);
    desk.window.state_mut().session.plan.seed = 7;
    desk.click("Try the demo case");
    desk.until("training", |d| d.session().curve.len() == 40 && d.session().view.order.is_some());
    desk.window.get_by_label_contains("first ranking, by counting");
    desk.until("progress", |d| d.session().pace.share().is_some());
    desk.window.get_by_label_contains("training fields");
    let begin = Instant::now();
    desk.window.get_by_label("Cancel").click();
    desk.window.run_steps(1);
    assert!(desk.window.query_by_label("stopping").is_some() || !desk.session().activity.is_busy(), "the window answers in the next frame");
    desk.until("the end", |d| !d.session().activity.is_busy());
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(desk.session().view.total(), ROWS);
}

#[test]
fn notices_are_counted_and_listed() {
    let mut desk = ready();
    desk.window.get_by_label("2 notices").click();
    desk.window.run_steps(2);
    desk.window.get_by_label_contains("read in part, 358 records, 8 defects");
    desk.window.get_by_label_contains("made by an earlier version");
}

#[test]
fn a_case_opened_again_shows_what_it_showed() {
    let mut desk = ready();
    desk.key(Key::ArrowRight);
    desk.command(Key::Num3);
    desk.settle();
    desk.window.state_mut().session.apply(residue::app::Command::Search("+whoami".into()));
    desk.key(Key::Home);
    desk.key(Key::Space);
    desk.settle();
    let (threshold, shown) = (desk.session().view.threshold, desk.session().view.shown());
    let log = Arc::clone(&desk.log);
    drop(desk);
    let fake = Fake { subjects: ROWS, log: Arc::clone(&log) };
    let mut again = desk_on(fake, log, Arc::default(), SIZE, false);
    again.click("Try the demo case");
    again.until("the ranking", |d| d.session().view.order.is_some() && !d.session().activity.is_busy());
    assert_eq!((again.session().view.by, again.session().view.shown()), (residue::domain::RankBy::Rarity, shown));
    assert_eq!(again.session().view.threshold, threshold);
    assert_eq!(again.session().marks.flagged().len(), 1);
}

#[test]
fn file_dialogs_are_asked_for_and_their_answer_opens() {
    let mut desk = desk(10, SIZE, false);
    desk.command(Key::O);
    desk.window.run_steps(2);
    desk.click("Choose files…");
    assert_eq!(desk.hand.lock().unwrap().asked, [Pick::EvidenceFiles]);
    desk.hand.lock().unwrap().answers.push((Pick::EvidenceFiles, vec!["/evidence/System.evtx".into()]));
    desk.until("the case", |d| d.session().case().is_some());
}

#[test]
fn columns_are_chosen_and_sorted() {
    let mut desk = analysed(ROWS, vec2(2400.0, 900.0), false);
    desk.window.state_mut().session.apply(residue::app::Command::ToggleColumn(residue::app::Column::EventId));
    desk.window.run_steps(2);
    desk.window.state_mut().session.apply(residue::app::Command::Sort(residue::app::Column::Count));
    desk.settle();
    let view = &desk.session().view;
    let counts: Vec<u64> = (0..view.shown()).map(|row| view.subject_at(view.at_row(row).unwrap()).unwrap().count).collect();
    assert!(counts.is_sorted());
    desk.window.get_by_label("Events").click();
    desk.window.run_steps(2);
    desk.settle();
    assert_eq!(desk.session().view.subject_at(desk.session().view.at_row(0).unwrap()).unwrap().count, 25);
}

#[test]
fn a_brush_over_the_strip_narrows_to_that_time() {
    let mut desk = ready();
    let strip = desk.window.get_by_label("Loss over time").rect();
    let at = |share: f32| egui::pos2(strip.left() + strip.width() * share, strip.center().y);
    desk.window.drag_at(at(0.2));
    desk.window.step();
    desk.window.hover_at(at(0.4));
    desk.window.step();
    desk.window.drop_at(at(0.4));
    desk.window.run_steps(2);
    desk.settle();
    let (from, to) = desk.session().view.narrow.brush.expect("a brush");
    let view = &desk.session().view;
    assert!(view.shown() > ROWS / 8 && view.shown() < ROWS / 3);
    assert!((0..view.shown()).all(|row| view.subject_at(view.at_row(row).unwrap()).unwrap().first_seen.is_some_and(|t| (from..=to).contains(&t))));
    desk.command(Key::Z);
    assert_eq!(desk.session().view.narrow.brush, None, "one brush is one step back");
}

#[test]
fn a_brush_that_is_over_before_the_next_frame_still_narrows_and_a_click_takes_it_away() {
    let mut desk = ready();
    let strip = desk.window.get_by_label("Loss over time").rect();
    let at = |share: f32| egui::pos2(strip.left() + strip.width() * share, strip.center().y);
    let button = |pos, pressed| egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
    let all = [egui::Event::PointerMoved(at(0.3)), button(at(0.3), true), egui::Event::PointerMoved(at(0.5)), button(at(0.5), false)];
    desk.window.input_mut().events.extend(all);
    desk.window.run_steps(2);
    assert!(desk.session().view.narrow.brush.is_some());
    desk.window.input_mut().events.extend([button(at(0.6), true), button(at(0.6), false)]);
    desk.window.run_steps(2);
    assert_eq!(desk.session().view.narrow.brush, None);
}

#[test]
fn it_fits_small_and_large_screens() {
    for size in [vec2(1024.0, 600.0), vec2(1366.0, 768.0), vec2(3840.0, 2160.0)] {
        let desk = analysed(300, size, false);
        for label in ["Analyse", "Export…", "Search"] {
            let rect = desk.window.get_by_label(label).rect();
            assert!(rect.right() <= size.x && rect.bottom() <= size.y, "{label} at {rect:?} on {size:?}");
        }
        assert!(desk.window.get_by_label_contains("Row rank 1 above").rect().top() < size.y - 60.0);
    }
}

#[test]
fn an_empty_ranking_is_no_trouble() {
    let mut desk = analysed(0, SIZE, false);
    desk.key(Key::End);
    desk.key(Key::Space);
    desk.key(Key::ArrowRight);
    desk.command(Key::E);
    desk.window.run_steps(2);
    assert_eq!(desk.session().view.total(), 0);
}

#[test]
fn unsaved_cases_are_offered_again_and_a_demo_only_looked_at_leaves_none() {
    let fake = Fake::new(100);
    let log = Arc::clone(&fake.log);
    let unsaved = |name: &str| residue::app::Unsaved { dir: name.into(), used: Some(super::fake::BEGIN) };
    log.lock().unwrap().unsaved = vec![unsaved("/cache/scratch-1.residue"), unsaved("/cache/scratch-2.residue")];
    let mut desk = desk_on(fake, Arc::clone(&log), Arc::default(), SIZE, false);
    desk.until("the list", |d| d.session().unsaved.len() == 2);
    desk.window.query_all_by_label_contains("Delete the case").next().unwrap().click();
    desk.until("the deletion", |_| log.lock().unwrap().unsaved.len() == 1);
    desk.click("Open the case last used 2020-09-17 17:57:18");
    desk.until("the case", |d| d.session().case().is_some());
    assert_eq!(desk.session().title, "Unsaved case");
    let mut desk = analysed(100, SIZE, false);
    desk.window.state_mut().session.apply(residue::app::Command::CloseCase);
    assert_eq!(desk.log.lock().unwrap().discarded, 1);
    let mut desk = analysed(100, SIZE, false);
    desk.key(Key::Home);
    desk.key(Key::Space);
    desk.settle();
    desk.window.state_mut().session.apply(residue::app::Command::CloseCase);
    assert_eq!(desk.log.lock().unwrap().discarded, 0, "a demo that was worked in is kept");
}

#[test]
fn a_window_that_nothing_happens_in_stops_drawing() {
    for width in [1024.0, 1280.0, 1366.0, 1600.0] {
        let mut desk = analysed(ROWS, vec2(width, 768.0), false);
        for _ in 0..3 {
            desk.key(Key::ArrowDown);
            desk.settle();
            desk.window.run_steps(20);
            let delay = desk.window.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
            assert!(delay > Duration::from_millis(200), "at {width} points: {delay:?}, {:?}", desk.window.ctx.repaint_causes());
        }
    }
}

#[test]
fn rules_stand_beside_what_is_unusual() {
    use residue::app::Show;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("hayabusa.csv");
    crate::case::hayabusa_of(&crate::support::estate().evtx, &rules, 40);
    let mut desk = working_desk(SIZE);
    let open = |desk: &mut Desk, path: PathBuf| {
        desk.window.state_mut().session.apply(residue::app::Command::Open(vec![path]));
        desk.settle();
    };
    open(&mut desk, crate::support::estate().evtx.clone());
    open(&mut desk, rules);
    desk.until("the joined rules", |d| !d.session().findings.is_empty());
    assert_eq!((desk.session().findings.results, desk.session().findings.joined), (41, 40));
    for detector in residue::domain::DetectorId::ALL.into_iter().filter(|d| *d != residue::domain::DetectorId::Fields) {
        desk.window.state_mut().session.apply(residue::app::Command::Choose(detector, false));
    }
    desk.window.state_mut().session.apply(residue::app::Command::Analyse);
    desk.settle();
    let numbers = |desk: &Desk| {
        let view = &desk.session().view;
        let hit = |row: usize| desk.session().findings.highest(view.subject_at(view.at_row(row).unwrap()).unwrap()).is_some();
        (view.shown(), (0..view.shown()).filter(|row| hit(*row)).count())
    };
    let show = |desk: &mut Desk, show: Show| {
        desk.window.state_mut().session.apply(residue::app::Command::Show(show));
        desk.settle();
        numbers(desk)
    };
    let (all, ruled) = show(&mut desk, Show::All);
    assert!(ruled > 0 && ruled < all);
    // However the threshold stands, the three parts and what neither calls noteworthy make the whole.
    for quantile in [0.99, 0.5, 0.2] {
        desk.window.state_mut().session.apply(residue::app::Command::Quantile(quantile));
        let above = desk.session().view.above();
        let severe = desk.session().view.severe();
        let (both, both_hit) = show(&mut desk, Show::Both);
        let (unusual, unusual_hit) = show(&mut desk, Show::OnlyUnusual);
        let (rules, rules_hit) = show(&mut desk, Show::OnlyRules);
        assert_eq!((both_hit, unusual_hit, rules_hit), (both, 0, rules));
        assert_eq!((both + unusual, both + rules), (above, ruled));
        assert!(severe.iter().all(|(above, all)| above <= all) && severe[0].0 + severe[1].0 <= both);
    }
    // The same in words, and on the screen.
    desk.window.state_mut().session.apply(residue::app::Command::Search("+ruled:yes +rule_level:critical".into()));
    let (critical, hit) = show(&mut desk, Show::All);
    assert!(critical > 0 && critical == hit && critical == desk.session().view.severe()[0].1);
    desk.window.get_by_label("Only rules");
    desk.key(Key::Home);
    desk.settle();
    assert!(desk.window.query_all_by_label_contains("Rules that hit").count() > 0);
}

#[test]
fn all_detectors_stand_in_one_list_that_leads_to_its_rows() {
    let mut desk = ready();
    desk.command(Key::L);
    desk.until("the list", |d| d.session().fusion.is_some());
    let fusion = desk.session().fusion.clone().unwrap();
    assert_eq!(fusion.detectors, [residue::domain::DetectorId::Fields]);
    assert!(fusion.rows.windows(2).all(|w| w[0].score >= w[1].score) && fusion.computers.len() == 3);
    desk.window.get_by_label("Computers and users");
    let key = desk.session().view.subject_at(4).unwrap().key;
    desk.window.state_mut().session.apply(residue::app::Command::GoTo(residue::domain::DetectorId::Fields, key));
    desk.settle();
    assert_eq!((desk.session().view.selected, desk.session().dialog), (Some(4), None));
    assert!(desk.window.query_all_by_label_contains("Decoded (base64)").count() > 0);
}
