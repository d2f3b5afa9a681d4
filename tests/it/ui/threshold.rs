//! The threshold on the histogram, and the strip of time below it.

use super::desk::{ROWS, SIZE, analysed, ready};
use eframe::egui::{self, Key, Modifiers, Role, vec2};
use egui_kittest::kittest::Queryable;

#[test]
fn dragging_the_threshold_changes_counts_in_the_same_frame() {
    let mut desk = ready();
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect().center();
    let before = desk.session().open.view.above();
    desk.window.hover_at(handle);
    desk.window.step();
    desk.window.drag_at(handle);
    desk.window.step();
    for step in 1..=10_u8 {
        let to = handle - vec2(f32::from(step) * 6.0, 0.0);
        desk.window.hover_at(to);
        desk.window.step();
        let above = desk.session().open.view.above();
        let said = format!("above: {}", residue::app::words::count(above));
        assert!(desk.window.query_by_label(&said).is_some(), "the frame that moved the threshold says {said}");
    }
    desk.window.drop_at(handle - vec2(60.0, 0.0));
    desk.window.run_steps(2);
    assert!(desk.session().open.view.above() > before);
    let moved = desk.session().open.view.threshold;
    desk.command(Key::Z);
    assert_eq!(desk.session().open.view.above(), before, "one drag is one step back");
    desk.command(Key::Y);
    assert_eq!(desk.session().open.view.threshold, moved);
}

#[test]
fn a_drag_that_is_over_before_the_next_frame_still_moves_the_threshold() {
    let mut desk = ready();
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect().center();
    let (before, to) = (desk.session().open.view.above(), handle - vec2(60.0, 0.0));
    let button = |pos, pressed| egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
    let all = [egui::Event::PointerMoved(handle), button(handle, true), egui::Event::PointerMoved(to), button(to, false)];
    desk.window.input_mut().events.extend(all);
    desk.window.run_steps(2);
    assert!(desk.session().open.view.above() > before);
    assert!(desk.session().open.view.narrow.bar.is_none(), "no bar was clicked");
    desk.command(Key::Z);
    assert_eq!(desk.session().open.view.above(), before);
}

#[test]
fn the_threshold_stays_within_the_plot() {
    let mut desk = ready();
    let handle = desk.window.get_by_role_and_label(Role::Slider, "Threshold").rect().center();
    desk.window.drag_at(handle);
    desk.window.step();
    desk.window.hover_at(egui::pos2(-500.0, handle.y));
    desk.window.step();
    assert_eq!(desk.session().open.view.above(), ROWS);
    desk.window.hover_at(egui::pos2(9000.0, handle.y));
    desk.window.step();
    assert_eq!(desk.session().open.view.above(), 0);
    desk.window.drop_at(egui::pos2(9000.0, handle.y));
    desk.window.run_steps(2);
    let (low, high) = desk.session().open.view.range().unwrap();
    assert!((low..=high).contains(&desk.session().open.view.threshold));
}

#[test]
fn arrow_keys_move_the_threshold_and_shift_moves_it_far() {
    let mut desk = ready();
    let (low, high) = desk.session().open.view.range().unwrap();
    let before = desk.session().open.view.threshold;
    desk.key(Key::ArrowRight);
    let near = desk.session().open.view.threshold;
    assert!((near - before - (high - low) / 100.0).abs() < 1e-9);
    desk.window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowLeft);
    desk.window.run_steps(2);
    assert!((desk.session().open.view.threshold - (near - (high - low) / 10.0).max(low)).abs() < 1e-9);
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
    let (from, to) = desk.session().open.view.narrow.bar.expect("a bar was clicked");
    let view = &desk.session().open.view;
    assert!(view.shown() > 0 && view.shown() < ROWS);
    let order = view.order.clone().unwrap();
    for row in 0..view.shown() {
        let position = order.positions[view.at_row(row).unwrap() as usize];
        assert!((from..=to).contains(&order.score(position)));
    }
    desk.window.get_by_label_contains("Remove filter score").click();
    desk.window.run_steps(2);
    assert_eq!(desk.session().open.view.shown(), ROWS);
}

#[test]
fn rank_by_reorders_histogram_threshold_and_table() {
    let mut desk = ready();
    desk.command(Key::Num2);
    desk.settle();
    let view = &desk.session().open.view;
    assert_eq!(view.by, residue::domain::RankBy::Loss);
    assert_eq!(view.total(), ROWS - ROWS / 4, "subjects without a loss take no part");
    let losses: Vec<f64> = (0..50).map(|row| view.subject_at(view.at_row(row).unwrap()).unwrap().loss.unwrap()).collect();
    assert!(losses.is_sorted_by(|a, b| a >= b));
    desk.window.get_by_label_contains("highest autoencoder loss over time");
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
    let (from, to) = desk.session().open.view.narrow.brush.expect("a brush");
    let view = &desk.session().open.view;
    assert!(view.shown() > ROWS / 8 && view.shown() < ROWS / 3);
    assert!((0..view.shown()).all(|row| view.subject_at(view.at_row(row).unwrap()).unwrap().first_seen.is_some_and(|t| (from..=to).contains(&t))));
    desk.command(Key::Z);
    assert_eq!(desk.session().open.view.narrow.brush, None, "one brush is one step back");
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
    assert!(desk.session().open.view.narrow.brush.is_some());
    desk.window.input_mut().events.extend([button(at(0.6), true), button(at(0.6), false)]);
    desk.window.run_steps(2);
    assert_eq!(desk.session().open.view.narrow.brush, None);
}

#[test]
fn an_empty_ranking_is_no_trouble() {
    let mut desk = analysed(0, SIZE, false);
    desk.key(Key::End);
    desk.key(Key::Space);
    desk.key(Key::ArrowRight);
    desk.command(Key::E);
    desk.window.run_steps(2);
    assert_eq!(desk.session().open.view.total(), 0);
}
