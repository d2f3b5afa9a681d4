//! The export dialog: which rows, which formats, where, how many; it never replaces a file unasked.

use crate::app::words;
use crate::app::{Command, ExportForm, Session, Which, export};
use crate::ui::opening::modal;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{Button, Context, RichText, TextEdit};

pub(super) fn show(ctx: &Context, session: &Session, queue: &mut Queue) {
    modal(ctx, "Export", 600.0, queue, |ui, queue| {
        let colours = theme::colours(ui);
        let mut form = session.export.clone();
        ui.label(RichText::new("Which rows").color(colours.weak));
        for which in Which::ALL {
            let rows = export::count(&session.view, &session.marks, which);
            if ui.radio(form.which == which, format!("{} ({})", which.title(), words::count(rows))).clicked() {
                form.which = which;
            }
        }
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            ui.checkbox(&mut form.csv, "CSV").on_hover_text("Imports into Timesketch and Timeline Explorer as it is");
            ui.checkbox(&mut form.jsonl, "JSONL").on_hover_text("One object a line, text faithful to the evidence, every member event and contribution");
        });
        ui.add_space(6.0);
        ui.label(RichText::new("Where (without ending)").color(colours.weak));
        ui.horizontal(|ui| {
            ui.add(TextEdit::singleline(&mut form.path).desired_width(ui.available_width() - 90.0)).accessible_name("Path of the export");
            if ui.button("Choose…").clicked() {
                queue.push(Command::PickExport);
            }
        });
        let rows = export::count(&session.view, &session.marks, form.which);
        let order = form.order();
        for file in order.csv.iter().chain(&order.jsonl) {
            ui.label(RichText::new(format!("{} ({})", file.display(), words::rows(rows))).small().color(colours.weak));
        }
        for file in &form.existing {
            ui.label(RichText::new(format!("is there already: {}", file.display())).color(colours.warning));
        }
        if let Some(why) = &form.refusal {
            ui.label(RichText::new(why).color(colours.error));
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let replaces = !form.existing.is_empty();
            let ready = rows > 0 && (order.csv.is_some() || order.jsonl.is_some());
            let label = if replaces { format!("Replace and export {}", words::rows(rows)) } else { format!("Export {}", words::rows(rows)) };
            let response = ui.add_enabled(ready, Button::new(label).fill(ui.visuals().selection.bg_fill));
            if response.clicked() {
                queue.push(Command::ExportForm(Box::new(form.clone())));
                queue.push(Command::Export(order));
            }
            response.on_disabled_hover_text(if rows == 0 { "There are no such rows" } else { "Choose a format and a path" });
            if ui.button("Close").accessible_name("Close export").clicked() {
                queue.push(Command::Dialog(None));
            }
        });
        changed(session, form, queue);
    });
}

/// Hands a changed form over; other rows, formats or paths ask anew about files that are there.
fn changed(session: &Session, mut form: ExportForm, queue: &mut Queue) {
    let old = &session.export;
    if (form.which, &form.path, form.csv, form.jsonl) != (old.which, &old.path, old.csv, old.jsonl) {
        form.existing.clear();
        form.refusal = None;
        queue.push(Command::ExportForm(Box::new(form)));
    }
}
