//! The loss histogram with its threshold, and what is above it.
//!
//! Bars are at most as many as pixels; the threshold is an object that can be dragged, typed, moved by keys, or put at a quantile.

use crate::app::words;
use crate::app::{NarrowCommand, Order, Session, ViewCommand};
use crate::domain::{RankBy, Stage};
use crate::ui::grip::Grip;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{self, Align, Button, ComboBox, CursorIcon, DragValue, Id, Label, Layout, Rect, RichText, Sense, Stroke, Ui, WidgetInfo, vec2};
use egui_plot::{Bar, BarChart, GridMark, Plot, PlotResponse, VLine};

const SIDE: f32 = 232.0;
/// Widest number of bars; more cannot be told apart.
const BARS: f32 = 1200.0;
const QUANTILES: [f64; 6] = [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999];

pub(super) fn show(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let Some(order) = session.open.view.order.clone() else { return };
    head(ui, session, queue);
    let height = ui.available_height();
    ui.horizontal_top(|ui| {
        let width = (ui.available_width() - SIDE - 10.0).max(120.0);
        ui.allocate_ui(vec2(width, height), |ui| plot(ui, session, &order, queue));
        ui.allocate_ui_with_layout(vec2(SIDE, height), Layout::top_down(Align::Min), |ui| readouts(ui, session, &order, queue));
    });
}

/// Which ranking this is, and by what.
fn head(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let Some(report) = session.open.view.ranking.as_ref().map(|r| &r.report) else { return };
    ui.horizontal(|ui| {
        ui.label(RichText::new(report.detector.title()).strong());
        let (text, colour, help) = match report.stage {
            Stage::First => (
                "first ranking, by counting; the network is still to come",
                colours.warning,
                "It will be replaced when training is done. Flags and notes stay.",
            ),
            Stage::Final => ("final ranking", colours.weak, "Nothing more is to come for this detector."),
        };
        ui.label(RichText::new(text).small().color(colour)).on_hover_text(help);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for by in [RankBy::Rarity, RankBy::Loss, RankBy::Recommended] {
                let name = match by {
                    RankBy::Recommended => "recommended",
                    RankBy::Loss => "loss",
                    RankBy::Rarity => "rarity",
                };
                let there = session.open.view.has(by);
                let response = ui.add_enabled(there, Button::selectable(session.open.view.by == by, name));
                if response.clicked() {
                    queue.push(ViewCommand::RankBy(by));
                }
                response
                    .on_hover_text(format!("Histogram, threshold and table follow the {}", by.title()))
                    .on_disabled_hover_text("This ranking has no such value");
            }
            ui.label(RichText::new("Rank by").color(colours.weak));
        });
    });
}

fn plot(ui: &mut Ui, session: &Session, order: &Order, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let (Some((low, _)), Some((_, top))) = (order.histogram.range(), session.open.view.range()) else {
        ui.label("This ranking is empty.");
        return;
    };
    let bars = Bars::new(session, order, ((ui.available_width() - 56.0) / 2.0).clamp(20.0, BARS) as usize);
    let ceiling = (bars.highest as f64 + 1.0).log10().max(0.5) * 1.1;
    let margin = (top - low) * 0.005;
    let bounds = low - margin..=top + margin;
    let threshold = session.open.view.threshold;
    let response = Plot::new("histogram")
        .height(ui.available_height())
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
        .cursor_color(egui::Color32::TRANSPARENT)
        .grid_color(colours.line)
        .y_axis_min_width(40.0)
        .x_axis_label(RichText::new(order.by.title()).small())
        .y_grid_spacer(move |_| decades(ceiling))
        .y_axis_formatter(|mark, _| words::count((10f64.powf(mark.value) - 1.0).round() as usize))
        .x_grid_spacer(move |_| round_steps(low, top))
        .x_axis_formatter(|mark, _| short(mark.value))
        .label_formatter(|_| None)
        .show(ui, |plot| {
            plot.set_plot_bounds_x(bounds);
            plot.set_plot_bounds_y(0.0..=ceiling);
            plot.bar_chart(bars.chart(threshold, colours));
            plot.vline(VLine::new("threshold", threshold).color(colours.above).width(2.0).allow_hover(false));
        });
    click(ui, &response, &bars, session, queue);
    drag(ui, &response, session, queue);
}

/// The bars as counted.
struct Bars {
    low: f64,
    width: f64,
    all: Vec<usize>,
    passing: Option<Vec<usize>>,
    highest: usize,
}

impl Bars {
    fn new(session: &Session, order: &Order, wanted: usize) -> Self {
        let (low, high) = order.histogram.range().unwrap_or_default();
        let all = order.histogram.bins(wanted);
        let width = if high > low { (high - low) / all.len() as f64 } else { low.abs().max(1.0) * 0.01 };
        let highest = all.iter().copied().max().unwrap_or(0);
        let passing = session.open.view.narrow.is_active().then(|| {
            let from = |i: usize| if i == 0 { f64::NEG_INFINITY } else { low + width * i as f64 };
            let above: Vec<usize> = (0..all.len()).map(|i| session.open.view.rows.above(order.histogram.above(from(i)))).chain([0]).collect();
            above.windows(2).map(|w| w[0] - w[1].min(w[0])).collect()
        });
        Self { low, width, all, passing, highest }
    }

    fn range(&self, index: usize) -> (f64, f64) {
        (self.low + self.width * index as f64, self.low + self.width * (index + 1) as f64)
    }

    fn at(&self, score: f64) -> Option<usize> {
        let index = ((score - self.low) / self.width).floor();
        (index >= 0.0 && (index as usize) < self.all.len()).then_some(index as usize)
    }

    fn chart(&self, threshold: f64, colours: &theme::Colours) -> BarChart {
        let bar = |index: usize, count: usize, fill| {
            let (from, to) = self.range(index);
            Bar::new(f64::midpoint(from, to), (count as f64 + 1.0).log10()).width(self.width).fill(fill).stroke(Stroke::NONE)
        };
        // A bar through which the threshold goes holds some of both: it is shown as above once half of it is.
        let colour = |index: usize| {
            let (from, to) = self.range(index);
            if f64::midpoint(from, to) >= threshold || to > threshold && index + 1 == self.all.len() { colours.above } else { colours.below }
        };
        let filled = |counts: &[usize]| counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(i, &n)| bar(i, n, colour(i))).collect::<Vec<_>>();
        let bars = match &self.passing {
            None => filled(&self.all),
            Some(passing) => {
                let behind = self.all.iter().enumerate().filter(|(_, n)| **n > 0).map(|(i, &n)| bar(i, n, colours.left_out));
                behind.chain(filled(passing)).collect()
            }
        };
        BarChart::new("subjects", bars).allow_hover(false)
    }
}

/// A click on a bar narrows the table to it; hovering says what it holds.
fn click(ui: &Ui, plot: &PlotResponse<()>, bars: &Bars, session: &Session, queue: &mut Queue) {
    let Some(pointer) = plot.response.hover_pos() else { return };
    let score = plot.transform.value_from_position(pointer).x;
    let Some(index) = bars.at(score).filter(|i| bars.all[*i] > 0) else {
        if plot.response.clicked() && session.open.view.narrow.bar.is_some() {
            queue.push(NarrowCommand::Bar(None));
        }
        return;
    };
    let (from, to) = bars.range(index);
    let near_threshold = (plot.transform.position_from_point_x(session.open.view.threshold) - pointer.x).abs() <= theme::GRAB;
    if plot.response.clicked() {
        let here = session.open.view.narrow.bar == Some((from, to));
        queue.push(NarrowCommand::Bar((!here).then_some((from, to))));
    } else if !near_threshold {
        let n = bars.all[index];
        let text = format!(
            "{} to {}: {} subject{}\nClick to see {}",
            words::score(from),
            words::score(to),
            words::count(n),
            if n == 1 { "" } else { "s" },
            if n == 1 { "it" } else { "them" }
        );
        plot.response.clone().on_hover_text_at_pointer(text);
        ui.set_cursor_icon(CursorIcon::PointingHand);
    }
}

/// The threshold as an object to grab.
fn drag(ui: &Ui, plot: &PlotResponse<()>, session: &Session, queue: &mut Queue) {
    let (frame, threshold) = (*plot.transform.frame(), session.open.view.threshold);
    let x = plot.transform.position_from_point_x(threshold).clamp(frame.left(), frame.right());
    let zone = Rect::from_x_y_ranges(x - theme::GRAB..=x + theme::GRAB, frame.y_range());
    let handle = ui.interact(zone, Id::unique("threshold"), Sense::click_and_drag()).on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    let held = Grip { transform: plot.transform, zone, x, layer: ui.layer_id() }.place(ui.ctx());
    handle.widget_info(|| WidgetInfo::slider(true, threshold, "Threshold"));
    let colours = theme::colours(ui);
    let grip = Rect::from_center_size(egui::pos2(x, frame.top() + 9.0), vec2(9.0, 16.0));
    ui.painter().rect_filled(grip, 3.0, colours.above);
    for dx in [-1.5, 1.5] {
        ui.painter().vline(x + dx, grip.shrink(4.0).y_range(), Stroke::new(1.0, ui.visuals().panel_fill));
    }
    if handle.has_focus() {
        ui.painter().rect_stroke(zone.expand(1.0), 2.0, Stroke::new(1.0, colours.above), egui::StrokeKind::Outside);
        let step = |key, by: f64| {
            ui.input_mut(|i| if i.consume_key(egui::Modifiers::SHIFT, key) { Some(by * 10.0) } else { i.consume_key(egui::Modifiers::NONE, key).then_some(by) })
        };
        for (key, by) in [(egui::Key::ArrowLeft, -1.0), (egui::Key::ArrowRight, 1.0)] {
            if let Some(by) = step(key, by) {
                queue.push(ViewCommand::Nudge(by));
            }
        }
        let filter = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(handle.id, filter));
    }
    if held {
        ui.set_cursor_icon(CursorIcon::ResizeHorizontal);
    } else {
        handle.on_hover_text(format!("Threshold {}: drag it, or use Left and Right (Shift: far)", words::score(threshold)));
    }
}

fn readouts(ui: &mut Ui, session: &Session, order: &Order, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let (above, total) = (session.open.view.above(), session.open.view.total());
    ui.horizontal(|ui| {
        let label = ui.label("Threshold");
        let (low, high) = session.open.view.range().unwrap_or_default();
        let mut value = session.open.view.threshold;
        let speed = (high - low) / 400.0;
        let typed = DragValue::new(&mut value).speed(speed).range(low..=high).custom_formatter(|v, _| words::score(v)).update_while_editing(false);
        let response = ui.add(typed).labelled_by(label.id).on_hover_text("Drag, or click to type a value");
        if response.changed() {
            queue.push(if response.dragged() { ViewCommand::DragThreshold(value) } else { ViewCommand::Threshold(value) });
        } else if response.drag_stopped() {
            queue.push(ViewCommand::Threshold(session.open.view.threshold));
        }
        ComboBox::from_id_salt("quantile").selected_text("quantile").width(74.0).show_ui(ui, |ui| {
            for q in QUANTILES {
                if ui.button(format!("q{q}")).clicked() {
                    queue.push(ViewCommand::Quantile(q));
                }
            }
        });
    });
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("above: {}", words::count(above))).strong().color(colours.above).size(15.0));
        ui.label(format!("of {} ({})", words::count(total), words::share(above, total)));
    });
    egui::ScrollArea::vertical().id_salt("above").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        for (name, groups, column) in [("computers", &order.computers, "computer"), ("channels", &order.channels, "channel")] {
            let most = if column == "computer" { 12 } else { 24 };
            let counts = groups.above(above, most);
            if counts.is_empty() {
                continue;
            }
            let more = if groups.len() > 1 { format!("{name} (of {})", groups.len()) } else { name.to_owned() };
            ui.label(RichText::new(more).small().color(colours.weak));
            for (group, n) in counts {
                group_row(ui, &group, n, above, column, queue);
            }
        }
    });
}

/// One computer or channel with its count above and its share of them.
fn group_row(ui: &mut Ui, group: &str, n: usize, above: usize, column: &str, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 17.0), Sense::click());
    let response = response.on_hover_text(format!("{group}: {} above, {} of all above. Click to see them.", words::count(n), words::share(n, above)));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("{group} {}", words::count(n))));
    let share = n as f32 / above.max(1) as f32;
    let bar = Rect::from_min_size(rect.min, vec2(rect.width() * share, rect.height()));
    ui.painter().rect_filled(bar, 2.0, colours.above_faint);
    if response.hovered() {
        ui.painter().rect_filled(rect, 2.0, colours.hovered.gamma_multiply(0.6));
    }
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink2(vec2(3.0, 0.0))).layout(Layout::right_to_left(Align::Center)));
    inside.add(Label::new(RichText::new(words::count(n)).font(theme::digits())).selectable(false));
    inside.with_layout(Layout::left_to_right(Align::Center), |ui| ui.add(Label::new(RichText::new(group).small()).truncate().selectable(false)));
    if response.clicked() && group != "(none)" {
        queue.push(NarrowCommand::SearchFor(format!("+{column}:\"{}\"", group.replace('"', ""))));
    }
}

/// Marks at 1, 10, 100... subjects, on an axis of log10(1 + count).
fn decades(ceiling: f64) -> Vec<GridMark> {
    (0..19).map(|d| (10f64.powi(d) + 1.0).log10()).take_while(|v| *v <= ceiling).chain([0.0]).map(|value| GridMark { value, step_size: 1.0 }).collect()
}

/// Some six marks at round numbers.
fn round_steps(low: f64, high: f64) -> Vec<GridMark> {
    let rough = (high - low) / 6.0;
    if !(rough.is_finite() && rough > 0.0) {
        return vec![];
    }
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|s| s * decade).find(|s| *s >= rough).unwrap_or(decade * 10.0);
    let first = (low / step).ceil();
    (0..12).map(|i| (first + f64::from(i)) * step).take_while(|v| *v <= high).map(|value| GridMark { value, step_size: step }).collect()
}

fn short(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded.abs() < 1e6 { format!("{rounded}") } else { format!("{value:.1e}") }
}
