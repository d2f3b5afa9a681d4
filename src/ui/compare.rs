//! The dialog *Compare networks*: what the published networks, and ours, make of the same labels, with their curves on a logarithmic axis.

use crate::app::{JobCommand, Session, WindowCommand, words};
use crate::domain::Figures;
use crate::engine::{Compared, networks};
use crate::ui::curve::{log_axis, marks};
use crate::ui::opening::modal;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{Button, Context, Grid, RichText, ScrollArea, Ui};
use egui_plot::{AxisHints, Corner, Legend, Line, LineStyle, Plot, PlotPoints};
use std::fmt::Write as _;

const TITLES: [&str; 8] = ["Network", "By group: AUC", "AP", "TP FP TN FN", "At random: AUC", "AP", "Epochs", "Seconds"];

pub(super) fn show(ctx: &Context, session: &Session, queue: &mut Queue) {
    modal(ctx, "Compare networks", 900.0, queue, |ui, queue| {
        let (malicious, benign) = session.labels();
        let file = if session.open.choices.plan.labels.is_some() { " and a label file" } else { "" };
        ui.label("Every network learns the same labels twice: whole groups held out, and the same number of processes held out at random, which flatters.");
        ui.label(
            RichText::new(format!("labels: {malicious} malicious, {benign} benign{file}; {} networks, a minute or more each", networks().count())).small(),
        );
        ui.horizontal(|ui| {
            let running = session.activity.is_busy();
            let none = malicious + benign == 0 && session.open.choices.plan.labels.is_none();
            let why = if none { "Label processes first: M marks the selected one malicious, B benign" } else { "Wait for what runs, or cancel it" };
            if ui.add_enabled(!running && !none, Button::new("Train and compare")).on_disabled_hover_text(why).clicked() {
                queue.push(JobCommand::CompareNetworks);
            }
            if running && ui.button("Cancel").clicked() {
                queue.push(JobCommand::Cancel);
            }
            if !session.open.compared.is_empty() && ui.button("Copy as text").clicked() {
                queue.push(WindowCommand::Copy(text(&session.open.compared)));
            }
            if running {
                ui.label(RichText::new("this dialog can be closed meanwhile").small().color(theme::colours(ui).weak));
            }
        });
        if session.open.compared.is_empty() {
            return;
        }
        let height = (ui.ctx().content_rect().height() - 460.0).clamp(90.0, 260.0);
        ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| table(ui, &session.open.compared));
        curves(ui, &session.open.compared);
    });
}

/// One network's cells.
fn cells(compared: &Compared) -> [String; 8] {
    let number = |figures: &Option<Figures>, pick: fn(&Figures) -> Option<f64>| figures.as_ref().and_then(pick).map_or("-".to_owned(), |v| format!("{v:.3}"));
    let Compared { validation, curve, seconds } = compared;
    let hits = validation
        .grouped
        .as_ref()
        .map_or("-".to_owned(), |f| format!("{} {} {} {}", f.true_positives, f.false_positives, f.true_negatives, f.false_negatives));
    [
        validation.network.clone(),
        number(&validation.grouped, |f| f.roc_auc),
        number(&validation.grouped, |f| f.average_precision),
        hits,
        number(&validation.random, |f| f.roc_auc),
        number(&validation.random, |f| f.average_precision),
        curve.len().to_string(),
        format!("{seconds:.0}"),
    ]
}

fn table(ui: &mut Ui, all: &[Compared]) {
    Grid::new("networks").striped(true).num_columns(TITLES.len()).spacing([18.0, 3.0]).show(ui, |ui| {
        for title in TITLES {
            ui.label(RichText::new(title).small().strong());
        }
        ui.end_row();
        for compared in all {
            for cell in cells(compared) {
                ui.label(RichText::new(cell).font(theme::digits()));
            }
            ui.end_row();
        }
    });
}

/// Training and, dashed, validation of every network.
fn curves(ui: &mut Ui, all: &[Compared]) {
    let log = |v: f64| v.max(1e-12).log10();
    let values = all.iter().flat_map(|c| &c.curve).flat_map(|p| [Some(p.train), p.validation]).flatten().filter(|v| v.is_finite()).map(log);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return;
    }
    ui.label(RichText::new("Loss while training on all labels, and, dashed, on the processes kept for validation").small().color(theme::colours(ui).weak));
    let grid = theme::colours(ui).line;
    let series: Vec<_> = all.iter().enumerate().map(|(at, c)| (theme::cluster(ui, Some(at as u32)).0, c)).collect();
    let margin = ((high - low) * 0.08).max(0.02);
    let plot = Plot::new("networks' curves")
        .height(230.0)
        .legend(Legend::default().position(Corner::LeftBottom))
        .grid_color(grid)
        .allow_scroll(false)
        .label_formatter(|_| None);
    plot.y_grid_spacer(move |_| marks(low - margin, high + margin))
        .custom_y_axes(vec![log_axis()])
        .custom_x_axes(vec![AxisHints::new_x().label("epoch")])
        .show(ui, |plot| {
            for (colour, compared) in series {
                let points = |value: &dyn Fn(&crate::domain::CurvePoint) -> Option<f64>| -> PlotPoints<'_> {
                    let found = compared.curve.iter().filter_map(|p| Some([f64::from(p.epoch), log(value(p).filter(|v| v.is_finite())?)]));
                    PlotPoints::from(found.collect::<Vec<_>>())
                };
                let name = &compared.validation.network;
                plot.line(Line::new(name, points(&|p| Some(p.train))).color(colour).width(1.5));
                plot.line(Line::new(name, points(&|p| p.validation)).color(colour).width(1.2).style(LineStyle::dashed_dense()));
            }
        })
        .response
        .widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Image, true, "Networks' curves"));
}

/// The table as tab-separated text.
fn text(all: &[Compared]) -> String {
    let mut text = TITLES.join("\t");
    for compared in all {
        let _ = write!(text, "\n{}", cells(compared).join("\t"));
    }
    let first = all.first().map(|c| &c.validation);
    if let Some(v) = first {
        let _ = write!(text, "\n{} labelled processes, {} malicious, {} groups", words::count(v.labelled as usize), v.malicious, v.groups);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CurvePoint, Validation};

    #[test]
    fn the_text_holds_a_line_for_each_network() {
        let figures = Figures { true_positives: 1, roc_auc: Some(0.75), average_precision: None, ..Figures::default() };
        let validation =
            Validation { network: "dd".into(), labelled: 9, malicious: 3, groups: 2, folds: 2, grouped: Some(figures), random: None, class_weight: 2.0 };
        let curve = vec![CurvePoint { epoch: 1, train: 0.5, validation: None, figures: None }];
        let text = text(&[Compared { validation, curve, seconds: 61.4 }]);
        assert_eq!(text.lines().nth(1), Some("dd\t0.750\t-\t1 0 0 0\t-\t-\t1\t61"));
        assert_eq!(text.lines().nth(2), Some("9 labelled processes, 3 malicious, 2 groups"));
    }
}
