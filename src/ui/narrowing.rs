//! The line above the ranked table: what is shown, and everything that narrows it.

use crate::app::words;
use crate::app::{Column, Command, NarrowCommand, SelectionCommand, Session, Show, WindowCommand};
use crate::ui::choice::choose;
use crate::ui::screen::{Queue, Screen};
use crate::ui::theme;
use eframe::egui::{self, Align, Button, Layout, RichText, Ui};

pub(super) fn show(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    line(ui, queue, |ui, queue| end(ui, session, screen, queue), |ui, queue| begin(ui, session, queue));
}

/// A line above a table, drawn from its end, so that what narrows has the room that is left.
pub(super) fn line(ui: &mut Ui, queue: &mut Queue, end: impl FnOnce(&mut Ui, &mut Queue), begin: impl FnOnce(&mut Ui, &mut Queue)) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            end(ui, queue);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| begin(ui, queue));
        });
    });
}

fn begin(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let view = &session.open.view;
    let offered = [
        (Show::All, "All", "Everything that passes the search"),
        (Show::Above, "Above", "Only what is above the threshold"),
        (Show::Flagged, "Flagged", "Only what carries your flag (Ctrl+B)"),
    ];
    choose(ui, view.narrow.show, offered, queue, NarrowCommand::Show);
    if !session.open.findings.is_empty() {
        ui.separator();
        crate::ui::rules::parts(ui, session, queue);
    }
    ui.separator();
    ui.label(words::part_of(view.shown(), view.total(), "subjects"));
    let mut narrowed = Vec::new();
    if let Some((from, to)) = view.narrow.bar {
        narrowed.push((format!("score {} to {}", words::score(from), words::score(to)), NarrowCommand::Bar(None).into()));
    }
    narrowed.extend(view.narrow.brush.map(|span| time(session, span)));
    if !view.narrow.search.trim().is_empty() {
        let hits = if view.narrow.highlight { format!(": {} marked", words::count(view.hits.len())) } else { String::new() };
        narrowed.push((format!("search {}{hits}", view.narrow.search), NarrowCommand::Search(String::new()).into()));
    }
    chips(ui, narrowed, queue);
}

fn end(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    ui.menu_button("Columns", |ui| choose_columns(ui, session, queue)).response.on_hover_text("Choose what the table shows");
    let edit = egui::TextEdit::singleline(&mut screen.go_to).hint_text("go to rank").desired_width(78.0).align(eframe::egui::Align2::LEFT_CENTER);
    let edit = ui.add(edit).accessible_name("Go to rank");
    if edit.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
        if let Ok(rank) = screen.go_to.replace([',', ' '], "").parse() {
            queue.push(SelectionCommand::GoToRank(rank));
        }
        screen.go_to.clear();
    }
    // What is not shown keeps its place: a widget whose place changes is a new one, for which the window is drawn twice more.
    if session.open.view.is_building() {
        ui.label(RichText::new("sorting…").small().color(theme::colours(ui).weak));
    } else {
        ui.skip_ahead_auto_ids(1);
    }
}

/// A span of time that narrows.
pub(super) fn time(session: &Session, (from, to): (i64, i64)) -> (String, Command) {
    let zone = session.zone();
    (format!("{} to {}", words::second(from, &zone), words::second(to, &zone)), NarrowCommand::Brush(None).into())
}

/// What narrows, each with an x that takes it away; they share the room there is.
pub(super) fn chips(ui: &mut Ui, narrowed: Vec<(String, Command)>, queue: &mut Queue) {
    let many = narrowed.len();
    for (at, (text, off)) in narrowed.into_iter().enumerate() {
        let room = (ui.available_width() / (many - at) as f32 - ui.spacing().item_spacing.x).max(56.0);
        let button = Button::new(RichText::new(&text).small()).right_text(RichText::new("×").small()).corner_radius(9.0);
        let button = button.fill(ui.visuals().selection.bg_fill).truncate();
        let chip = |ui: &mut Ui| {
            ui.set_max_width(room);
            ui.add(button)
        };
        let response = ui.scope(chip).inner.on_hover_text(format!("{text}\nClick to take it away"));
        if response.accessible_name(format!("Remove filter {text}")).clicked() {
            queue.push(off);
        }
    }
}

fn choose_columns(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    for column in Column::ALL {
        let mut on = session.prefs.columns.contains(&column);
        if ui.checkbox(&mut on, column.title()).on_hover_text(column.help()).changed() {
            queue.push(WindowCommand::ToggleColumn(column));
        }
    }
    ui.separator();
    if ui.button("Usual columns").clicked() {
        queue.push(WindowCommand::UsualColumns);
        ui.close();
    }
}
