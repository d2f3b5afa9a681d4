//! What the middle shows while there is no ranking: what can be opened, what is being read, what to do next.

use crate::app::words;
use crate::app::{Activity, CaseCommand, JobCommand, Readiness, Session, WindowCommand};
use crate::ui::screen::{Queue, Screen};
use crate::ui::{curve, opening, theme, topbar};
use eframe::egui::{Align2, Button, Color32, Context, FontId, Id, LayerId, Order, ProgressBar, RichText, Ui, vec2};

/// No case is open.
pub(super) fn show(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let top = ((ui.available_height() - 360.0) / 2.0).max(12.0);
    ui.add_space(top);
    ui.vertical_centered(|ui| {
        ui.set_max_width(640.0);
        ui.label(RichText::new("Residue").size(30.0).strong());
        ui.label(RichText::new("Learns what is ordinary in this evidence, and ranks what is left over.").size(15.0));
        ui.add_space(14.0);
        ui.label("Drop files or folders anywhere in this window:");
        ui.label(RichText::new("Windows event logs (.evtx) · KAPE and Velociraptor folders · Plaso, Timesketch, mactime and MFTECmd timelines · EvtxECmd, Hayabusa and Chainsaw results · JSON lines · zip and gzip of them · a .residue case").color(colours.weak));
        ui.add_space(16.0);
        ui.horizontal(|ui| {
            let width = 200.0;
            ui.add_space(((ui.available_width() - 2.0 * width - 12.0) / 2.0).max(0.0));
            let size = vec2(width, 34.0);
            if ui.add(Button::new(RichText::new("Open evidence…").size(15.0)).min_size(size).fill(ui.visuals().selection.bg_fill)).on_hover_text("Files, folders or a case (Ctrl+O)").clicked() {
                queue.push(WindowCommand::Dialog(Some(crate::app::Dialog::Open)));
            }
            if ui.add(Button::new(RichText::new("Try the demo case").size(15.0)).min_size(size)).on_hover_text("A small synthetic estate with an intrusion planted in it").clicked() {
                queue.push(CaseCommand::Demo);
            }
        });
        ui.add_space(12.0);
        ui.label(RichText::new("or type a path").color(colours.weak));
        ui.horizontal(|ui| {
            ui.add_space(((ui.available_width() - 480.0) / 2.0).max(0.0));
            opening::path_field(ui, &mut screen.open_path, 400.0, queue);
        });
        if !session.prefs.recent.is_empty() {
            ui.add_space(16.0);
            ui.label(RichText::new("Recent").color(colours.weak));
            for path in session.prefs.recent.iter().take(5) {
                if ui.add(Button::new(path.display().to_string()).frame(false).truncate()).on_hover_text("Open it again").clicked() {
                    queue.push(CaseCommand::Open(vec![path.clone()]));
                }
            }
        }
        unsaved(ui, session, queue);
        for notice in session.notices.iter().rev().take(3) {
            ui.add_space(8.0);
            ui.label(RichText::new(&notice.text).color(colours.error));
        }
        if cfg!(target_os = "linux") && std::env::var_os("WAYLAND_DISPLAY").is_some() {
            ui.add_space(8.0);
            ui.label(RichText::new("Dropping files does not work on Wayland; use the button or the path field.").small().color(colours.weak));
        }
    });
}

/// Cases that were never saved, for when a window was closed or killed.
fn unsaved(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    const MOST: usize = 4;
    if session.unsaved.is_empty() {
        return;
    }
    let (colours, zone) = (theme::colours(ui), session.zone());
    ui.add_space(16.0);
    ui.label(RichText::new("Unsaved cases, with everything done in them").color(colours.weak));
    for case in session.unsaved.iter().take(MOST) {
        let when = case.used.map_or_else(|| "at an unknown time".to_owned(), |t| words::second(t, &zone));
        ui.horizontal(|ui| {
            ui.add_space(((ui.available_width() - 330.0) / 2.0).max(0.0));
            if ui.button(format!("Open the case last used {when}")).on_hover_text(case.dir.display().to_string()).clicked() {
                queue.push(CaseCommand::Recover(case.dir.clone()));
            }
            if ui
                .small_button("Delete")
                .on_hover_text("Deletes it for good; the evidence itself is not touched")
                .accessible_name(format!("Delete the case last used {when}"))
                .clicked()
            {
                queue.push(CaseCommand::Remove(case.dir.clone()));
            }
        });
    }
    if session.unsaved.len() > MOST {
        ui.label(RichText::new(format!("and {} older ones", session.unsaved.len() - MOST)).small().color(colours.weak));
    }
}

/// A case is open or being opened, and there is no ranking yet.
pub(super) fn waiting(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let training = !session.open.curve.is_empty();
    ui.add_space(((ui.available_height() - if training { 420.0 } else { 200.0 }) / 2.0).max(12.0));
    ui.vertical_centered(|ui| {
        ui.set_max_width(560.0);
        let events: u64 = session.open.sources.iter().map(|s| s.events).sum();
        let sources = if session.open.sources.len() == 1 { "1 source".to_owned() } else { format!("{} sources", words::count(session.open.sources.len())) };
        let found = format!("{} events from {}", words::count(events as usize), sources);
        match session.activity {
            Activity::Idle if events == 0 => {
                ui.heading("Nothing here could be read as evidence");
                ui.label("The list at the left says why, source by source. Open event logs, a timeline, or a folder of them.");
                ui.add_space(10.0);
                topbar::act(ui, session, "Open evidence…", "Open evidence…", queue);
            }
            Activity::Idle => {
                ui.heading(found);
                ui.label("Analyse trains each detector on this evidence and ranks it. A first ranking by rarity is there within seconds.");
                ui.add_space(10.0);
                let none = session.open.readiness.values().all(|r| matches!(r, Readiness::Cannot(_)));
                if none && !session.open.readiness.is_empty() {
                    ui.label(RichText::new("No detector can run on this evidence; the list at the left says why.").color(colours.warning));
                }
                let button = Button::new(RichText::new("Analyse").size(15.0)).min_size(vec2(160.0, 34.0)).fill(ui.visuals().selection.bg_fill);
                if ui.add(button).on_hover_text("F5").accessible_name("Analyse this evidence").clicked() {
                    queue.push(JobCommand::Analyse);
                }
                ui.add_space(8.0);
                topbar::act(ui, session, "All events…", "Look at all events (F6)", queue);
                ui.add_space(8.0);
                ui.label(RichText::new("Known-good evidence makes the ranking better: tick a source at the left, or add a baseline.").color(colours.weak));
            }
            Activity::Busy(job) | Activity::Stopping(job) => {
                let stopping = matches!(session.activity, Activity::Stopping(_));
                ui.heading(if stopping { "Stopping…".to_owned() } else { format!("{}…", job.word()) });
                ui.label(found);
                ui.add_space(8.0);
                let mut bar = ProgressBar::new(session.pace.share().unwrap_or(0.0)).desired_width(420.0);
                if let Some(share) = session.pace.share() {
                    bar = bar.text(format!("{:.0} %", share * 100.0));
                }
                ui.add(bar).accessible_name("Progress of this job");
                let what = session.pace.progress.as_ref().map(|p| format!("{} {}", p.stage, p.subject)).unwrap_or_default();
                let left = session.pace.left.map(|l| format!(" · {} left", words::duration(l))).unwrap_or_default();
                ui.label(RichText::new(format!("{what}{left}")).color(colours.weak));
                if training {
                    ui.add_space(8.0);
                    curve::show(ui, session, 180.0);
                }
            }
        }
    });
}

/// Says what happens when the files held over the window are let go.
pub(super) fn hovering_files(ctx: &Context) {
    let held = ctx.input(|i| i.raw.hovered_files.len());
    if held == 0 {
        return;
    }
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("hovering files")));
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0.0, Color32::from_black_alpha(190));
    let text = if held == 1 { "Let go to open it".to_owned() } else { format!("Let go to open {held} files") };
    painter.text(rect.center(), Align2::CENTER_CENTER, text, FontId::proportional(24.0), Color32::WHITE);
}
