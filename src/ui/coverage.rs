//! The dialog *Coverage*: which computer's logs reach from when to when, with gaps, clears and blind spots.

use crate::app::{Session, words};
use crate::domain::SourceStatus;
use crate::engine::Log;
use crate::ui::opening::modal;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{Context, Grid, Label, Rect, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Width of a log's picture.
const WIDTH: f32 = 260.0;

pub(super) fn show(ctx: &Context, session: &Session, queue: &mut Queue) {
    modal(ctx, "Coverage of the logs", 1180.0, queue, |ui, _| {
        let Some(coverage) = &session.open.coverage else {
            ui.label("Being read…");
            return;
        };
        ui.label("What is not in a log may have happened all the same. Bars: events over the case's time; a line: the log was cleared; a cross: record IDs are missing there.");
        let unread = session.open.sources.iter().filter(|s| matches!(s.status, SourceStatus::Partial | SourceStatus::Unreadable)).count();
        if unread > 0 {
            ui.label(
                RichText::new(format!("{} sources could not be read whole; the list at the left says which", words::count(unread)))
                    .color(theme::colours(ui).warning),
            );
        }
        let height = (ui.ctx().content_rect().height() - 200.0).max(120.0);
        ScrollArea::both().max_height(height).min_scrolled_height(height).auto_shrink([false, true]).show(ui, |ui| {
            Grid::new("coverage").striped(true).num_columns(6).show(ui, |ui| {
                for title in ["Computer", "Channel", "Events", "From, to", "Over time", "Remarks"] {
                    ui.label(RichText::new(title).small().strong());
                }
                ui.end_row();
                for log in &coverage.logs {
                    row(ui, session, log, coverage.span);
                    ui.end_row();
                }
            });
        });
    });
}

fn row(ui: &mut Ui, session: &Session, log: &Log, span: Option<(i64, i64)>) {
    let zone = session.zone();
    let when = |t: Option<i64>| t.map_or_else(|| "-".to_owned(), |t| words::second(t, &zone));
    ui.label(super::text::plain(&log.computer));
    ui.label(super::text::plain(&log.channel));
    ui.label(RichText::new(words::count(log.events as usize)).font(theme::digits()));
    ui.label(RichText::new(format!("{}\n{}", when(log.first), when(log.last))).small().font(theme::digits()));
    picture(ui, log, span);
    let remarks = log.remarks().join("\n");
    let mut hover: Vec<String> = log.cleared.iter().map(|t| format!("cleared {}", words::second(*t, &zone))).collect();
    hover.extend(log.gaps.iter().map(|g| format!("{} record IDs missing between {} and {}", words::count(g.missing as usize), when(g.after), when(g.before))));
    let label = ui.add(Label::new(RichText::new(remarks).small().color(theme::colours(ui).warning)));
    if !hover.is_empty() {
        label.on_hover_text(hover.join("\n"));
    }
}

fn picture(ui: &mut Ui, log: &Log, span: Option<(i64, i64)>) {
    let colours = theme::colours(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, 24.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::Label, true, format!("{} of {} over time", log.channel, log.computer)));
    let painter = ui.painter_at(rect);
    let most = log.slices.iter().copied().max().unwrap_or(0).max(1) as f32;
    let width = rect.width() / log.slices.len().max(1) as f32;
    for (at, count) in log.slices.iter().enumerate().filter(|(_, n)| **n > 0) {
        let height = ((*count as f32 + 1.0).ln() / (most + 1.0).ln() * rect.height()).max(2.0);
        let left = rect.left() + at as f32 * width;
        painter.rect_filled(Rect::from_min_max(pos2(left, rect.bottom() - height), pos2(left + width - 0.5, rect.bottom())), 0.0, colours.below);
    }
    let Some((first, last)) = span else { return };
    let x = |t: i64| rect.left() + rect.width() * ((i128::from(t) - i128::from(first)) as f64 / (i128::from(last) - i128::from(first)).max(1) as f64) as f32;
    for time in &log.cleared {
        painter.vline(x(*time).clamp(rect.left() + 1.0, rect.right() - 1.0), rect.y_range(), Stroke::new(2.0, colours.above));
    }
    for time in log.gaps.iter().filter_map(|g| g.before) {
        let at = pos2(x(time).clamp(rect.left() + 3.0, rect.right() - 3.0), rect.top() + 5.0);
        painter.line_segment([at - vec2(3.0, 3.0), at + vec2(3.0, 3.0)], Stroke::new(1.0, colours.warning));
        painter.line_segment([at + vec2(-3.0, 3.0), at + vec2(3.0, -3.0)], Stroke::new(1.0, colours.warning));
    }
}

/// Marks of one strip at most.
const MARKS: usize = 300;

/// Cleared logs as lines and missing record IDs as crosses on the time strip, each with its words.
pub(super) fn on_strip(ui: &Ui, rect: Rect, session: &Session, (first, last): (i64, i64)) {
    let Some(coverage) = &session.open.coverage else { return };
    let (colours, painter) = (theme::colours(ui), ui.painter_at(rect));
    let x = |t: i64| rect.left() + rect.width() * ((i128::from(t) - i128::from(first)) as f64 / (i128::from(last) - i128::from(first)).max(1) as f64) as f32;
    let inside = |t: &i64| (first..=last).contains(t);
    for time in coverage.logs.iter().flat_map(|log| &log.cleared).copied().filter(inside).take(MARKS) {
        painter.vline(x(time), rect.y_range(), Stroke::new(2.0, colours.error));
        painter.circle_filled(pos2(x(time), rect.top() + 3.0), 3.0, colours.error);
    }
    for time in coverage.logs.iter().flat_map(|log| &log.gaps).filter_map(|gap| gap.before).filter(inside).take(MARKS) {
        let at = pos2(x(time), rect.top() + 5.0);
        painter.line_segment([at - vec2(3.0, 3.0), at + vec2(3.0, 3.0)], Stroke::new(1.5, colours.warning));
        painter.line_segment([at + vec2(-3.0, 3.0), at + vec2(3.0, -3.0)], Stroke::new(1.5, colours.warning));
    }
}

/// What the marks near a time on the strip say.
pub(super) fn near(session: &Session, time: i64, reach: i64) -> Vec<String> {
    let Some(coverage) = &session.open.coverage else { return vec![] };
    let close = |t: i64| t.abs_diff(time) <= reach.unsigned_abs();
    let mut said = vec![];
    for log in &coverage.logs {
        let of = format!("{} of {}", super::text::plain(&log.channel), super::text::plain(&log.computer));
        said.extend(log.cleared.iter().filter(|t| close(**t)).map(|_| format!("{of} was cleared")));
        let gaps = log.gaps.iter().filter(|g| g.before.is_some_and(close));
        said.extend(gaps.map(|g| format!("{} record IDs missing in {of}", words::count(g.missing as usize))));
    }
    said.truncate(6);
    said
}
