//! Around the ranking: commands, help, notices, sizes, rest.

use super::desk::{ROWS, SIZE, analysed, ready};
use eframe::egui::{self, Key, vec2};
use egui_kittest::kittest::Queryable;
use residue::app::{Dialog, WindowCommand};
use std::time::Duration;

#[test]
fn the_palette_finds_and_runs_a_command() {
    let mut desk = ready();
    desk.command(Key::K);
    desk.window.run_steps(2);
    desk.window.get_by_label("Find a command").type_text("rarity");
    desk.window.run_steps(2);
    desk.key(Key::Enter);
    desk.settle();
    assert_eq!(desk.session().open.view.by, residue::domain::RankBy::Rarity);
    assert_eq!(desk.session().dialog, None);
}

#[test]
fn what_is_typed_in_the_frame_that_opens_a_field_is_typed_into_it() {
    let mut desk = ready();
    let key = |key, modifiers| egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers };
    let text = |text: &str| egui::Event::Text(text.into());
    let all = [key(Key::F, egui::Modifiers::COMMAND), key(Key::S, egui::Modifiers::NONE), text("s"), key(Key::N, egui::Modifiers::NONE), text("n")];
    desk.window.input_mut().events.extend(all);
    desk.window.run_steps(4);
    assert_eq!(desk.session().open.view.narrow.search, "sn");
    desk.window.run_steps(2);
    desk.key(Key::Escape);
    desk.key(Key::Escape);
    desk.key(Key::Home);
    desk.settle();
    desk.window.input_mut().events.extend([key(Key::N, egui::Modifiers::NONE), text("n"), key(Key::O, egui::Modifiers::NONE), text("o")]);
    desk.window.run_steps(4);
    let view = &desk.session().open.view;
    let note = view.subject_at(view.selected.unwrap()).unwrap().key;
    desk.until("the note", |d| d.session().open.marks.get(note).is_some_and(|mark| mark.note == "o"));
    desk.key(Key::Escape);
    let palette = [key(Key::K, egui::Modifiers::COMMAND), text("rarit"), text("y"), key(Key::Enter, egui::Modifiers::NONE)];
    desk.window.input_mut().events.extend(palette);
    desk.window.run_steps(12);
    desk.settle();
    assert_eq!(desk.session().open.view.by, residue::domain::RankBy::Rarity);
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
fn notices_are_counted_and_listed() {
    let mut desk = ready();
    desk.window.get_by_label("2 notices").click();
    desk.window.run_steps(2);
    desk.window.get_by_label_contains("read in part, 358 records, 8 defects");
    desk.window.get_by_label_contains("made by an earlier version");
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
fn everything_that_can_be_pressed_takes_room() {
    let mut desk = ready();
    desk.key(Key::ArrowDown);
    desk.settle();
    desk.takes_room("ranking");
    use Dialog as D;
    let before = [D::Open, D::Combined, D::Compare, D::Coverage, D::Export, D::ExportEvents, D::Import, D::Indicators, D::Ordinary, D::Rules];
    let after = [D::Save, D::SaveBaseline, D::Searches, D::Settings, D::Palette, D::Keys, D::Notices, D::About, D::Words];
    for dialog in before.into_iter().chain(after) {
        desk.window.state_mut().session.apply(WindowCommand::Dialog(Some(dialog)));
        desk.window.run_steps(3);
        desk.takes_room(&format!("{dialog:?}"));
        desk.key(Key::Escape);
    }
    let mut desk = super::desk::desk(10, SIZE, false);
    desk.window.run_steps(3);
    desk.takes_room("empty");
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
        desk.command(Key::F);
        desk.window.run_steps(20);
        let delay = desk.window.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
        assert!(desk.window.get_by_label("Search").is_focused() && delay > Duration::from_secs(2), "a caret at {width} points: {delay:?}");
    }
}
