//! Pictures for the README, from the synthetic ranking; needs a renderer (a software one will do).

use super::drive::{Desk, analysed, desk};
use eframe::egui;
use egui_kittest::kittest::Queryable;

fn shot(desk: &mut Desk, name: &str) {
    desk.window.remove_cursor();
    desk.settle();
    let picture = desk.window.render().expect("a renderer");
    let folder = std::env::var("RESIDUE_PICTURES").unwrap_or_else(|_| "screenshots".into());
    std::fs::create_dir_all(&folder).unwrap();
    picture.save(format!("{folder}/{name}.png")).unwrap();
}

#[test]
#[ignore = "renders pictures: RESIDUE_PICTURES=DIR cargo test --release --test it ui::pictures -- --ignored"]
fn render_every_face_of_the_window() {
    let size = egui::vec2(1366.0, 768.0);
    let mut empty = desk(5000, size, true);
    shot(&mut empty, "start");
    let mut desk = analysed(8465, size, true);
    shot(&mut desk, "ranking");
    desk.key(egui::Key::Home);
    desk.key(egui::Key::ArrowDown);
    desk.key(egui::Key::Space);
    shot(&mut desk, "details");
    desk.command(egui::Key::E);
    shot(&mut desk, "export");
    desk.key(egui::Key::Escape);
    desk.command(egui::Key::K);
    shot(&mut desk, "palette");
    desk.key(egui::Key::Escape);
    desk.command(egui::Key::Comma);
    shot(&mut desk, "settings");
    desk.key(egui::Key::Escape);
    desk.key(egui::Key::F1);
    shot(&mut desk, "keys");
    desk.key(egui::Key::Escape);
    desk.window.state_mut().session.apply(residue::app::Command::Look(residue::app::Look::Light));
    shot(&mut desk, "light");
    assert!(desk.window.query_by_label("Search").is_some());
}
