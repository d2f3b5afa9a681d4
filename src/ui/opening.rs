//! The dialogs that take a path: open evidence, save the case. Beside the system's dialog there is always a field, because there may be none.

use crate::app::{CaseCommand, Pick, Session, WindowCommand};
use crate::ui::screen::{Queue, Screen};
use crate::ui::{settings, theme};
use eframe::egui::{self, Button, Context, Frame, Id, Key, Margin, Modal, RichText, TextEdit, Ui};
use std::path::PathBuf;

/// A path field with an *Open* button.
pub(super) fn path_field(ui: &mut Ui, path: &mut String, width: f32, queue: &mut Queue) {
    let entered = path_edit(ui, path, "path of a file, a folder or a case", width, "Path of evidence");
    let ready = !path.trim().is_empty();
    if (ui.add_enabled(ready, Button::new("Open")).accessible_name("Open path").clicked() || entered) && ready {
        queue.push(CaseCommand::Open(vec![typed(path)]));
    }
}

/// A path field of a dialog, in which the keyboard begins; `true` when Enter ended it.
pub(super) fn path_edit(ui: &mut Ui, path: &mut String, hint: &str, width: f32, name: &str) -> bool {
    let edit = ui.add(TextEdit::singleline(path).hint_text(hint).desired_width(width)).accessible_name(name);
    let entered = edit.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    if !entered && ui.memory(|m| m.focused().is_none() && m.allows_interaction(ui.layer_id())) {
        edit.request_focus();
    }
    entered
}

/// What was typed, without the quotes that file managers copy along, and with `~` resolved.
pub(super) fn typed(text: &str) -> PathBuf {
    let text = text.trim().trim_matches(['"', '\'']);
    let home = directories::UserDirs::new().map(|d| d.home_dir().to_owned());
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

/// A dialog over the window; `true` when it wants to be closed.
pub(super) fn modal(ctx: &Context, name: &'static str, width: f32, queue: &mut Queue, contents: impl FnOnce(&mut Ui, &mut Queue)) {
    let width = width.min(ctx.content_rect().width() - 40.0);
    let area = Modal::default_area(Id::unique(name)).default_size([width + 32.0, ctx.content_rect().height() - 40.0]);
    let frame = Frame::popup(&ctx.global_style()).inner_margin(Margin::symmetric(16, 12));
    let response = Modal::new(Id::unique(name)).area(area).frame(frame).show(ctx, |ui| {
        ui.set_width(width);
        ui.horizontal(|ui| {
            ui.heading(name);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button("×").on_hover_text("Close (Esc)").accessible_name("Close").clicked() {
                    queue.push(WindowCommand::Dialog(None));
                }
            });
        });
        ui.separator();
        contents(ui, queue);
    });
    if response.backdrop_response.clicked() {
        queue.push(WindowCommand::Dialog(None));
    }
}

/// *Open evidence*.
pub(super) fn show(ctx: &Context, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    modal(ctx, "Open evidence", 560.0, queue, |ui, queue| {
        let into = if session.case().is_some() {
            "It is added to the open case; what is there already is not read again."
        } else {
            "A new case is made for it in your cache, until you save it somewhere."
        };
        ui.label(into);
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            if ui.button("Choose files…").clicked() {
                queue.push(Pick::EvidenceFiles);
            }
            if ui.button("Choose a folder or case…").clicked() {
                queue.push(Pick::EvidenceFolder);
            }
            if ui.button("Try the demo case").clicked() {
                queue.push(CaseCommand::Demo);
            }
        });
        ui.add_space(6.0);
        ui.label("or type a path:");
        ui.horizontal(|ui| path_field(ui, &mut screen.open_path, ui.available_width() - 70.0, queue));
        if !session.prefs.recent.is_empty() {
            ui.add_space(6.0);
            ui.label(RichText::new("Recent").color(theme::colours(ui).weak));
            for path in &session.prefs.recent {
                if ui.add(Button::new(path.display().to_string()).frame(false).truncate()).clicked() {
                    queue.push(CaseCommand::Open(vec![path.clone()]));
                }
            }
        }
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            ui.label("Times without a zone are read as");
            if let Some(zone) = settings::zones(ui, "evidence zone", &session.open.choices.evidence_zone, &mut screen.zone) {
                queue.push(CaseCommand::EvidenceZone(zone));
            }
        });
        ui.add_space(4.0);
        ui.label(
            RichText::new("Evidence is read, never written. Files and folders can also be dropped onto the window.").small().color(theme::colours(ui).weak),
        );
    });
}

/// *Save case as*.
pub(super) fn save(ctx: &Context, _session: &Session, screen: &mut Screen, queue: &mut Queue) {
    modal(ctx, "Save case as", 560.0, queue, |ui, queue| {
        ui.label("The case folder, with events, rankings, flags and notes, is put here and worked in from then on.");
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            let width = ui.available_width() - 150.0;
            let entered = path_edit(ui, &mut screen.save_path, "/cases/name.residue", width, "Path of the case");
            let ready = !screen.save_path.trim().is_empty();
            if (ui.add_enabled(ready, Button::new("Save")).clicked() || entered) && ready {
                queue.push(CaseCommand::SaveAs(typed(&screen.save_path)));
            }
            if ui.button("Choose…").clicked() {
                queue.push(Pick::SaveCase);
            }
        });
    });
}
