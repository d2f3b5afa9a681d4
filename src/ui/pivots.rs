//! From one event to others like it, around it, or of its logon session.

use crate::app::{BrowseCommand, Command, MarkCommand, NarrowCommand, Session, WindowCommand};
use crate::case::search::Column;
use crate::domain::{Event, EventKey};
use crate::engine::logon_ids;
use crate::ui::screen::Queue;
use eframe::egui::Ui;

/// Minutes before and after.
const MINUTES: [i64; 4] = [1, 5, 30, 120];
const MINUTE: i64 = 60_000_000_000;

/// An event's value in a column of names.
pub(super) fn value(column: Column, event: &Event) -> String {
    let text = match column {
        Column::Computer => &event.computer,
        Column::User => &event.user,
        Column::Channel => &event.channel,
        Column::Provider => &event.provider,
        Column::Image => &event.image,
        Column::CommandLine => &event.command_line,
        Column::EventId => return event.event_id.map(|id| id.to_string()).unwrap_or_default(),
        _ => return String::new(),
    };
    text.clone().unwrap_or_default()
}

/// The term that finds exactly a value of a column.
pub(super) fn exactly(column: Column, value: &str, sign: char) -> String {
    if column.is_number() { format!("{sign}{}:{value}", column.name()) } else { format!("{sign}{}:=\"{}\"", column.name(), value.replace('"', "\"\"")) }
}

/// The time around an event, on its computer.
fn around(event: &Event, minutes: i64) -> Option<Command> {
    let time = event.time?;
    let search = event.computer.as_deref().map(|computer| exactly(Column::Computer, computer, '+')).unwrap_or_default();
    Some(BrowseCommand::ShowEvents { search, time: Some((time.saturating_sub(minutes * MINUTE), time.saturating_add(minutes * MINUTE))) }.into())
}

/// The events of a logon session: its ID is unique on one computer until that starts again.
fn session_of(event: &Event, id: &str) -> Command {
    let computer = event.computer.as_deref().map(|computer| exactly(Column::Computer, computer, '+')).unwrap_or_default();
    BrowseCommand::ShowEvents { search: format!("{computer} +logon:{id}").trim_start().to_owned(), time: None }.into()
}

/// The line of pivots in the drill-down.
pub(super) fn show(ui: &mut Ui, event: &Event, queue: &mut Queue) {
    ui.horizontal_wrapped(|ui| {
        if event.time.is_some() {
            ui.menu_button("Around it", |ui| minutes(ui, event, queue)).response.on_hover_text("All events of this computer at about the same time");
        }
        for id in logon_ids(event) {
            let button = ui.button(format!("Logon session {id}")).on_hover_text("All events of this logon session on this computer");
            if button.clicked() {
                queue.push(session_of(event, &id));
            }
        }
    });
}

fn minutes(ui: &mut Ui, event: &Event, queue: &mut Queue) {
    for n in MINUTES {
        let text = if n == 1 { "1 minute before and after".to_owned() } else { format!("{n} minutes before and after") };
        if let (true, Some(command)) = (ui.button(text).clicked(), around(event, n)) {
            queue.push(command);
            ui.close();
        }
    }
}

/// The menu of an event in the list.
pub(super) fn menu(ui: &mut Ui, session: &Session, key: EventKey, event: &Event, queue: &mut Queue) {
    let mut item = |ui: &mut Ui, text: &str, command: Command| {
        if ui.button(text).clicked() {
            queue.push(command);
            ui.close();
        }
    };
    let flagged = session.open.marks.is_flagged(key);
    item(ui, if flagged { "Take the flag away" } else { "Flag" }, MarkCommand::FlagEvent(key, !flagged).into());
    item(ui, "Note", WindowCommand::FocusNote.into());
    item(ui, "Copy what happened", WindowCommand::Copy(event.message.clone()).into());
    ui.separator();
    minutes(ui, event, queue);
    ui.separator();
    for column in [Column::Computer, Column::User, Column::Channel, Column::EventId, Column::Image, Column::CommandLine] {
        let value = value(column, event);
        if value.is_empty() {
            continue;
        }
        let short: String = super::text::plain(&value).chars().take(40).collect();
        ui.menu_button(format!("{}: {short}", column.name()), |ui| {
            let mut item = |ui: &mut Ui, text: &str, command: Command| {
                if ui.button(text).clicked() {
                    queue.push(command);
                    ui.close();
                }
            };
            item(ui, "Filter in", NarrowCommand::SearchFor(exactly(column, &value, '+')).into());
            item(ui, "Filter out", NarrowCommand::SearchFor(exactly(column, &value, '-')).into());
            item(ui, "Group by it", BrowseCommand::GroupEvents(Some(column)).into());
            item(ui, "Copy", WindowCommand::Copy(value.clone()).into());
        });
    }
}
