//! What the columns of a table mean: guesses to correct, over the table's first rows.

use crate::app::mapping::MappingForm;
use crate::app::{CaseCommand, Session, WindowCommand};
use crate::engine::Mapping;
use crate::ui::screen::Queue;
use crate::ui::{opening, theme};
use eframe::egui::{Button, ComboBox, Context, Grid, Label, RichText, ScrollArea, Ui};

/// A role: its name, whether it is needed, and where it stands in a mapping.
type Role = (&'static str, bool, fn(&mut Mapping) -> &mut Vec<String>);

const ROLES: [Role; 7] = [
    ("Time", true, |mapping| &mut mapping.time),
    ("Message", false, |mapping| &mut mapping.message),
    ("Computer", false, |mapping| &mut mapping.computer),
    ("User", false, |mapping| &mut mapping.user),
    ("Path of a file", false, |mapping| &mut mapping.image),
    ("Kind of row", false, |mapping| &mut mapping.channel),
    ("Event ID", false, |mapping| &mut mapping.event_id),
];

/// *Columns of a table*.
pub(super) fn show(ctx: &Context, session: &Session, queue: &mut Queue) {
    let Some(form) = &session.open.mapping else { return };
    opening::modal(ctx, "Columns of a table", 760.0, queue, |ui, queue| {
        ui.label(RichText::new(&form.name).strong());
        let now = form.format.as_ref().map_or_else(
            || "This table has no known format.".to_owned(),
            |format| format!("This table was read as {format}{}.", if form.chosen { ", as you said" } else { "" }),
        );
        ui.label(format!("{now} Say what its columns mean; it is remembered for every table with this header."));
        if form.format.is_some() && !session.open.rankings.is_empty() {
            ui.label("Rankings made so far go, as they were made with it; flags, tags and notes stay.");
        }
        ui.add_space(6.0);
        roles(ui, form, queue);
        ui.add_space(6.0);
        rows(ui, form);
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            let ready = !form.mapping.time.is_empty();
            if ui.add_enabled(ready, Button::new("Read the table")).on_disabled_hover_text("Choose the column of time first").clicked() {
                queue.push(CaseCommand::ReadMapped { as_told: false });
            }
            if form.chosen && ui.button("Read as told by its content").on_hover_text("Forget what was said of tables with this header").clicked() {
                queue.push(CaseCommand::ReadMapped { as_told: true });
            }
            let (leave, why) = if form.format.is_some() { ("Leave it", "Keep what was read") } else { ("Not evidence", "Leave it unread") };
            if ui.button(leave).on_hover_text(why).clicked() {
                queue.push(WindowCommand::Dialog(None));
            }
            ui.label(RichText::new("Headless: --map FILE").small().color(theme::colours(ui).weak));
        });
    });
}

fn roles(ui: &mut Ui, form: &MappingForm, queue: &mut Queue) {
    let mut mapping = form.mapping.clone();
    Grid::new("roles").num_columns(3).spacing([12.0, 4.0]).show(ui, |ui| {
        for (name, needed, place) in ROLES {
            ui.label(name);
            let chosen = place(&mut mapping);
            let none = if needed { "choose…" } else { "none" };
            let text = chosen.first().map_or(none, String::as_str).to_owned();
            let response = ComboBox::from_id_salt(name).selected_text(text).width(220.0).show_ui(ui, |ui| {
                if !needed && ui.selectable_label(chosen.is_empty(), none).clicked() {
                    chosen.clear();
                }
                for column in &form.preview.header {
                    if ui.selectable_label(chosen.first() == Some(column), column).clicked() {
                        *chosen = vec![column.clone()];
                    }
                }
            });
            response.response.widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::Role::ComboBox, true, format!("Column of {name}")));
            let at = place(&mut mapping).first().and_then(|column| form.preview.header.iter().position(|known| known == column));
            match (needed, at.and_then(|at| form.preview.times.get(at))) {
                (true, Some(Some(time))) => ui.label(RichText::new(format!("reads as {time}")).color(theme::colours(ui).good)),
                (true, Some(None)) => ui.label(RichText::new("its first cell reads as no time").color(theme::colours(ui).warning)),
                _ => ui.label(""),
            };
            ui.end_row();
        }
    });
    if mapping != form.mapping {
        queue.push(CaseCommand::Mapping(Box::new(mapping)));
    }
}

/// The first rows; a column's role stands above its name.
fn rows(ui: &mut Ui, form: &MappingForm) {
    let mut mapping = form.mapping.clone();
    let role = |mapping: &mut Mapping, column: &String| ROLES.iter().find(|(_, _, place)| place(mapping).contains(column)).map_or("", |(name, ..)| *name);
    ScrollArea::horizontal().id_salt("preview").show(ui, |ui| {
        Grid::new("preview").striped(true).min_col_width(60.0).max_col_width(220.0).show(ui, |ui| {
            for column in &form.preview.header {
                ui.label(RichText::new(role(&mut mapping, column)).small().color(theme::colours(ui).good));
            }
            ui.end_row();
            for column in &form.preview.header {
                ui.add(Label::new(RichText::new(column).strong()).truncate());
            }
            ui.end_row();
            for row in &form.preview.rows {
                for cell in row.iter().take(form.preview.header.len()) {
                    ui.add(Label::new(RichText::new(cell).monospace()).truncate());
                }
                ui.end_row();
            }
        });
    });
}
