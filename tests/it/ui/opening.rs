//! What is opened, analysed, cancelled and opened again.

use super::desk::{ROWS, SIZE, analysed, desk, desk_on, ready};
use super::fake::Fake;
use eframe::egui::{self, Key, Role};
use egui_kittest::kittest::Queryable;
use residue::app::Pick;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    assert!(desk.session().open.rankings.is_empty(), "opening alone analyses nothing");
    desk.click("Analyse this evidence");
    desk.until("a ranking", |d| d.session().open.view.order.is_some());
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
    assert_eq!(desk.session().open.title, "Security");
}

#[test]
fn what_cannot_be_opened_is_said_with_what_to_do() {
    let mut desk = desk(10, SIZE, false);
    desk.window.state_mut().session.apply(residue::app::CaseCommand::Open(vec!["/missing/file".into()]));
    desk.until("the failure", |d| !d.session().activity.is_busy());
    assert!(desk.window.query_all_by_label_contains("nothing is there; check the path: /missing/file").count() > 0);
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
fn the_demo_is_analysed_and_shows_its_final_ranking() {
    let desk = ready();
    assert_eq!(desk.session().open.view.total(), ROWS);
    desk.window.get_by_label_contains("final ranking");
    desk.window.get_by_label("above: 51");
    desk.window.get_by_role_and_label(Role::Slider, "Threshold");
    desk.window.get_by_role_and_label(Role::Button, "Event fields");
    assert!(desk.session().open.curve.len() == 40, "every epoch arrived");
    desk.window.get_by_label_contains("there is no timeline among the evidence");
}

#[test]
fn cancel_answers_at_once_and_keeps_the_first_ranking() {
    let mut desk = desk(ROWS, SIZE, false);
    desk.window.state_mut().session.open.choices.plan.seed = 7;
    desk.click("Try the demo case");
    desk.until("training", |d| d.session().open.curve.len() == 40 && d.session().open.view.order.is_some());
    desk.window.get_by_label_contains("first ranking, by counting");
    desk.until("progress", |d| d.session().pace.share().is_some());
    desk.window.get_by_label_contains("training fields");
    let begin = Instant::now();
    desk.window.get_by_label("Cancel").click();
    desk.window.run_steps(1);
    assert!(desk.window.query_by_label("stopping").is_some() || !desk.session().activity.is_busy(), "the window answers in the next frame");
    desk.until("the end", |d| !d.session().activity.is_busy());
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(desk.session().open.view.total(), ROWS);
}

#[test]
fn a_case_opened_again_shows_what_it_showed() {
    let mut desk = ready();
    desk.key(Key::ArrowRight);
    desk.command(Key::Num3);
    desk.settle();
    desk.window.state_mut().session.apply(residue::app::NarrowCommand::Search("+whoami".into()));
    desk.key(Key::Home);
    desk.key(Key::Space);
    desk.settle();
    let (threshold, shown) = (desk.session().open.view.threshold, desk.session().open.view.shown());
    let log = Arc::clone(&desk.log);
    drop(desk);
    let fake = Fake { subjects: ROWS, log: Arc::clone(&log) };
    let mut again = desk_on(fake, log, Arc::default(), SIZE, false);
    again.click("Try the demo case");
    again.until("the ranking", |d| d.session().open.view.order.is_some() && !d.session().activity.is_busy());
    assert_eq!((again.session().open.view.by, again.session().open.view.shown()), (residue::domain::RankBy::Rarity, shown));
    assert_eq!(again.session().open.view.threshold, threshold);
    assert_eq!(again.session().open.marks.flagged().len(), 1);
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
    assert_eq!(desk.session().open.title, "Unsaved case");
    let mut desk = analysed(100, SIZE, false);
    desk.window.state_mut().session.apply(residue::app::CaseCommand::Close);
    assert_eq!(desk.log.lock().unwrap().discarded, 1);
    let mut desk = analysed(100, SIZE, false);
    desk.key(Key::Home);
    desk.key(Key::Space);
    desk.settle();
    desk.window.state_mut().session.apply(residue::app::CaseCommand::Close);
    assert_eq!(desk.log.lock().unwrap().discarded, 0, "a demo that was worked in is kept");
}
