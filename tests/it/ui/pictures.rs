//! Pictures of the window at work on the demo case, for the README; needs a renderer (a software one will do) but no display.

use super::desk::{Desk, desk, real_desk};
use eframe::egui::{self, Key, Role};
use egui_kittest::kittest::Queryable;
use residue::app::{BrowseCommand, CaseCommand, Column, Dialog, JobCommand, Look, NarrowCommand, PlanCommand, ViewCommand, WindowCommand, WordsCommand};
use residue::domain::{DetectorId, Expression, Preset};

#[test]
#[ignore = "renders screenshots/: cargo test --release --test it ui::pictures -- --ignored"]
fn render_every_face_of_the_window() {
    let size = egui::vec2(1366.0, 768.0);
    desk(10, size, true).shot("start");
    let mut desk = real_desk(size);
    desk.click("Try the demo case");
    desk.until("training", |d| d.session().open.curve.len() > 12 && d.session().open.view.order.is_some());
    desk.shot("training");
    desk.until("the rankings", |d| d.session().case().is_some() && !d.session().activity.is_busy());
    for detector in [DetectorId::Chains, DetectorId::Fields] {
        if desk.session().open.rankings.contains_key(&detector) {
            desk.window.state_mut().session.apply(ViewCommand::ShowDetector(detector));
        }
    }
    desk.settle();
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect().center();
    desk.window.drag_at(handle);
    desk.window.step();
    desk.window.hover_at(handle - egui::vec2(24.0, 0.0));
    desk.window.step();
    desk.shot("ranking");
    desk.window.drop_at(handle - egui::vec2(24.0, 0.0));
    for _ in 0..3 {
        desk.key(Key::ArrowDown);
        desk.key(Key::Space);
    }
    desk.settle();
    desk.shot("drill-down");
    desk.window.key_press_modifiers(egui::Modifiers::SHIFT, Key::O);
    desk.window.run_steps(3);
    desk.shot("ordinary");
    desk.key(Key::Escape);
    desk.command(Key::L);
    desk.until("the list of all detectors", |d| d.session().open.combined.fusion.is_some());
    desk.shot("combined");
    desk.key(Key::Escape);
    desk.window.state_mut().session.apply(NarrowCommand::Search("powershell schtasks".into()));
    desk.settle();
    desk.shot("search");
    desk.window.state_mut().session.apply(NarrowCommand::Search(String::new()));
    desk.settle();
    desk.key(Key::F6);
    desk.window.state_mut().session.apply(NarrowCommand::Search("+4688".into()));
    desk.window.state_mut().session.apply(BrowseCommand::GroupEvents(Some(residue::case::search::Column::Image)));
    desk.until("the events", |d| !d.session().open.browse.is_waiting());
    desk.key(Key::ArrowDown);
    desk.settle();
    desk.shot("events");
    desk.window.state_mut().session.apply(BrowseCommand::ToggleEvents);
    desk.settle();
    desk.command(Key::E);
    desk.shot("export");
    desk.key(Key::Escape);
    desk.command(Key::K);
    desk.shot("palette");
    desk.key(Key::Escape);
    desk.window.state_mut().session.apply(WindowCommand::Look(Look::Light));
    desk.window.state_mut().session.apply(WindowCommand::ToggleColumn(Column::Channel));
    desk.window.run_steps(3);
    desk.shot("light");
    assert!(desk.session().open.marks.flagged().len() >= 3);
    desk.window.state_mut().session.apply(CaseCommand::Close);
}

/// Analyses the demo with one detector.
fn alone(desk: &mut Desk, detector: DetectorId, preset: Preset) {
    for other in DetectorId::ALL {
        desk.apply(PlanCommand::Choose(other, other == detector));
    }
    desk.apply(PlanCommand::Preset(preset));
    desk.apply(JobCommand::Analyse);
    desk.until("the analysis", |d| !d.session().activity.is_busy());
    desk.apply(ViewCommand::ShowDetector(detector));
    desk.settle();
}

#[test]
#[ignore = "renders screenshots/: cargo test --release --test it ui::pictures -- --ignored"]
fn render_what_was_learned() {
    let mut desk = real_desk(egui::vec2(1366.0, 1100.0));
    desk.click("Try the demo case");
    desk.until("the demo", |d| d.session().case().is_some() && !d.session().open.sources.is_empty());
    desk.apply(JobCommand::Cancel);
    desk.settle();

    // The process tree around the first chain.
    alone(&mut desk, DetectorId::Chains, Preset::Recommended);
    desk.key(Key::Home);
    desk.until("the tree", |d| d.session().open.drill.tree.is_some());
    desk.settle();
    desk.click("Event");
    desk.shot("tree");

    // The words of the published method, and an expression that was changed.
    alone(&mut desk, DetectorId::Chains, Preset::Published);
    desk.apply(WordsCommand::LookAtWords);
    desk.until("the words", |d| !d.session().open.lexicon.plane.is_empty());
    desk.apply(WordsCommand::ChooseWord(4));
    desk.shot("words");
    let mut expressions = desk.session().open.lexicon.expressions.clone();
    expressions.insert(0, Expression { regex: "kb[0-9]+".into(), ..Expression::default() });
    desk.apply(WordsCommand::Expressions(expressions));
    desk.shot("expressions");
    desk.click("Learn again with these");
    desk.until("the second analysis", |d| !d.session().activity.is_busy());
    assert!(
        desk.session().open.rankings[&DetectorId::Chains]
            .report
            .remarks
            .iter()
            .any(|remark| remark.starts_with("^(?:kb[0-9]+)$") || remark.contains("kb[0-9]+"))
    );

    // Labels, what they taught, and the networks side by side.
    alone(&mut desk, DetectorId::Process, Preset::Recommended);
    for (from, verdict) in [(Key::Home, Key::M), (Key::End, Key::B)] {
        desk.key(from);
        for _ in 0..7 {
            desk.key(verdict);
            desk.key(if from == Key::Home { Key::ArrowDown } else { Key::ArrowUp });
        }
    }
    desk.settle();
    alone(&mut desk, DetectorId::Process, Preset::Recommended);
    assert!(desk.session().open.rankings[&DetectorId::Process].report.validation.is_some());
    desk.key(Key::Home);
    desk.settle();
    desk.shot("classifier");
    desk.window.state_mut().session.open.choices.plan.settings.process.epochs = 12;
    desk.apply(WindowCommand::Dialog(Some(Dialog::Compare)));
    desk.click("Train and compare");
    desk.until("the networks", |d| !d.session().activity.is_busy());
    desk.shot("compare");
    desk.key(Key::Escape);

    // A table that nobody knows.
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("door-controller.csv");
    let row = |n: u32| format!("{},Door {} opened by badge {},DOORS1,guard{}\n", 1_614_834_367 + 600 * n, n % 4, 4000 + n * 7 % 50, n % 3);
    std::fs::write(&odd, format!("when,what,panel,operator\n{}", (0..40).map(row).collect::<String>())).unwrap();
    desk.apply(CaseCommand::Open(vec![odd]));
    desk.until("the question", |d| d.session().dialog == Some(Dialog::Mapping));
    desk.shot("mapping");
    desk.key(Key::Escape);
    desk.apply(CaseCommand::Close);
}
