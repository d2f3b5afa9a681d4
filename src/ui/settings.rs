//! Settings: preset, device, prior, every setting of every detector, and how the window looks.

use crate::app::{Look, PlanCommand, Session, WindowCommand};
use crate::domain::{Compute, Preset, Settings};
use crate::ui::choice::choose;
use crate::ui::opening::modal;
use crate::ui::screen::{Queue, Screen};
use crate::ui::theme;
use eframe::egui::{self, Button, CollapsingHeader, ComboBox, Context, DragValue, Grid, RichText, ScrollArea, Ui};

pub(super) fn show(ctx: &Context, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    modal(ctx, "Settings", 560.0, queue, |ui, queue| {
        let height = ui.ctx().content_rect().height() - 140.0;
        ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            plan(ui, session, queue);
            ui.add_space(6.0);
            detectors(ui, session, queue);
            ui.add_space(6.0);
            window(ui, session, screen, queue);
        });
    });
}

fn plan(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    ui.label(RichText::new("Analysis").strong());
    ui.horizontal(|ui| {
        ui.label("Preset");
        let offered = [
            (Preset::Recommended, "recommended", "Ranks real cases best: counts, network and knowledge, each shown apart"),
            (Preset::Published, "published", "Each method as its authors described it; ranks by the autoencoder's loss"),
        ];
        choose(ui, session.open.choices.plan.preset, offered, queue, PlanCommand::Preset);
    });
    ui.horizontal(|ui| {
        ui.label("Train on");
        let offered = [
            (Compute::Auto, "automatic", "A real GPU when there is one and it pays, else the CPU"),
            (Compute::Cpu, "CPU", "Repeatable to the byte"),
            (Compute::Gpu, "GPU", "Any GPU adapter, software ones included"),
        ];
        choose(ui, session.open.choices.plan.compute, offered, queue, PlanCommand::Compute);
    });
    ui.label(RichText::new(&session.device).small().color(theme::colours(ui).weak));
    let mut prior = session.open.choices.plan.prior;
    if ui.checkbox(&mut prior, "Use knowledge tables (prior)").on_hover_text("Their part of every score is shown apart").changed() {
        queue.push(PlanCommand::Prior(prior));
    }
    ui.label(RichText::new("Changes take effect with the next Analyse.").small().color(theme::colours(ui).weak));
}

fn detectors(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let mut s = session.open.choices.plan.settings.clone();
    ui.horizontal(|ui| {
        ui.label(RichText::new("Detectors").strong());
        if ui.button("Defaults").on_hover_text("Every setting as it came").clicked() {
            s = Settings::default();
        }
    });
    CollapsingHeader::new("Event fields").show(ui, |ui| {
        let f = &mut s.fields;
        ui.checkbox(&mut f.context, "A process lends its events part of its most unusual event's excess");
        ui.checkbox(&mut f.published_all_channels, "Published encoding for every channel, not Task Scheduler alone");
        ui.checkbox(&mut f.sequence, "Published variant over sequences of 200 events");
        numbers(ui, "fields", |ui| {
            number(ui, "Code size", &mut f.code, 1..=64);
            number(ui, "Epochs at most", &mut f.epochs, 1..=5000);
            number(ui, "Patience (epochs)", &mut f.patience, 1..=500);
            share(ui, "Validation share", &mut f.validation);
            number(ui, "Restarts (published)", &mut f.restarts, 1..=20);
            share(ui, "Weight of own events beside a baseline", &mut f.own_weight);
        });
    });
    CollapsingHeader::new("Process groups").show(ui, |ui| {
        let g = &mut s.groups;
        ui.horizontal(|ui| {
            ui.label("Window");
            for (seconds, name) in [(60, "1 min"), (300, "5 min"), (900, "15 min"), (3600, "1 hour"), (86400, "1 day")] {
                if ui.add(Button::selectable(g.window_seconds == seconds, name)).clicked() {
                    g.window_seconds = seconds;
                }
            }
        });
        ui.checkbox(&mut g.by_user, "Computer and user apart, not computer alone");
        ui.checkbox(&mut g.windows_only, "Only images under the Windows directory");
        numbers(ui, "groups", |ui| number(ui, "Hash buckets", &mut g.buckets, 4..=4096));
    });
    CollapsingHeader::new("Process chains").show(ui, |ui| {
        numbers(ui, "chains", |ui| {
            number(ui, "Chain length", &mut s.chains.length, 2..=6);
            share(ui, "Weight of own chains beside a baseline", &mut s.chains.own_weight);
        });
    });
    CollapsingHeader::new("Process behaviour").show(ui, |ui| {
        let p = &mut s.process;
        ui.checkbox(&mut p.names, "Look at image names and paths, which may give the answer away");
        ui.horizontal(|ui| {
            ui.label("Network");
            let shown = if p.network.is_empty() { "the preset's own" } else { &p.network }.to_owned();
            ComboBox::from_id_salt("process network").selected_text(shown).show_ui(ui, |ui| {
                ui.selectable_value(&mut p.network, String::new(), "the preset's own");
                for name in ["recommended", "linear", "simplest", "dd", "deep", "deeper", "conv_rnn", "conv_birnn"] {
                    ui.selectable_value(&mut p.network, name.to_owned(), name);
                }
            });
        });
        numbers(ui, "process", |ui| {
            number(ui, "Steps", &mut p.steps, 8..=2048);
            number(ui, "Fewest events of a process", &mut p.min_events, 1..=100);
            number(ui, "Epochs at most", &mut p.epochs, 1..=1000);
            number(ui, "Patience (epochs)", &mut p.patience, 1..=500);
            number(ui, "Parts held out at most", &mut p.folds, 2..=100);
        });
    });
    CollapsingHeader::new("Timeline").show(ui, |ui| {
        numbers(ui, "timeline", |ui| {
            let mut inode = s.timeline.min_inode as usize;
            number(ui, "Leave out inodes below", &mut inode, 0..=1_000_000);
            s.timeline.min_inode = inode as u64;
            let mut journal = s.timeline.journal_inode as usize;
            number(ui, "Inode of the change journal (0 = found)", &mut journal, 0..=10_000_000);
            s.timeline.journal_inode = journal as u64;
            number(ui, "Window of earlier rows", &mut s.timeline.window, 2..=1000);
            number(ui, "Units of the sequence network (published)", &mut s.timeline.units, 4..=1000);
            number(ui, "Windows learned from at most (published)", &mut s.timeline.windows, 100..=1_000_000);
        });
    });
    if s != session.open.choices.plan.settings {
        queue.push(PlanCommand::Settings(Box::new(s)));
    }
}

fn numbers(ui: &mut Ui, id: &str, rows: impl FnOnce(&mut Ui)) {
    Grid::new(id).num_columns(2).show(ui, rows);
}

fn number(ui: &mut Ui, name: &str, value: &mut usize, range: std::ops::RangeInclusive<usize>) {
    let label = ui.label(name);
    ui.add(DragValue::new(value).range(range).speed(0.2)).labelled_by(label.id);
    ui.end_row();
}

fn share(ui: &mut Ui, name: &str, value: &mut f64) {
    let label = ui.label(name);
    ui.add(DragValue::new(value).range(0.0..=1.0).speed(0.005)).labelled_by(label.id);
    ui.end_row();
}

fn window(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    ui.label(RichText::new("Window").strong());
    ui.horizontal(|ui| {
        ui.label("Theme");
        for look in Look::ALL {
            if ui.add(Button::selectable(session.prefs.look == look, look.title())).clicked() {
                queue.push(WindowCommand::Look(look));
            }
        }
    });
    ui.horizontal(|ui| {
        let label = ui.label("Size");
        let mut percent = (session.prefs.scale * 100.0).round();
        let response = ui.add(DragValue::new(&mut percent).range(50.0..=300.0).suffix(" %").speed(1.0).update_while_editing(false)).labelled_by(label.id);
        // Only when let go: a window that grows under the pointer cannot be aimed at.
        if response.changed() && !response.dragged() {
            queue.push(WindowCommand::Scale(percent / 100.0));
        }
        for (text, by) in [("−", -1), ("+", 1)] {
            if ui.button(text).accessible_name(if by > 0 { "Larger" } else { "Smaller" }).clicked() {
                queue.push(WindowCommand::Zoom(by));
            }
        }
    });
    ui.horizontal(|ui| {
        ui.label("Times shown in");
        if let Some(zone) = zones(ui, "zone", &session.prefs.zone, &mut screen.zone) {
            queue.push(WindowCommand::Zone(zone));
        }
        ui.label(RichText::new("evidence is kept in UTC").small().color(theme::colours(ui).weak));
    });
}

/// A list of time zones with a field that narrows it; what was chosen.
pub(super) fn zones(ui: &mut Ui, id: &str, current: &str, draft: &mut String) -> Option<String> {
    let mut chosen = None;
    ComboBox::from_id_salt(id).selected_text(current).width(200.0).show_ui(ui, |ui| {
        ui.add(egui::TextEdit::singleline(draft).hint_text("find a zone")).accessible_name("Find a zone").request_focus();
        let wanted = draft.to_lowercase();
        let all = std::iter::once("UTC".to_owned()).chain(jiff::tz::db().available().map(|z| z.as_str().to_owned()));
        for zone in all.filter(|z| z.to_lowercase().contains(&wanted)).take(200) {
            if ui.add(Button::selectable(zone == current, &zone)).clicked() {
                draft.clear();
                chosen = Some(zone);
                ui.close();
            }
        }
    });
    chosen
}
