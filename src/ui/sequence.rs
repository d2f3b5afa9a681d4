//! A score drawn on the sequence it is of: a bar for each event, up for what raised the score and down for what lowered it.

use crate::domain::Contribution;
use crate::ui::theme;
use eframe::egui::{Rect, RichText, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use std::ops::RangeInclusive;

const HEIGHT: f32 = 54.0;

/// Draws the parts that say of which events they are; nothing where there are none.
pub(super) fn show(ui: &mut Ui, parts: &[Contribution]) {
    let mut placed: Vec<(RangeInclusive<usize>, &Contribution)> = parts.iter().filter_map(|part| Some((part.events()?, part))).collect();
    placed.sort_by_key(|(events, _)| *events.start());
    let Some(last) = placed.iter().map(|(events, _)| *events.end()).max().filter(|_| placed.len() > 1) else { return };
    let colours = theme::colours(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let (up, down) = placed.iter().fold((0.0_f64, 0.0_f64), |(up, down), (_, part)| (up.max(part.share), down.min(part.share)));
    let range = (up - down).max(f64::MIN_POSITIVE);
    let zero = rect.top() + rect.height() * (up / range) as f32;
    let x = |events: usize| rect.left() + rect.width() * events as f32 / last as f32;
    let pointed = response.hover_pos();
    let mut under = None;
    for (events, part) in &placed {
        let (left, right) = (x(events.start() - 1), x(*events.end()));
        let gap = if right - left > 4.0 { 1.0 } else { 0.0 };
        let end = zero - rect.height() * (part.share / range) as f32;
        let bar = Rect::from_min_max(pos2(left, zero.min(end)), pos2((right - gap).max(left + 0.5), zero.max(end)));
        if pointed.is_some_and(|at| (left..right).contains(&at.x)) {
            ui.painter().rect_filled(Rect::from_x_y_ranges(left..=right, rect.y_range()), 0.0, colours.line);
            under = Some(*part);
        }
        ui.painter().rect_filled(bar, 0.0, if part.share < 0.0 { colours.lowers } else { colours.above });
    }
    ui.painter().hline(rect.x_range(), zero, Stroke::new(1.0, colours.line));
    response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::Image, true, format!("Score over {last} events")));
    if let Some(part) = under {
        response.on_hover_text_at_pointer(format!("{}\n{:+.0} % {}", part.name, part.share * 100.0, part.observed));
    }
    ui.label(RichText::new(format!("its {last} events in order: up raised the score, down lowered it")).small().color(colours.weak));
}
