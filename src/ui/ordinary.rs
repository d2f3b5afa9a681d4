//! *Mark ordinary*: this one or all like it, and why; and the list of what was called ordinary, from which it can be brought back.

use crate::app::{Dialog, OrdinaryCommand, OrdinaryForm, Session, WindowCommand, words};
use crate::domain::RuleField;
use crate::ui::opening::{modal, typed};
use crate::ui::screen::{Queue, Screen};
use crate::ui::theme;
use eframe::egui::{Button, Context, Key, Label, RichText, ScrollArea, TextEdit, Ui};

/// Letters of a value that are shown.
const LETTERS: usize = 90;

pub(super) fn mark(ctx: &Context, session: &Session, queue: &mut Queue) {
    modal(ctx, "Mark ordinary", 620.0, queue, |ui, queue| {
        let (Some(ranking), Some(subject)) = (&session.open.view.ranking, session.open.view.subject()) else { return };
        let colours = theme::colours(ui);
        let mut form = session.open.ordinary.clone();
        ui.label("It leaves the ranking at once, nothing is trained anew, and every rank follows.");
        ui.add_space(6.0);
        ui.radio_value(&mut form.one, false, "All that are alike in");
        ui.indent("fields", |ui| {
            for field in RuleField::ALIKE {
                let value = field.value(ranking.report.detector, subject, &session.open.sources);
                let mut on = form.fields.contains(&field);
                ui.add_enabled_ui(!form.one, |ui| {
                    ui.horizontal(|ui| {
                        if ui.checkbox(&mut on, field.title()).changed() {
                            if on {
                                form.fields.insert(field);
                            } else {
                                form.fields.remove(&field);
                            }
                        }
                        let value = if value.is_empty() { "(none)".into() } else { short(&value) };
                        ui.add(Label::new(RichText::new(value).small().color(colours.weak)).truncate());
                    });
                });
            }
        });
        ui.radio_value(&mut form.one, true, "This one alone");
        ui.add_space(6.0);
        let reason = ui
            .add(TextEdit::singleline(&mut form.reason).hint_text("Why it is ordinary (kept with it)").desired_width(f32::INFINITY).char_limit(500))
            .accessible_name("Reason");
        // Asked first: taking the focus again would hide that Enter has just given it up.
        let entered = reason.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        if !entered && ui.memory(|m| m.focused().is_none()) {
            reason.request_focus();
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let ready = form.taken > 0;
            let text = format!("Take {} out", if form.taken == 1 { "1 subject".into() } else { format!("{} subjects", words::count(form.taken)) });
            let clicked = ui.add_enabled(ready, Button::new(text).fill(ui.visuals().selection.bg_fill)).on_hover_text("Enter").clicked();
            if ready && (clicked || entered) {
                queue.push(OrdinaryCommand::OrdinaryForm(Box::new(form.clone())));
                queue.push(OrdinaryCommand::CallOrdinary);
            }
            if ui.button("Review what is ordinary…").clicked() {
                queue.push(WindowCommand::Dialog(Some(Dialog::Rules)));
            }
        });
        changed(&session.open.ordinary, form, queue);
    });
}

fn changed(old: &OrdinaryForm, form: OrdinaryForm, queue: &mut Queue) {
    if (form.one, &form.fields, &form.reason) != (old.one, &old.fields, &old.reason) {
        queue.push(OrdinaryCommand::OrdinaryForm(Box::new(form)));
    }
}

pub(super) fn review(ctx: &Context, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    modal(ctx, "What is called ordinary", 760.0, queue, |ui, queue| {
        let rules = session.open.rules.rules();
        if rules.is_empty() {
            ui.label("Nothing is. Select a row and press Shift+O to take it, and all like it, out of the ranking.");
        }
        let height = (ui.ctx().content_rect().height() - 240.0).max(80.0);
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, true]).show(ui, |ui| {
            for at in 0..rules.len() {
                rule(ui, session, at, queue);
            }
        });
        ui.separator();
        ui.label("A suppression file takes the same out of another case, here or with --suppress.");
        ui.horizontal(|ui| {
            let width = ui.available_width() - 150.0;
            ui.add(TextEdit::singleline(&mut screen.rules_path).hint_text("/cases/ordinary.toml").desired_width(width)).accessible_name("Suppression file");
            let path = typed(&screen.rules_path);
            let named = !screen.rules_path.trim().is_empty();
            let there = named && path.is_file();
            let save = ui.add_enabled(named && !there && !rules.is_empty(), Button::new("Save")).accessible_name("Save suppression file");
            if save.on_disabled_hover_text(if there { "There is such a file; it is not replaced" } else { "Name a file" }).clicked() {
                queue.push(OrdinaryCommand::ExportRules(path.clone()));
            }
            if ui.add_enabled(there, Button::new("Read")).accessible_name("Read suppression file").on_disabled_hover_text("There is no such file").clicked() {
                queue.push(OrdinaryCommand::ImportRules(path));
            }
        });
    });
}

fn rule(ui: &mut Ui, session: &Session, at: usize, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let Some(rule) = session.open.rules.rules().get(at) else { return };
    let taken = session.open.view.suppressed.get(at).copied().unwrap_or_default();
    ui.horizontal(|ui| {
        if ui.button("Restore").on_hover_text("Brings it back into the ranking").accessible_name(format!("Restore rule {}", at + 1)).clicked() {
            queue.push(OrdinaryCommand::DropRule(at));
        }
        let reason = if rule.reason.is_empty() { "(no reason given)" } else { &rule.reason };
        ui.label(RichText::new(format!("{} in this ranking", words::count(taken))).font(theme::digits()));
        ui.add(Label::new(RichText::new(reason).strong()).truncate());
    });
    ui.indent(("rule", at), |ui| {
        for (field, value) in &rule.like {
            let value = if value.is_empty() { "(none)".into() } else { short(value) };
            ui.add(Label::new(RichText::new(format!("{}: {value}", field.title())).small()).truncate()).on_hover_text(value);
        }
        let who = [rule.analyst.as_str(), rule.made.get(..19).unwrap_or_default()].join("  ");
        ui.label(RichText::new(who).small().color(colours.weak));
    });
    ui.add_space(4.0);
}

/// One line without what could break or turn it, cut.
fn short(text: &str) -> String {
    let line = super::text::plain(text);
    match line.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
