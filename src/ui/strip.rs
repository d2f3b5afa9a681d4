//! Loss over time: the highest score per slice of time; dragging over it narrows the table to that time.

use crate::app::words;
use crate::app::{Command, NarrowCommand, PlanCommand, Session, Strip};
use crate::ui::screen::{Brush, Queue, Screen};
use crate::ui::theme;
use eframe::egui::{self, Align, CursorIcon, Event, Layout, Mesh, PointerButton, Rect, RichText, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

const HEIGHT: f32 = 42.0;
/// A shorter way of the pointer is a click.
const CLICK: f32 = 3.0;

pub(super) fn show(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    let Some(order) = session.open.view.order.clone() else { return };
    let colours = theme::colours(ui);
    let Some((first, last)) = order.strip.span else {
        ui.label(RichText::new("Nothing here carries a time.").small().color(colours.weak));
        return;
    };
    let zone = session.zone();
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click_and_drag());
    let response = response.on_hover_cursor(CursorIcon::Text);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Slider, true, "Loss over time"));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 3.0, ui.visuals().extreme_bg_color);
    painter.add(bars(rect, &order.strip, session, colours));
    crate::ui::coverage::on_strip(ui, rect, session, (first, last));
    if let Some((from, to)) = session.open.view.narrow.brush {
        let x = |t: i64| rect.left() + rect.width() * share(t, first, last);
        let chosen = Rect::from_x_y_ranges(x(from)..=x(to).max(x(from) + 2.0), rect.y_range());
        painter.rect_stroke(chosen, 2.0, Stroke::new(1.0, ui.visuals().strong_text_color()), egui::StrokeKind::Inside);
        for outside in [Rect::from_min_max(rect.min, pos2(chosen.left(), rect.bottom())), Rect::from_min_max(pos2(chosen.right(), rect.top()), rect.max)] {
            painter.rect_filled(outside, 0.0, ui.visuals().panel_fill.gamma_multiply(0.6));
        }
    }
    brush(ui, rect, (first, last), screen, queue);
    if let Some(pointer) = response.hover_pos() {
        let at = time_at((pointer.x - rect.left()) / rect.width(), first, last);
        painter.vline(pointer.x, rect.y_range(), Stroke::new(1.0, colours.weak));
        let reach = i64::try_from((i128::from(last) - i128::from(first)) / 200).unwrap_or(0);
        let mut said = vec![words::second(at, &zone)];
        said.extend(crate::ui::coverage::near(session, at, reach));
        said.push("Drag to narrow the table to a time; click to take that away; right-click for what the next analysis is to look at".into());
        response.clone().on_hover_text_at_pointer(said.join("\n"));
        if response.secondary_clicked() {
            screen.strip_at = Some(at);
        }
    }
    response.context_menu(|ui| scope_menu(ui, session, screen.strip_at, queue));
    labels(ui, session, &order.strip, (first, last));
}

/// All slices in one mesh, brightest where something is above the threshold.
fn bars(rect: Rect, strip: &Strip, session: &Session, colours: &theme::Colours) -> Shape {
    let (low, top) = session.open.view.range().unwrap_or_default();
    let mut mesh = Mesh::default();
    let columns = (rect.width() as usize).clamp(1, Strip::SLICES);
    for column in 0..columns {
        let slices = &strip.slices[column * Strip::SLICES / columns..((column + 1) * Strip::SLICES / columns).max(column * Strip::SLICES / columns + 1)];
        let highest = slices.iter().filter(|s| s.count > 0).map(|s| s.highest).fold(f64::NEG_INFINITY, f64::max);
        if highest.is_finite() {
            let height = (((highest - low) / (top - low).max(f64::MIN_POSITIVE)) as f32 * (rect.height() - 3.0)).clamp(2.0, rect.height());
            let left = rect.left() + rect.width() * column as f32 / columns as f32;
            let bar = Rect::from_min_max(pos2(left, rect.bottom() - height), pos2(left + (rect.width() / columns as f32).max(1.0), rect.bottom()));
            mesh.add_colored_rect(bar, if highest >= session.open.view.threshold { colours.above } else { colours.below });
        }
    }
    Shape::mesh(mesh)
}

/// Brushes from the pointer's own events, in their order: on slow frames press, way and release come in one.
fn brush(ui: &Ui, rect: Rect, (first, last): (i64, i64), screen: &mut Screen, queue: &mut Queue) {
    let share = |x: f32| ((x - rect.left()) / rect.width()).clamp(0.0, 1.0);
    let span = |from: f32, x: f32| {
        let (a, b) = (share(from).min(share(x)), share(from).max(share(x)));
        NarrowCommand::Brush(Some((time_at(a, first, last), time_at(b, first, last))))
    };
    let pointer = |event: &Event| matches!(event, Event::PointerMoved(_) | Event::PointerButton { button: PointerButton::Primary, .. });
    let events: Vec<Event> = ui.input(|i| i.events.iter().filter(|e| pointer(e)).cloned().collect());
    let mut brushed = None;
    for event in events {
        match (event, &mut screen.brush) {
            (Event::PointerButton { pos, pressed: true, .. }, None) if rect.contains(pos) && ui.ctx().layer_id_at(pos) == Some(ui.layer_id()) => {
                screen.brush = Some(Brush { from: pos.x, moved: false });
            }
            (Event::PointerMoved(pos), Some(brush)) => {
                brush.moved |= (pos.x - brush.from).abs() >= CLICK;
                brushed = brush.moved.then(|| span(brush.from, pos.x)).or(brushed);
            }
            (Event::PointerButton { pos, pressed: false, .. }, Some(brush)) => {
                brushed = Some(if brush.moved { span(brush.from, pos.x) } else { NarrowCommand::Brush(None) });
                screen.brush = None;
            }
            _ => {}
        }
    }
    if let Some(brushed) = brushed {
        queue.push(brushed);
    }
}

/// What the next analysis is to look at, and to learn from.
fn scope_menu(ui: &mut Ui, session: &Session, at: Option<i64>, queue: &mut Queue) {
    let zone = session.zone();
    let mut entry = |ui: &mut Ui, text: String, command: Command| {
        if ui.button(text).clicked() {
            queue.push(command);
            ui.close();
        }
    };
    if let Some((from, to)) = session.open.view.narrow.brush {
        let text = format!("Analyse only {} to {}", words::second(from, &zone), words::second(to, &zone));
        entry(ui, text, PlanCommand::Scope(Some((from, to))).into());
    } else {
        ui.label(RichText::new("Drag over a time to analyse it alone").small());
    }
    let before = session.open.view.narrow.brush.map(|(from, _)| from).or(at);
    if let Some(before) = before {
        entry(ui, format!("Everything before {} is known-good", words::second(before, &zone)), PlanCommand::KnownGoodBefore(Some(before)).into());
    }
}

fn labels(ui: &mut Ui, session: &Session, strip: &Strip, (first, last): (i64, i64)) {
    let (colours, zone) = (theme::colours(ui), session.zone());
    let small = |text: String| RichText::new(text).small().color(colours.weak);
    ui.horizontal(|ui| {
        ui.label(small(words::second(first, &zone)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(small(words::second(last, &zone)));
            if strip.no_time > 0 {
                ui.label(small(format!("{} without a time", words::count(strip.no_time))));
            }
            ui.with_layout(Layout::centered_and_justified(egui::Direction::LeftToRight), |ui| {
                let (by, brush) = (session.open.view.by.title(), session.open.view.narrow.brush);
                let text =
                    brush.map_or_else(|| format!("highest {by} over time"), |(a, b)| format!("{} to {}", words::second(a, &zone), words::second(b, &zone)));
                ui.label(small(text));
            });
        });
    });
}

fn share(time: i64, first: i64, last: i64) -> f32 {
    let span = (i128::from(last) - i128::from(first)).max(1) as f64;
    ((i128::from(time) - i128::from(first)) as f64 / span).clamp(0.0, 1.0) as f32
}

fn time_at(share: f32, first: i64, last: i64) -> i64 {
    let span = (i128::from(last) - i128::from(first)) as f64;
    i64::try_from(i128::from(first) + (span * f64::from(share.clamp(0.0, 1.0))) as i128).unwrap_or(last)
}
