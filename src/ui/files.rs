//! Dialogs that take one more file: a list of indicators, where a baseline is saved, and where a list of events goes.

use crate::app::words;
use crate::app::{JobCommand, Pick, Session};
use crate::ui::opening::{modal, path_edit, typed};
use crate::ui::screen::{Queue, Screen};
use eframe::egui::{Button, Context, Key, TextEdit};

/// *Indicators*.
pub(super) fn indicators(ctx: &Context, screen: &mut Screen, queue: &mut Queue) {
    modal(ctx, "Indicators", 600.0, queue, |ui, queue| {
        ui.label("A text file with a hash, file name, address or domain on each line. What holds one gets the tag \"indicator\" and a note that says which; Ctrl+Z takes it back.");
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            let width = ui.available_width() - 160.0;
            let edit = ui.add(TextEdit::singleline(&mut screen.indicators_path).hint_text("/cases/indicators.txt").desired_width(width));
            let edit = edit.accessible_name("Path of a list of indicators");
            let entered = edit.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            let ready = !screen.indicators_path.trim().is_empty();
            if (ui.add_enabled(ready, Button::new("Look for them")).clicked() || entered) && ready {
                queue.push(JobCommand::Indicators(typed(&screen.indicators_path)));
            }
            if ui.button("Choose…").clicked() {
                queue.push(Pick::Indicators);
            }
        });
    });
}

/// *Export events*.
pub(super) fn export_events(ctx: &Context, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    modal(ctx, "Export events", 600.0, queue, |ui, queue| {
        let number = words::count(session.open.browse.found.len());
        ui.label(format!(
            "The {number} events that are listed, in their order, with flags, tags and notes. CSV is as Timesketch imports it; JSON lines end in .jsonl."
        ));
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            let width = ui.available_width() - 170.0;
            let entered = path_edit(ui, &mut screen.events_out, "/cases/events.csv", width, "Path of the events");
            let ready = !screen.events_out.trim().is_empty();
            if (ui.add_enabled(ready, Button::new("Export")).accessible_name("Export the events").clicked() || entered) && ready {
                queue.push(JobCommand::ExportEvents(typed(&screen.events_out)));
            }
            if ui.button("Choose…").clicked() {
                queue.push(Pick::EventsOut);
            }
        });
    });
}

/// *Save baseline*.
pub(super) fn save_baseline(ctx: &Context, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    modal(ctx, "Save baseline", 600.0, queue, |ui, queue| {
        let from = session.plan_now().baseline;
        if from.is_empty() {
            ui.label("Nothing is known-good yet: tick sources at the left as known-good, or add a baseline, and save then what they teach.");
            return;
        }
        ui.label("What is saved holds normalised tokens, counts and weights, not the evidence; what one computer or one person alone has shown stays behind. It is learned from:");
        for path in from.iter().take(8) {
            ui.label(path.display().to_string());
        }
        if from.len() > 8 {
            ui.label(format!("and {} more", from.len() - 8));
        }
        ui.add_space(6.0);
        let words =
            TextEdit::singleline(&mut screen.baseline_words).hint_text("what it is made of, in your words").desired_width(f32::INFINITY).char_limit(400);
        ui.add(words).accessible_name("Description of the baseline");
        ui.horizontal(|ui| {
            let width = ui.available_width() - 150.0;
            let edit = ui.add(TextEdit::singleline(&mut screen.baseline_out).hint_text("/cases/good.baseline").desired_width(width));
            edit.accessible_name("Path of the baseline");
            let ready = !screen.baseline_out.trim().is_empty();
            if ui.add_enabled(ready, Button::new("Save")).accessible_name("Save the baseline").clicked() {
                queue.push(JobCommand::SaveBaseline(typed(&screen.baseline_out), screen.baseline_words.clone()));
            }
            if ui.button("Choose…").clicked() {
                queue.push(Pick::BaselineOut);
            }
        });
    });
}
