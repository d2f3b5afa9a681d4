//! What this is, and what a ranking means.

use crate::app::Session;
use crate::ui::opening::modal;
use crate::ui::screen::Queue;
use eframe::egui::{Context, Label};

pub(super) fn show(ctx: &Context, session: &Session, queue: &mut Queue) {
    modal(ctx, "About Residue", 560.0, queue, |ui, _| {
        ui.label(format!("Residue {}", env!("CARGO_PKG_VERSION")));
        ui.label(&session.device);
        let log = crate::files::log::path().map_or_else(|why| format!("Log: none ({why})"), |path| format!("Log: {}", path.display()));
        ui.add(Label::new(log).wrap());
        ui.add_space(6.0);
        for text in [
            "Residue learns on this machine what is ordinary in event logs and timelines, and ranks what is left over. High in the ranking means unusual in this evidence, nothing more: a lead, never a verdict. What is common is not thereby harmless.",
            "It works offline and never writes to evidence. Flags, notes and tags are kept in the case with your user name.",
            "Licence: MIT or Apache-2.0. Fonts: Ubuntu Light (Ubuntu Font Licence), Hack (MIT and Bitstream Vera), Noto Emoji (SIL OFL), emoji-icon-font (MIT); missing scripts come from the system.",
        ] {
            ui.add(Label::new(text).wrap());
            ui.add_space(6.0);
        }
    });
}
