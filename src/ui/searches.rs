//! The dialog *Saved searches*: keeps the search under a name, and searches for what was kept.

use crate::app::{NarrowCommand, Session, WindowCommand};
use crate::ui::opening::modal;
use crate::ui::screen::{Queue, Screen};
use eframe::egui::{Button, Context, Grid, Key, RichText, ScrollArea, TextEdit};

pub(super) fn show(ctx: &Context, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    modal(ctx, "Saved searches", 620.0, queue, |ui, queue| {
        let (search, _) = session.searched();
        ui.horizontal(|ui| {
            let ready = !search.trim().is_empty() && !screen.search_name.trim().is_empty();
            let edit = TextEdit::singleline(&mut screen.search_name).hint_text("name").desired_width(200.0).char_limit(80);
            let edit = ui.add(edit).accessible_name("Name of the search");
            let entered = edit.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            if (ui.add_enabled(ready, Button::new("Keep this search")).clicked() || entered) && ready {
                queue.push(WindowCommand::SaveSearch(std::mem::take(&mut screen.search_name)));
            }
        });
        if search.trim().is_empty() {
            ui.label("Type a search first; here it gets its name.");
        } else {
            ui.label(RichText::new(search).monospace());
        }
        ui.separator();
        if session.prefs.searches.is_empty() {
            ui.label("None is kept yet.");
        }
        ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
            Grid::new("searches").num_columns(3).striped(true).show(ui, |ui| {
                for (at, saved) in session.prefs.searches.iter().enumerate() {
                    if ui.button(&saved.name).on_hover_text("Search for it").accessible_name(format!("Search {}", saved.name)).clicked() {
                        queue.push(NarrowCommand::Search(saved.search.clone()));
                        queue.push(WindowCommand::Dialog(None));
                    }
                    ui.label(RichText::new(&saved.search).monospace());
                    if ui.small_button("Forget").accessible_name(format!("Forget {}", saved.name)).clicked() {
                        queue.push(WindowCommand::DropSearch(at));
                    }
                    ui.end_row();
                }
            });
        });
    });
}
