//! Rules beside ML: which rows both call noteworthy, which one of them alone, and what rules say of the selected row.

use crate::app::{NarrowCommand, Session, Show, words};
use crate::domain::Subject;
use crate::engine::Level;
use crate::ui::choice::choose;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{CollapsingHeader, Label, RichText, Ui};

/// Buttons for the parts, and how many grave hits stay above the threshold while it moves.
pub(super) fn parts(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let offered = [
        (Show::Both, "Both", "Above the threshold, and a rule hit one of its events"),
        (Show::OnlyUnusual, "Only unusual", "Above the threshold, and no rule hit"),
        (Show::OnlyRules, "Only rules", "A rule hit, but it is below the threshold"),
    ];
    choose(ui, session.open.view.narrow.show, offered, queue, NarrowCommand::Show);
    for (name, (above, all)) in ["critical", "high"].into_iter().zip(session.open.view.severe()) {
        let text = format!("{name} {} of {} above", words::count(above), words::count(all));
        let help = format!("Rows in which a rule of level {name} is the gravest that hit: how many stay above the threshold, and how many there are");
        ui.label(RichText::new(text).small().color(if above < all { theme::colours(ui).warning } else { ui.visuals().text_color() })).on_hover_text(help);
    }
}

/// What rules say of a subject.
pub(super) fn found(ui: &mut Ui, session: &Session, subject: &Subject) {
    let found = session.open.findings.of(subject);
    if found.is_empty() {
        return;
    }
    CollapsingHeader::new(format!("Rules that hit: {}", words::count(found.len()))).id_salt("rules").default_open(true).show(ui, |ui| {
        let colours = theme::colours(ui);
        for finding in found.iter().take(40) {
            ui.horizontal_wrapped(|ui| {
                let colour = if finding.level >= Level::High { colours.warning } else { colours.weak };
                ui.label(RichText::new(finding.level.name()).small().color(colour));
                ui.add(Label::new(super::text::plain(&finding.rule)).wrap());
                ui.label(RichText::new(super::text::plain(&finding.tactic)).small().color(colours.weak));
            });
        }
    });
}
