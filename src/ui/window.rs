//! The `eframe::App`: drains the workers, draws the panels, carries out what they pushed.

use crate::app::{CaseCommand, Command, Dialog, JobCommand, MarkCommand, Pick, PlanCommand, Session, Wish};
use crate::ui::focus::Focus;
use crate::ui::picker::Picker;
use crate::ui::screen::{Queue, Screen};
use crate::ui::typed::Typed;
use crate::ui::{
    about, combined, compare, coverage, details, empty, events, evidence, export, files, grip, histogram, keys, lexicon, mapping, notices, opening, ordinary,
    palette, searches, settings, shortcuts, status, strip, table, theme, topbar,
};
use eframe::egui::{self, CentralPanel, Context, Frame, Margin, Panel, Ui, ViewportCommand, Visuals};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The window.
pub struct Window {
    /// What it shows.
    pub session: Session,
    screen: Screen,
    picker: Box<dyn Picker>,
    looks: Option<(crate::app::Look, f32)>,
    titled: String,
    focus: Focus,
    typed: Typed,
}

impl Window {
    /// A window on a session; file dialogs are asked of `picker`.
    #[must_use]
    pub fn new(ctx: &Context, session: Session, picker: Box<dyn Picker>) -> Self {
        theme::install(ctx);
        Self { session, screen: Screen::default(), picker, looks: None, titled: String::new(), focus: Focus::default(), typed: Typed::default() }
    }

    fn dress(&mut self, ctx: &Context) {
        let wanted = (self.session.prefs.look, self.session.prefs.scale);
        if self.looks != Some(wanted) {
            ctx.set_theme(match wanted.0 {
                crate::app::Look::System => egui::ThemePreference::System,
                crate::app::Look::Dark => egui::ThemePreference::Dark,
                crate::app::Look::Light => egui::ThemePreference::Light,
            });
            ctx.set_zoom_factor(wanted.1);
            self.looks = Some(wanted);
        }
        let title = if self.session.open.title.is_empty() { "Residue".to_owned() } else { format!("{} - Residue", self.session.open.title) };
        if title != self.titled {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.titled = title;
        }
    }

    fn panels(&mut self, ui: &mut Ui, queue: &mut Queue) {
        let (session, screen) = (&self.session, &mut self.screen);
        let bar = Frame::new().fill(ui.visuals().faint_bg_color).inner_margin(Margin::symmetric(8, 5));
        Panel::top("top bar").frame(bar).resizable(false).show(ui, |ui| topbar::show(ui, session, screen, queue));
        let foot = Frame::new().fill(ui.visuals().faint_bg_color).inner_margin(Margin::symmetric(8, 3));
        Panel::bottom("status bar").frame(foot).resizable(false).show(ui, |ui| status::show(ui, session, queue));
        // No fill where the window's own ground is to be seen: without a graphics card every layer costs as much as all text.
        let side = Frame::new().inner_margin(Margin::same(8));
        if session.case().is_none() && !session.activity.is_busy() {
            CentralPanel::default().frame(side).show(ui, |ui| empty::show(ui, session, screen, queue));
            return;
        }
        if session.prefs.panels.0 {
            Panel::left("evidence").frame(side).default_size(222.0).size_range(170.0..=460.0).show(ui, |ui| evidence::show(ui, session, screen, queue));
        }
        if session.prefs.panels.1 && (session.open.view.order.is_some() || session.open.browse.open) {
            let most = (ui.available_width() * 0.6).max(300.0);
            Panel::right("details").frame(side).default_size(348.0).size_range(260.0..=most).show(ui, |ui| details::show(ui, session, screen, queue));
        }
        CentralPanel::default().frame(Frame::new()).show(ui, |ui| {
            if session.open.browse.open {
                let inner = Frame::new().inner_margin(Margin { left: 8, right: 2, top: 6, bottom: 0 });
                CentralPanel::default().frame(inner).show(ui, |ui| events::show(ui, session, screen, queue));
                return;
            }
            if session.open.view.order.is_none() {
                empty::waiting(ui, session, queue);
                return;
            }
            let inner = Frame::new().inner_margin(Margin { left: 8, right: 8, top: 6, bottom: 2 });
            Panel::top("histogram")
                .frame(inner)
                .default_size(196.0)
                .size_range(130.0..=480.0)
                .resizable(true)
                .show(ui, |ui| histogram::show(ui, session, queue));
            let inner = Frame::new().inner_margin(Margin { left: 8, right: 8, top: 3, bottom: 3 });
            Panel::top("strip").frame(inner).resizable(false).show(ui, |ui| strip::show(ui, session, screen, queue));
            CentralPanel::default()
                .frame(Frame::new().inner_margin(Margin { left: 8, right: 2, top: 2, bottom: 0 }))
                .show(ui, |ui| table::show(ui, session, screen, queue));
        });
    }

    /// Hands the note that is being typed over to the case.
    fn hand_over(&mut self) {
        let mut queue = Queue::new();
        details::hand_over(&mut self.screen, &mut queue);
        for command in queue {
            self.session.apply(command);
        }
    }

    fn dialogs(&mut self, ui: &Ui, queue: &mut Queue) {
        let (session, screen, ctx) = (&self.session, &mut self.screen, ui.ctx());
        match session.dialog {
            None => {}
            Some(Dialog::Open) => opening::show(ctx, session, screen, queue),
            Some(Dialog::Save) => opening::save(ctx, session, screen, queue),
            Some(Dialog::Export) => export::show(ctx, session, queue),
            Some(Dialog::Combined) => combined::show(ctx, session, queue),
            Some(Dialog::Compare) => compare::show(ctx, session, queue),
            Some(Dialog::Coverage) => coverage::show(ctx, session, queue),
            Some(Dialog::Import) => export::import(ctx, screen, queue),
            Some(Dialog::Indicators) => files::indicators(ctx, screen, queue),
            Some(Dialog::ExportEvents) => files::export_events(ctx, session, screen, queue),
            Some(Dialog::SaveBaseline) => files::save_baseline(ctx, session, screen, queue),
            Some(Dialog::Ordinary) => ordinary::mark(ctx, session, queue),
            Some(Dialog::Rules) => ordinary::review(ctx, session, screen, queue),
            Some(Dialog::Searches) => searches::show(ctx, session, screen, queue),
            Some(Dialog::Settings) => settings::show(ctx, session, screen, queue),
            Some(Dialog::Palette) => palette::show(ctx, session, screen, queue),
            Some(Dialog::Keys) => keys::show(ctx, session, queue),
            Some(Dialog::Notices) => notices::show(ctx, session, queue),
            Some(Dialog::About) => about::show(ctx, session, queue),
            Some(Dialog::Mapping) => mapping::show(ctx, session, queue),
            Some(Dialog::Words) => lexicon::show(ctx, session, queue),
        }
    }

    /// Does what only a window can do.
    fn grant(&mut self, ctx: &Context) {
        for wish in self.session.take_wishes() {
            match wish {
                Wish::Pick(pick) => self.picker.pick(pick, ctx.clone()),
                Wish::Copy(text) => ctx.copy_text(text),
                Wish::FocusSearch => self.screen.focus_search = true,
                Wish::FocusNote => self.screen.focus_note = true,
                Wish::Reveal => self.screen.reveal = true,
                Wish::FullScreen => {
                    self.screen.is_full = !self.screen.is_full;
                    ctx.send_viewport_cmd(ViewportCommand::Fullscreen(self.screen.is_full));
                }
                Wish::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            }
        }
    }

    /// What the file dialogs brought, and what was dropped onto the window.
    fn arrivals(&mut self, ctx: &Context, queue: &mut Queue) {
        for (pick, paths) in self.picker.picked() {
            match (pick, paths.first()) {
                (_, None) => {}
                (Pick::EvidenceFiles | Pick::EvidenceFolder, _) => queue.push(CaseCommand::Open(paths)),
                (Pick::Baseline, _) => queue.push(PlanCommand::AddBaseline(paths)),
                (Pick::Labels, Some(path)) => queue.push(PlanCommand::Labels(Some(path.clone()))),
                (Pick::LabelsOut, Some(path)) => queue.push(MarkCommand::ExportLabels(path.clone())),
                (Pick::SaveCase, Some(path)) => queue.push(CaseCommand::SaveAs(path.clone())),
                (Pick::Annotations, Some(path)) => queue.push(JobCommand::ImportAnnotations(path.clone())),
                (Pick::Indicators, Some(path)) => queue.push(JobCommand::Indicators(path.clone())),
                (Pick::BaselineOut, Some(path)) => self.screen.baseline_out = path.display().to_string(),
                (Pick::EventsOut, Some(path)) => self.screen.events_out = path.display().to_string(),
                (Pick::ExportFile, Some(path)) => self.session.open.export.path = path.display().to_string(),
            }
        }
        let dropped: Vec<PathBuf> = ctx.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        if !dropped.is_empty() {
            queue.push(CaseCommand::Open(dropped));
        }
    }
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        if self.session.logic(Instant::now()) {
            ctx.request_repaint();
        }
        if self.session.open.browse.is_waiting() {
            // How far it is; seldom, since drawing without a graphics card takes the time that the search wants. Most are done before.
            ctx.request_repaint_after(Duration::from_millis(500));
        }
        if self.session.activity.is_busy() {
            // The clock in the status bar goes on while a job says nothing.
            ctx.request_repaint_after(Duration::from_millis(500));
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.dress(&ctx);
        self.focus.claim(&ctx);
        self.typed.hand_on(&ctx);
        self.screen.follow(self.session.open.id());
        let mut held = Queue::new();
        grip::take(&ctx, &mut held);
        for command in held {
            self.session.apply(command);
        }
        let mut queue = Queue::new();
        self.arrivals(&ctx, &mut queue);
        shortcuts::take(&ctx, &self.session, &mut self.typed, &mut queue);
        self.panels(ui, &mut queue);
        self.dialogs(ui, &mut queue);
        empty::hovering_files(&ctx);
        let pushed = !queue.is_empty();
        for command in queue {
            if matches!(command, Command::Case(_)) {
                // A note that is being typed belongs to the case that is open now.
                self.hand_over();
            }
            self.session.apply(command);
        }
        self.screen.follow(self.session.open.id());
        self.grant(&ctx);
        if pushed {
            // What was asked for in this frame is to be seen in this frame.
            ctx.request_discard("a command was carried out");
        }
    }

    fn clear_color(&self, visuals: &Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }

    fn on_exit(&mut self) {
        self.hand_over();
        self.session.apply(CaseCommand::Close);
    }
}
