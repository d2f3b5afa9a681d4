//! Pictures of the window at work on the demo case, for the README; needs a renderer (a software one will do) but no display.

use super::drive::{Desk, desk, real_desk};
use eframe::egui::{self, Key, Role};
use egui_kittest::kittest::Queryable;
use residue::app::{Column, Command, Look};
use residue::domain::DetectorId;

/// Renders the window as it stands.
fn shot(desk: &mut Desk, name: &str) {
    desk.window.remove_cursor();
    desk.window.run_steps(2);
    let picture = desk.window.render().expect("a renderer");
    let folder = std::env::var("RESIDUE_PICTURES").unwrap_or_else(|_| "screenshots".into());
    std::fs::create_dir_all(&folder).unwrap();
    picture.save(format!("{folder}/{name}.png")).unwrap();
}

#[test]
#[ignore = "renders screenshots/: cargo test --release --test it ui::pictures -- --ignored"]
fn render_every_face_of_the_window() {
    let size = egui::vec2(1366.0, 768.0);
    shot(&mut desk(10, size, true), "start");
    let mut desk = real_desk(size);
    desk.click("Try the demo case");
    desk.until("training", |d| d.session().curve.len() > 12 && d.session().view.order.is_some());
    shot(&mut desk, "training");
    desk.until("the rankings", |d| d.session().case().is_some() && !d.session().activity.is_busy());
    for detector in [DetectorId::Chains, DetectorId::Fields] {
        if desk.session().rankings.contains_key(&detector) {
            desk.window.state_mut().session.apply(Command::ShowDetector(detector));
        }
    }
    desk.settle();
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect().center();
    desk.window.drag_at(handle);
    desk.window.step();
    desk.window.hover_at(handle - egui::vec2(24.0, 0.0));
    desk.window.step();
    shot(&mut desk, "ranking");
    desk.window.drop_at(handle - egui::vec2(24.0, 0.0));
    for _ in 0..3 {
        desk.key(Key::ArrowDown);
        desk.key(Key::Space);
    }
    desk.settle();
    shot(&mut desk, "drill-down");
    desk.window.key_press_modifiers(egui::Modifiers::SHIFT, Key::O);
    desk.window.run_steps(3);
    shot(&mut desk, "ordinary");
    desk.key(Key::Escape);
    desk.command(Key::L);
    desk.until("the list of all detectors", |d| d.session().fusion.is_some());
    shot(&mut desk, "combined");
    desk.key(Key::Escape);
    desk.window.state_mut().session.apply(Command::Search("powershell schtasks".into()));
    desk.settle();
    shot(&mut desk, "search");
    desk.window.state_mut().session.apply(Command::Search(String::new()));
    desk.settle();
    desk.key(Key::F6);
    desk.window.state_mut().session.apply(Command::Search("+4688".into()));
    desk.window.state_mut().session.apply(Command::GroupEvents(Some(residue::case::search::Column::Image)));
    desk.until("the events", |d| !d.session().browse.is_waiting());
    desk.key(Key::ArrowDown);
    desk.settle();
    shot(&mut desk, "events");
    desk.window.state_mut().session.apply(Command::ToggleEvents);
    desk.settle();
    desk.command(Key::E);
    shot(&mut desk, "export");
    desk.key(Key::Escape);
    desk.command(Key::K);
    shot(&mut desk, "palette");
    desk.key(Key::Escape);
    desk.window.state_mut().session.apply(Command::Look(Look::Light));
    desk.window.state_mut().session.apply(Command::ToggleColumn(Column::Channel));
    desk.window.run_steps(3);
    shot(&mut desk, "light");
    assert!(desk.session().marks.flagged().len() >= 3);
    desk.window.state_mut().session.apply(Command::CloseCase);
}
