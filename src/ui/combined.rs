//! The dialog *All detectors*: one list of all rankings, and how computers and users stand in them.

use crate::app::{Session, ViewCommand, words};
use crate::engine::{FusedRow, Standing};
use crate::ui::opening::modal;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{Button, CollapsingHeader, Context, Grid, Label, RichText, ScrollArea, Ui};

/// Rows and names shown.
const ROWS: usize = 200;
const NAMES: usize = 12;

pub(super) fn show(ctx: &Context, session: &Session, queue: &mut Queue) {
    modal(ctx, "All detectors in one list", 1100.0, queue, |ui, queue| {
        let Some(fusion) = &session.open.combined.fusion else {
            ui.label(if session.open.rankings.is_empty() { "Analyse first." } else { "Being put together…" });
            return;
        };
        ui.label("Each event's rank in every detector; the order is the sum of 1 / (60 + rank) over them. Click a row to see it where it ranks highest.");
        let names: Vec<&str> = fusion.detectors.iter().map(|d| d.title()).collect();
        CollapsingHeader::new("Computers and users").default_open(false).show(ui, |ui| {
            standings(ui, "Computer", &names, &fusion.computers);
            ui.add_space(6.0);
            standings(ui, "User", &names, &fusion.users);
        });
        let height = (ui.ctx().content_rect().height() - 260.0).max(120.0);
        ScrollArea::both().max_height(height).min_scrolled_height(height).auto_shrink([false, true]).show(ui, |ui| {
            Grid::new("combined").striped(true).num_columns(names.len() + 4).show(ui, |ui| {
                for title in ["#"].into_iter().chain(names.iter().copied()).chain(["Events", "Computer", "What happened"]) {
                    ui.label(RichText::new(title).small().strong());
                }
                ui.end_row();
                for (place, row) in fusion.rows.iter().take(ROWS).enumerate() {
                    line(ui, session, place, row, queue);
                    ui.end_row();
                }
            });
        });
        if fusion.rows.len() > ROWS {
            ui.label(
                RichText::new(format!("{} rows are shown; residue export CASE --combined writes all", words::count(ROWS)))
                    .small()
                    .color(theme::colours(ui).weak),
            );
        }
    });
}

fn line(ui: &mut Ui, session: &Session, place: usize, row: &FusedRow, queue: &mut Queue) {
    let digits = |text: String| RichText::new(text).font(theme::digits());
    ui.label(digits(words::count(place + 1)));
    for rank in &row.ranks {
        ui.label(digits(rank.map(|r| words::count(r as usize)).unwrap_or_default()));
    }
    ui.label(digits(words::count(row.events.len())));
    let best = session.open.combined.fusion.as_ref().and_then(|f| f.detectors.get(row.best.0)).copied();
    let Some((detector, ranking)) = best.and_then(|d| Some((d, session.open.combined.fused.get(row.best.0)?))) else { return };
    let Some(subject) = ranking.report.subjects.get(row.best.1) else { return };
    ui.add(Label::new(super::text::plain(subject.computer.as_deref().unwrap_or_default())));
    let title: String = super::text::plain(&subject.title).chars().take(110).collect();
    let response = ui.add(Button::new(title).frame(false)).on_hover_text(format!("{}: {}", detector.title(), subject.reasons[0]));
    if response.clicked() {
        queue.push(ViewCommand::GoTo(detector, subject.key));
    }
}

fn standings(ui: &mut Ui, what: &str, names: &[&str], list: &[Standing]) {
    Grid::new(what).striped(true).show(ui, |ui| {
        for title in [what, "First at"].into_iter().chain(names.iter().copied()) {
            ui.label(RichText::new(title).small().strong());
        }
        ui.end_row();
        for standing in list.iter().take(NAMES) {
            ui.label(super::text::plain(&standing.name));
            ui.label(standing.first.map(words::count).unwrap_or_default());
            for above in &standing.above {
                ui.label(format!("{} above", words::count(*above)));
            }
            ui.end_row();
        }
    });
}
