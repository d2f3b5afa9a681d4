//! The live loss curve: training and validation, logarithmic axis.

use crate::app::Session;
use crate::app::words;
use crate::domain::Figures;
use crate::ui::theme;
use eframe::egui::{RichText, Ui};
use egui_plot::{AxisHints, GridMark, Line, LineStyle, Plot, PlotPoints};

pub(super) fn show(ui: &mut Ui, session: &Session, height: f32) {
    let colours = theme::colours(ui);
    let log = |v: f64| v.max(1e-12).log10();
    let points = |value: &dyn Fn(&crate::domain::CurvePoint) -> Option<f64>| -> Vec<[f64; 2]> {
        session.open.curve.iter().filter_map(|p| Some([f64::from(p.epoch), log(value(p).filter(|v| v.is_finite())?)])).collect()
    };
    let (train, validation) = (points(&|p| Some(p.train)), points(&|p| p.validation));
    let all = train.iter().chain(&validation).map(|p| p[1]);
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return;
    }
    let margin = ((high - low) * 0.08).max(0.02);
    let last = session.open.curve.last().map_or(1.0, |p| f64::from(p.epoch)).max(2.0);
    let response = Plot::new("curve")
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
        .grid_color(colours.line)
        .y_grid_spacer(move |_| marks(low - margin, high + margin))
        .custom_y_axes(vec![log_axis()])
        .custom_x_axes(vec![AxisHints::new_x().label_spacing(22.0..=34.0)])
        .label_formatter(|_| None)
        .show(ui, |plot| {
            plot.set_plot_bounds_x(1.0..=last);
            plot.set_plot_bounds_y(low - margin..=high + margin);
            plot.line(Line::new("training", PlotPoints::from(train.clone())).color(colours.train).width(1.5));
            plot.line(Line::new("validation", PlotPoints::from(validation.clone())).color(colours.validation).width(1.5).style(LineStyle::dashed_dense()));
        });
    let newest = session.open.curve.last();
    response.response.accessible_name("Loss curve");
    ui.horizontal_wrapped(|ui| {
        let text = |name: &str, v: Option<f64>| v.map(|v| format!("{name} {}", words::score(v)));
        if let Some(p) = newest {
            ui.label(RichText::new(format!("epoch {}", p.epoch)).small().color(colours.weak));
            for (text, colour) in [(text("— training", Some(p.train)), colours.train), (text("- - validation", p.validation), colours.validation)] {
                if let Some(text) = text {
                    ui.label(RichText::new(text).small().color(colour));
                }
            }
        }
    });
    if let Some(figures) = newest.and_then(|p| p.figures) {
        ui.label(RichText::new(held_out(&figures)).small()).on_hover_text("The classifier on the processes kept for validation, after the newest epoch");
    }
}

/// A classifier's hits and misses in one line.
fn held_out(figures: &Figures) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let Figures { true_positives, false_positives, true_negatives, false_negatives, .. } = figures;
    format!(
        "TP {true_positives} FP {false_positives} TN {true_negatives} FN {false_negatives}; precision {}, recall {}, ROC-AUC {}",
        number(figures.precision),
        number(figures.recall),
        number(figures.roc_auc)
    )
}

/// Marks at 1, 2 and 5 of every decade; only some where there are many decades.
pub(super) fn marks(low: f64, high: f64) -> Vec<GridMark> {
    let (first, last) = (low.floor() as i32, high.ceil() as i32);
    let steps: &[f64] = if high - low > 2.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    (first.max(-12)..=last.min(12))
        .flat_map(|decade| steps.iter().map(move |s| f64::from(decade) + s.log10()))
        .filter(|v| (low..=high).contains(v))
        .map(|value| GridMark { value, step_size: if high - low > 2.0 { 1.0 } else { 0.35 } })
        .collect()
}

/// An axis of values whose logarithms are drawn.
pub(super) fn log_axis<'a>() -> AxisHints<'a> {
    AxisHints::new_y().min_thickness(34.0).label_spacing(7.0..=12.0).formatter(|mark, _| short(10f64.powf(mark.value)))
}

fn short(value: f64) -> String {
    if (0.01..1e4).contains(&value) { format!("{}", (value * 1000.0).round() / 1000.0) } else { format!("{value:.0e}") }
}
