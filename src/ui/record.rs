//! An event in the drill-down: its fields, the script it holds a piece of, what stands in it in base64, and the raw record.

use crate::app::words;
use crate::app::{NarrowCommand, SelectionCommand, Session, WindowCommand};
use crate::domain::Event;
use crate::engine::Answer;
use crate::ui::screen::{Queue, Raw, Screen};
use crate::ui::theme;
use eframe::egui::{self, Button, CollapsingHeader, Label, RichText, Ui, vec2};

/// Letters of a raw record that are shown; copying takes all.
const RAW: usize = 60_000;

/// The event's own fields.
pub(super) fn fields(ui: &mut Ui, session: &Session, event: &Event, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let zone = session.zone();
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let mut rows: Vec<(String, String)> = vec![
        (format!("time ({})", session.prefs.zone), event.time.map_or_else(|| "no usable time".into(), |t| words::time(t, &zone))),
        ("time as found".into(), text(&event.time_text)),
        ("computer".into(), text(&event.computer)),
        ("user".into(), text(&event.user)),
        ("channel".into(), text(&event.channel)),
        ("provider".into(), text(&event.provider)),
        ("event ID".into(), event.event_id.map(|i| i.to_string()).unwrap_or_default()),
        ("level".into(), text(&event.level)),
        ("record ID".into(), event.record_id.map(|i| i.to_string()).unwrap_or_default()),
        ("image".into(), text(&event.image)),
        ("command line".into(), text(&event.command_line)),
        ("parent image".into(), text(&event.parent_image)),
        ("recovered".into(), if event.recovered { "carved from slack or an unlinked chunk".into() } else { String::new() }),
    ];
    let known: Vec<String> = rows.iter().map(|(_, v)| v.clone()).collect();
    rows.extend(leaves(&event.fields).into_iter().filter(|(_, v)| !known.contains(v)));
    let name_width = (ui.available_width() * 0.34).clamp(70.0, 130.0);
    for (name, value) in rows.into_iter().filter(|(_, v)| !v.is_empty()) {
        // Not a grid: a grid measures its columns from the last frame, and wrapped text would change them for ever.
        let row = ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            ui.allocate_ui_with_layout(vec2(name_width, 14.0), egui::Layout::top_down(egui::Align::Min), |ui| {
                ui.set_width(name_width);
                ui.add(Label::new(RichText::new(cut(&name, 60)).small().color(colours.weak)).truncate());
            });
            ui.add(Label::new(RichText::new(cut(&value, 2000)).small()).wrap())
        });
        row.inner.context_menu(|ui| {
            if ui.button("Copy").clicked() {
                queue.push(WindowCommand::Copy(value.clone()));
                ui.close();
            }
            if ui.button("Search for it").clicked() {
                queue.push(NarrowCommand::SearchFor(format!("+\"{}\"", cut(&value, 200).replace('"', ""))));
                ui.close();
            }
        });
    }
}

/// The leaves of a JSON object, by name, in order; nesting deeper than it is good for is shown as JSON.
fn leaves(json: &str) -> Vec<(String, String)> {
    fn walk(name: &str, value: &serde_json::Value, depth: usize, rows: &mut Vec<(String, String)>) {
        const MOST: usize = 400;
        if rows.len() >= MOST {
            return;
        }
        match value {
            serde_json::Value::Object(map) if depth < 4 => {
                for (key, value) in map {
                    let key = key.trim_start_matches(['#', '@']);
                    let name = if name.is_empty() || matches!(name, "EventData" | "UserData" | "System") { key.to_owned() } else { format!("{name}.{key}") };
                    walk(&name, value, depth + 1, rows);
                }
            }
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => rows.push((name.to_owned(), text.clone())),
            other => rows.push((name.to_owned(), other.to_string())),
        }
    }
    let mut rows = vec![];
    if let Ok(value) = serde_json::from_str(json) {
        walk("", &value, 0, &mut rows);
    }
    rows
}

/// The whole script block that the event holds a piece of.
pub(super) fn script(ui: &mut Ui, answer: &Answer, queue: &mut Queue) {
    let Some(script) = &answer.script else { return };
    CollapsingHeader::new(format!("Whole script block, {} of {} pieces", script.found, script.total)).id_salt("script").default_open(true).show(ui, |ui| {
        let shown = cut(&script.text, 8000);
        let clean: Vec<String> = shown.lines().map(super::text::whole).collect();
        ui.add(Label::new(RichText::new(clean.join("\n")).small().monospace()).wrap());
        if ui.small_button("Copy").accessible_name("Copy the script block").clicked() {
            queue.push(WindowCommand::Copy(script.text.clone()));
        }
    });
}

/// What stands in base64 inside the event.
pub(super) fn decoded(ui: &mut Ui, answer: &Answer, queue: &mut Queue) {
    if answer.decoded.is_empty() {
        return;
    }
    CollapsingHeader::new("Decoded (base64), never run").id_salt("decoded").default_open(true).show(ui, |ui| {
        for text in &answer.decoded {
            let shown = cut(text, 4000);
            let clean: Vec<String> = shown.lines().map(super::text::whole).collect();
            ui.add(Label::new(RichText::new(clean.join("\n")).small().monospace()).wrap());
            if ui.small_button("Copy").accessible_name("Copy decoded text").clicked() {
                queue.push(WindowCommand::Copy(text.clone()));
            }
        }
    });
}

/// The record as it was read, as JSON or XML. The XML lies in the evidence: it is read when it is looked at.
pub(super) fn raw(ui: &mut Ui, session: &Session, screen: &mut Screen, event: &Event, queue: &mut Queue) {
    CollapsingHeader::new("Raw record").id_salt("raw").show(ui, |ui| {
        let rendered = session.open.drill.rendered();
        if screen.raw == Raw::Xml && rendered.is_none() {
            queue.push(SelectionCommand::ReadRecord);
        }
        let reading = screen.raw == Raw::Xml && !matches!(rendered, Some(Some(_)));
        let pretty = || {
            serde_json::from_str::<serde_json::Value>(&event.fields)
                .ok()
                .and_then(|v| serde_json::to_string_pretty(&v).ok())
                .unwrap_or_else(|| event.fields.clone())
        };
        let text = match (screen.raw, rendered.flatten()) {
            (Raw::Json, _) => pretty(),
            (Raw::Xml, Some(Ok(text) | Err(text))) => text.clone(),
            (Raw::Xml, None) => "reading the record in the evidence…".into(),
        };
        ui.horizontal(|ui| {
            for (face, name) in [(Raw::Json, "JSON"), (Raw::Xml, "XML")] {
                if ui.add(Button::selectable(screen.raw == face, name)).clicked() {
                    screen.raw = face;
                    if face == Raw::Xml && matches!(rendered, Some(Some(Err(_)))) {
                        queue.push(SelectionCommand::ReadRecord);
                    }
                }
            }
            if reading {
                if ui.button("Stop").on_hover_text("Stops reading it: a member of an archive is unpacked first").clicked() {
                    queue.push(SelectionCommand::StopRecord);
                }
            } else if ui.button("Copy").on_hover_text("Copies all of it").accessible_name("Copy raw record").clicked() {
                queue.push(WindowCommand::Copy(text.clone()));
            }
        });
        ui.add(Label::new(RichText::new(cut(&text, RAW)).font(theme::digits())).wrap());
    });
}

/// The first letters of a text.
pub(super) fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
