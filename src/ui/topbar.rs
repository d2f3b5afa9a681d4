//! The bar at the top: menus, the case, what to do next, search, zone, device.

use crate::app::{COMMANDS, CaseCommand, Entry, Menu, NarrowCommand, SelectionCommand, Session, WindowCommand, entry, spell};
use crate::ui::screen::{Queue, Screen};
use crate::ui::theme;
use eframe::egui::{self, Align, Button, Key, Layout, MenuBar, RichText, TextEdit, Ui, containers::menu::MenuButton};

pub(super) fn show(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    MenuBar::new().ui(ui, |ui| {
        for menu in Menu::ALL {
            MenuButton::new(menu.title()).ui(ui, |ui| items(ui, session, menu, queue));
        }
        ui.separator();
        act(ui, session, "Open evidence…", "Open…", queue);
        if session.activity.is_busy() {
            act(ui, session, "Cancel", if matches!(session.activity, crate::app::Activity::Stopping(_)) { "Stopping…" } else { "Cancel" }, queue);
        } else {
            let fresh = session.case().is_some() && session.open.rankings.is_empty();
            let entry = entry("Analyse");
            if let Some(entry) = entry {
                let text = if fresh { RichText::new("Analyse").strong() } else { RichText::new("Analyse") };
                let mut button = Button::new(text);
                if fresh {
                    button = button.fill(ui.visuals().selection.bg_fill);
                }
                place(ui, session, entry, button, queue);
            }
        }
        act(ui, session, "Export…", "Export…", queue);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| right(ui, session, screen, queue));
    });
}

/// The entries of a menu.
fn items(ui: &mut Ui, session: &Session, menu: Menu, queue: &mut Queue) {
    ui.set_min_width(230.0);
    if menu == Menu::Case && !session.prefs.recent.is_empty() {
        ui.menu_button("Open recent", |ui| {
            for path in &session.prefs.recent {
                if ui.button(path.display().to_string()).clicked() {
                    queue.push(CaseCommand::Open(vec![path.clone()]));
                    ui.close();
                }
            }
        });
    }
    for entry in COMMANDS.iter().filter(|e| e.menu == menu) {
        let button = Button::new(entry.name).shortcut_text(spell(entry.keys.split(' ').next().unwrap_or_default()));
        if place(ui, session, entry, button, queue) {
            ui.close();
        }
    }
}

/// A button of a named command.
pub(super) fn act(ui: &mut Ui, session: &Session, name: &str, label: &str, queue: &mut Queue) -> bool {
    entry(name).is_some_and(|entry| place(ui, session, entry, Button::new(label), queue))
}

fn place(ui: &mut Ui, session: &Session, entry: &'static Entry, button: Button<'_>, queue: &mut Queue) -> bool {
    let hindrance = (entry.hindrance)(session);
    let response = ui.add_enabled(hindrance.is_none(), button);
    let keys = if entry.keys.is_empty() { String::new() } else { format!("  ({})", spell(entry.keys)) };
    let clicked = response.clicked();
    response.on_hover_text(format!("{}{keys}", entry.help)).on_disabled_hover_text(format!("{}{keys}\nNot now: {}", entry.help, hindrance.unwrap_or_default()));
    if clicked {
        queue.push((entry.command)());
    }
    clicked
}

fn right(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let device = session.open.view.ranking.as_ref().map(|r| r.report.device.as_str()).filter(|d| !d.is_empty()).unwrap_or(&session.device);
    let short = device.split(['(', ':', ';']).next().unwrap_or(device).trim();
    ui.label(RichText::new(short).small().color(colours.weak)).on_hover_text(format!("Trains on: {device}"));
    let zone = ui
        .add(Button::new(RichText::new(&session.prefs.zone).small()).frame(false))
        .on_hover_text("Zone in which times are shown; evidence is kept in UTC. Click to change.");
    if zone.clicked() {
        queue.push(WindowCommand::Dialog(Some(crate::app::Dialog::Settings)));
    }
    if session.open.view.order.is_some() || session.open.browse.open {
        search(ui, session, screen, queue);
    }
}

/// Whether the search takes away or marks.
fn mode(ui: &mut Ui, highlight: bool, queue: &mut Queue) {
    let (name, help) = if highlight {
        ("Highlight", "Marks what it finds, F3 goes to the next. Click: hold only that.")
    } else {
        ("Filter", "Holds only what it finds. Click: mark it instead.")
    };
    if ui.button(RichText::new(name).small()).on_hover_text(help).accessible_name("Search mode").clicked() {
        queue.push(NarrowCommand::Highlight(!highlight));
    }
}

/// The search box, with what it cannot understand said below it.
fn search(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let (searched, fault) = session.searched();
    let mut text = searched.to_owned();
    if !text.is_empty() && ui.button("×").on_hover_text("Take the search away (Esc)").accessible_name("Clear search").clicked() {
        queue.push(NarrowCommand::Search(String::new()));
    }
    if !session.open.browse.open {
        mode(ui, session.open.view.narrow.highlight, queue);
    }
    let width = ui.available_width().clamp(80.0, 420.0);
    let mut edit = TextEdit::singleline(&mut text)
        .id(egui::Id::unique("search"))
        .hint_text("Search: +powershell -defender")
        .desired_width(width - 12.0)
        .char_limit(4096)
        .align(eframe::egui::Align2::LEFT_CENTER);
    if fault.is_some() {
        edit = edit.text_color(colours.error);
    }
    let response = ui.add(edit).accessible_name("Search");
    if std::mem::take(&mut screen.focus_search) {
        response.request_focus();
    }
    if response.changed() {
        queue.push(NarrowCommand::Search(text));
    }
    if response.has_focus() && ui.input(|i| i.key_pressed(Key::ArrowDown)) {
        response.surrender_focus();
        queue.push(SelectionCommand::Step(crate::app::Step::Home));
    }
    let help = "Blank = or, +must, -must not, \"a phrase\", column:value (computer, user, channel, event_id, image, command_line), 4000-4999, !1001";
    response.on_hover_text(fault.map_or_else(|| help.to_owned(), |f| format!("{f}\n\n{help}")));
}
