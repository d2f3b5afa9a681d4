//! F1: every command with its keys.

use crate::app::{COMMANDS, Menu, Session, spell};
use crate::ui::opening::modal;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{self, Context, Grid, RichText, ScrollArea};

pub(super) fn show(ctx: &Context, _session: &Session, queue: &mut Queue) {
    modal(ctx, "Keys", 860.0, queue, |ui, _| {
        let height = ui.ctx().content_rect().height() - 140.0;
        ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            for menu in Menu::ALL {
                ui.label(RichText::new(menu.title()).strong());
                Grid::new(menu.title()).num_columns(3).striped(true).min_col_width(170.0).spacing(egui::vec2(14.0, 3.0)).show(ui, |ui| {
                    for entry in COMMANDS.iter().filter(|e| e.menu == menu) {
                        ui.label(entry.name);
                        ui.label(RichText::new(spell(entry.keys)).font(theme::digits()));
                        ui.label(RichText::new(entry.help).color(theme::colours(ui).weak));
                        ui.end_row();
                    }
                });
                ui.add_space(6.0);
            }
            ui.label("The threshold can also be dragged. A click on a bar shows its subjects; a drag over the time strip narrows to that time; a right click on a row filters in or out.");
        });
    });
}
