//! What went wrong or is worth knowing, and what to do.

use crate::app::{Session, WindowCommand};
use crate::control::Severity;
use crate::ui::opening::modal;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{Context, Label, RichText, ScrollArea};

pub(super) fn show(ctx: &Context, session: &Session, queue: &mut Queue) {
    modal(ctx, "Notices", 720.0, queue, |ui, queue| {
        if session.notices.is_empty() {
            ui.label("Nothing went wrong.");
            return;
        }
        ui.horizontal(|ui| {
            if ui.button("Copy all").clicked() {
                let all: Vec<&str> = session.notices.iter().map(|n| n.text.as_str()).collect();
                queue.push(WindowCommand::Copy(all.join("\n")));
            }
            if ui.button("Clear").on_hover_text("Takes them off this list; the ledger keeps what it says of each source").clicked() {
                queue.push(WindowCommand::ClearNotices);
            }
        });
        let height = ui.ctx().content_rect().height() - 180.0;
        let number = session.notices.len();
        ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            const MOST: usize = 300;
            for notice in session.notices.iter().rev().take(MOST) {
                let colours = theme::colours(ui);
                let (mark, colour) = match notice.severity {
                    Severity::Info => ("note", colours.weak),
                    Severity::Warning => ("warning", colours.warning),
                    Severity::Error => ("error", colours.error),
                };
                ui.horizontal_top(|ui| {
                    ui.add_sized([52.0, 16.0], Label::new(RichText::new(mark).small().color(colour)));
                    ui.add(Label::new(&notice.text).wrap());
                });
            }
            if number > MOST {
                ui.label(format!("and {} older ones", number - MOST));
            }
        });
    });
}
