//! The bar at the bottom: counts, notices, what runs and how long it will take.

use crate::app::words;
use crate::app::{Activity, Dialog, NarrowCommand, Session, Show, ViewCommand, WindowCommand};
use crate::control::Severity;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{self, Align, Layout, ProgressBar, RichText, Ui};
use std::time::Duration;

/// How long the newest thing done is said.
const SAID: Duration = Duration::from_secs(12);

pub(super) fn show(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    ui.horizontal(|ui| {
        if session.case().is_some() {
            counts(ui, session, queue);
        }
        notices(ui, session, queue);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| activity(ui, session));
    });
}

fn counts(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let events: u64 = session.open.sources.iter().map(|s| s.events).sum();
    let no_time: u64 = session.open.sources.iter().map(|s| s.no_time).sum();
    let figure = |ui: &mut Ui, name: &str, n: usize, colour: egui::Color32, help: &str| {
        let text = format!("{name} {}", words::count(n));
        ui.add(egui::Button::new(RichText::new(text).color(colour)).frame(false)).on_hover_text(help.to_owned()).clicked()
    };
    let plain = ui.visuals().text_color();
    let per_event = "Events read from all sources";
    if figure(ui, "total", events as usize, plain, per_event) {
        queue.push(NarrowCommand::ShowAll);
    }
    if session.open.view.order.is_some() {
        if figure(ui, "visible", session.open.view.shown(), plain, "Rows in the table. Click to show everything.") {
            queue.push(NarrowCommand::ShowAll);
        }
        if figure(ui, "above", session.open.view.above(), colours.above, "Subjects at or above the threshold: leads, not verdicts. Click to see them alone.") {
            queue.push(NarrowCommand::Show(Show::Above));
        }
    }
    if figure(ui, "flagged", session.open.marks.flagged().len(), colours.flag, "Carrying your flag. Click to see them alone (Ctrl+B).") {
        queue.push(NarrowCommand::Show(Show::Flagged));
    }
    let ordinary: usize = session.open.view.suppressed.iter().sum();
    if ordinary > 0 && figure(ui, "ordinary", ordinary, plain, "Called ordinary and out of the ranking. Click to review and bring back (Ctrl+Shift+O).") {
        queue.push(WindowCommand::Dialog(Some(Dialog::Rules)));
    }
    if figure(ui, "no time", no_time as usize, plain, "Events without a usable time; they are kept and ranked all the same") {
        queue.push(ViewCommand::Sort(crate::app::Column::Time));
    }
}

fn notices(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let worst = session.notices.iter().skip(session.seen_notices).map(|n| n.severity).max();
    let colour = match worst {
        Some(Severity::Error) => colours.error,
        Some(Severity::Warning) => colours.warning,
        _ => ui.visuals().text_color(),
    };
    let text = match session.notices.len() {
        1 => "1 notice".to_owned(),
        n => format!("{} notices", words::count(n)),
    };
    if ui.add(egui::Button::new(RichText::new(text).color(colour)).frame(false)).on_hover_text("What went wrong or is worth knowing (F9)").clicked() {
        queue.push(WindowCommand::Dialog(Some(Dialog::Notices)));
    }
}

fn activity(ui: &mut Ui, session: &Session) {
    let (word, stopping) = match session.activity {
        Activity::Idle => {
            said(ui, session);
            return;
        }
        Activity::Busy(job) => (job.word(), false),
        Activity::Stopping(job) => (job.word(), true),
    };
    let progress = session.pace.progress.as_ref();
    let mut text = match progress {
        _ if stopping => "stopping".to_owned(),
        Some(p) if p.subject.is_empty() => p.stage.clone(),
        Some(p) => format!("{} {}", p.stage, p.subject),
        None => word.to_lowercase(),
    };
    if let (Some(left), false) = (session.pace.left, stopping) {
        text = format!("{text}   {} left", words::duration(left));
    }
    let share = session.pace.share().filter(|_| !stopping);
    ui.add(
        ProgressBar::new(share.unwrap_or(0.0))
            .desired_width(120.0)
            .desired_height(12.0)
            .text(RichText::new(share.map_or_else(String::new, |s| format!("{:.0} %", s * 100.0))).small()),
    )
    .accessible_name("Progress");
    ui.add(egui::Label::new(text).truncate());
}

fn said(ui: &mut Ui, session: &Session) {
    if let Some((text, at)) = &session.said
        && at.elapsed() < SAID
    {
        ui.add(egui::Label::new(RichText::new(text).color(theme::colours(ui).weak)).truncate());
        ui.ctx().request_repaint_after(SAID.saturating_sub(at.elapsed()));
    } else if session.open.view.is_building() {
        ui.label("sorting…");
    }
}
