//! One of a few: buttons side by side, the chosen one lit.

use crate::app::Command;
use crate::ui::screen::Queue;
use eframe::egui::{Button, Ui};

/// Offers values by name, each with a word of help; a click pushes the command for one.
pub(super) fn choose<'a, T: PartialEq, C: Into<Command>>(
    ui: &mut Ui,
    chosen: T,
    offered: impl IntoIterator<Item = (T, &'a str, &'a str)>,
    queue: &mut Queue,
    command: fn(T) -> C,
) {
    for (value, name, help) in offered {
        if ui.add(Button::selectable(chosen == value, name)).on_hover_text(help).clicked() {
            queue.push(command(value));
        }
    }
}
