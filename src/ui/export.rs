//! The export dialog: which rows, which formats, where, how many; it never replaces a file unasked.

use crate::app::words;
use crate::app::{ExportForm, JobCommand, Pick, Session, Which, WindowCommand};
use crate::export::Format;
use crate::ui::opening::{modal, path_edit, typed};
use crate::ui::screen::{Queue, Screen};
use crate::ui::theme;
use eframe::egui::{Button, Context, RichText};

pub(super) fn show(ctx: &Context, session: &Session, queue: &mut Queue) {
    modal(ctx, "Export", 600.0, queue, |ui, queue| {
        let colours = theme::colours(ui);
        let mut form = session.open.export.clone();
        ui.label(RichText::new("Which rows").color(colours.weak));
        for which in Which::ALL {
            let rows = session.exportable(which).map_or_else(|| "…".to_owned(), words::count);
            if ui.radio(form.which == which, format!("{} ({rows})", which.title())).clicked() {
                form.which = which;
            }
        }
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            for format in Format::ALL {
                let mut on = form.formats.contains(&format);
                if ui.checkbox(&mut on, format.title()).on_hover_text(format.help()).changed() {
                    if on {
                        form.formats.insert(format);
                    } else {
                        form.formats.remove(&format);
                    }
                }
            }
        });
        ui.add_space(6.0);
        ui.label(RichText::new("Where (without ending)").color(colours.weak));
        let entered = ui.horizontal(|ui| {
            let entered = path_edit(ui, &mut form.path, "", ui.available_width() - 90.0, "Path of the export");
            if ui.button("Choose…").clicked() {
                queue.push(Pick::ExportFile);
            }
            entered
        });
        let rows = session.exportable(form.which).unwrap_or(0);
        let order = form.order();
        for (format, file) in &order.files {
            let more =
                if format.holds_many() && form.which != Which::Visible && session.open.rankings.len() > 1 { ", and those of the other detectors" } else { "" };
            ui.label(RichText::new(format!("{} ({}{more})", file.display(), words::rows(rows))).small().color(colours.weak));
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
            let ready = rows > 0 && !order.files.is_empty();
            let label = if replaces { format!("Replace and export {}", words::rows(rows)) } else { format!("Export {}", words::rows(rows)) };
            let response = ui.add_enabled(ready, Button::new(label).fill(ui.visuals().selection.bg_fill));
            if response.clicked() || ready && entered.inner {
                queue.push(WindowCommand::ExportForm(Box::new(form.clone())));
                queue.push(JobCommand::Export(order));
            }
            response.on_disabled_hover_text(if rows == 0 { "There are no such rows" } else { "Choose a format and a path" });
            if ui.button("Close").accessible_name("Close export").clicked() {
                queue.push(WindowCommand::Dialog(None));
            }
        });
        changed(session, form, queue);
    });
}

/// *Import annotations*.
pub(super) fn import(ctx: &Context, screen: &mut Screen, queue: &mut Queue) {
    modal(ctx, "Import annotations", 600.0, queue, |ui, queue| {
        ui.label("Flags, tags and notes of a ranking that was exported as CSV or JSONL are added to those of this case; nothing here is lost.");
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            let width = ui.available_width() - 160.0;
            let entered = path_edit(ui, &mut screen.import_path, "/cases/ranking-fields.jsonl", width, "Path of an exported ranking");
            let ready = !screen.import_path.trim().is_empty();
            if (ui.add_enabled(ready, Button::new("Import")).clicked() || entered) && ready {
                queue.push(JobCommand::ImportAnnotations(typed(&screen.import_path)));
            }
            if ui.button("Choose…").clicked() {
                queue.push(Pick::Annotations);
            }
        });
    });
}

/// Hands a changed form over; other rows, formats or paths ask anew about files that are there.
fn changed(session: &Session, mut form: ExportForm, queue: &mut Queue) {
    let old = &session.open.export;
    if (form.which, &form.path, &form.formats) != (old.which, &old.path, &old.formats) {
        form.existing.clear();
        form.refusal = None;
        queue.push(WindowCommand::ExportForm(Box::new(form)));
    }
}
