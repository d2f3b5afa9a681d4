//! The command palette: every command by name.

use crate::app::{COMMANDS, Entry, NarrowCommand, SavedSearch, Session, WindowCommand, spell};
use crate::ui::opening::modal;
use crate::ui::screen::{Queue, Screen};
use eframe::egui::{self, Align, Button, Context, Key, Modifiers, ScrollArea, TextEdit};

pub(super) fn show(ctx: &Context, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    let (up, down, enter) = ctx.input_mut(|i| {
        (i.consume_key(Modifiers::NONE, Key::ArrowUp), i.consume_key(Modifiers::NONE, Key::ArrowDown), i.consume_key(Modifiers::NONE, Key::Enter))
    });
    modal(ctx, "Commands", 520.0, queue, |ui, queue| {
        let edit = ui
            .add(TextEdit::singleline(&mut screen.palette).hint_text("type to find a command").desired_width(f32::INFINITY))
            .accessible_name("Find a command");
        edit.request_focus();
        if edit.changed() {
            screen.palette_at = 0;
        }
        let found = find(&screen.palette);
        let last = (found.len() + kept(session, &screen.palette).len()).saturating_sub(1);
        screen.palette_at = if down {
            screen.palette_at + 1
        } else if up {
            screen.palette_at.saturating_sub(1)
        } else {
            screen.palette_at
        }
        .min(last);
        ScrollArea::vertical().max_height(360.0).auto_shrink([false, true]).show(ui, |ui| {
            for (index, entry) in found.iter().enumerate() {
                let hindrance = (entry.hindrance)(session);
                let keys = spell(entry.keys.split(' ').next().unwrap_or_default());
                let button = Button::selectable(index == screen.palette_at, entry.name).shortcut_text(keys).min_size(egui::vec2(ui.available_width(), 0.0));
                let response = ui.add_enabled(hindrance.is_none(), button);
                if (up || down) && index == screen.palette_at {
                    response.scroll_to_me(Some(Align::Center));
                }
                if response.clicked() || enter && index == screen.palette_at && hindrance.is_none() {
                    screen.palette.clear();
                    screen.palette_at = 0;
                    queue.push(WindowCommand::Dialog(None));
                    queue.push((entry.command)());
                }
                response.on_hover_text(entry.help).on_disabled_hover_text(format!("{}\nNot now: {}", entry.help, hindrance.unwrap_or_default()));
            }
            let searches = kept(session, &screen.palette);
            for (index, saved) in searches.iter().enumerate().map(|(at, saved)| (found.len() + at, saved)) {
                let button = Button::selectable(index == screen.palette_at, format!("Search: {}", saved.name)).min_size(egui::vec2(ui.available_width(), 0.0));
                let response = ui.add(button);
                if (up || down) && index == screen.palette_at {
                    response.scroll_to_me(Some(Align::Center));
                }
                if response.clicked() || enter && index == screen.palette_at {
                    screen.palette.clear();
                    screen.palette_at = 0;
                    queue.push(WindowCommand::Dialog(None));
                    queue.push(NarrowCommand::Search(saved.search.clone()));
                }
                response.on_hover_text(&saved.search);
            }
            if found.is_empty() && searches.is_empty() {
                ui.label("No command has such a name.");
            }
        });
    });
}

/// Kept searches in whose name every word of the query stands; all of them for `search`.
fn kept<'a>(session: &'a Session, query: &str) -> Vec<&'a SavedSearch> {
    let query = query.to_lowercase();
    let holds = |saved: &&SavedSearch| query.split_whitespace().all(|word| format!("search {}", saved.name).to_lowercase().contains(word));
    session.prefs.searches.iter().filter(holds).collect()
}

/// Commands in whose name or help every word of the query stands; those that have it all in their name come first.
fn find(query: &str) -> Vec<&'static Entry> {
    let query = query.to_lowercase();
    let holds = |text: String| query.split_whitespace().all(|word| text.contains(word));
    let mut found: Vec<(bool, &Entry)> =
        COMMANDS.iter().filter(|e| holds(format!("{} {}", e.name, e.help).to_lowercase())).map(|e| (!holds(e.name.to_lowercase()), e)).collect();
    found.sort_by_key(|(only_in_help, _)| *only_in_help);
    found.into_iter().map(|(_, entry)| entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_before_a_mention() {
        let names = |query| find(query).iter().map(|e| e.name).collect::<Vec<_>>();
        assert_eq!(names("light")[0], "Theme: light");
        assert_eq!(names("").len(), COMMANDS.len());
        assert!(names("no such words").is_empty());
    }
}
