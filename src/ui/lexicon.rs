//! The words that process chains learned: each a point, coloured by cluster, words alike close together; the expressions that merge them, to edit.

use crate::app::{Session, WordsCommand};
use crate::domain::{Expression, Roc, Words};
use crate::ui::opening::modal;
use crate::ui::screen::Queue;
use crate::ui::theme;
use eframe::egui::{self, Button, Context, Label, RichText, ScrollArea, TextEdit, Ui, vec2};
use egui_plot::{Line, MarkerShape, Plot, PlotBounds, PlotPoint, PlotPoints, Points};
use std::collections::BTreeMap;

/// Words listed beside the chosen one.
const NEAREST: usize = 14;
/// Height of the order self-test's curve.
const ROC: f32 = 110.0;
/// How near the pointer must be to a point, in pixels.
const REACH: f32 = 12.0;

/// *Words*.
pub(super) fn show(ctx: &Context, session: &Session, queue: &mut Queue) {
    modal(ctx, "Words of process chains", 900.0, queue, |ui, queue| {
        let Some(words) = session.open.lexicon.words.clone() else {
            ui.label("Only the published preset of process chains learns words, and they are at hand while its network is: choose that preset, analyse, and show Process chains.");
            return;
        };
        ui.label(format!("The {} commonest words of paths. Words that stand in the same places lie close together; a colour is a cluster.", words.list.len()));
        let height = (ui.ctx().content_rect().height() * 0.42).clamp(160.0, 520.0);
        ui.horizontal_top(|ui| {
            let width = (ui.available_width() - 250.0).max(200.0);
            ui.allocate_ui(vec2(width, height), |ui| picture(ui, session, &words, vec2(width, height), queue));
            ui.vertical(|ui| {
                let curve = words.order.as_ref().filter(|_| height > 260.0);
                nearest(ui, session, &words, height - if curve.is_some() { ROC + 40.0 } else { 0.0 }, queue);
                if let Some(order) = curve {
                    roc(ui, order);
                }
            });
        });
        ui.separator();
        expressions(ui, session, queue);
    });
}

fn picture(ui: &mut Ui, session: &Session, words: &Words, size: egui::Vec2, queue: &mut Queue) {
    let plane = &session.open.lexicon.plane;
    if plane.is_empty() {
        let text = if session.open.lexicon.is_drawing() { "finding each word its place…" } else { "Too few words for a picture." };
        ui.add_sized(size, Label::new(RichText::new(text).color(theme::colours(ui).weak)));
        return;
    }
    let mut clusters: BTreeMap<Option<u32>, Vec<[f64; 2]>> = BTreeMap::new();
    let at = |i: usize| [f64::from(plane[i][0]), f64::from(plane[i][1])];
    for (i, word) in words.list.iter().enumerate().take(plane.len()) {
        clusters.entry(word.cluster).or_default().push(at(i));
    }
    let accent = theme::colours(ui).above;
    let series: Vec<_> = clusters.into_iter().map(|(cluster, points)| (theme::cluster(ui, cluster), points)).collect();
    let response =
        Plot::new("words").width(size.x).height(size.y).show_axes(false).show_grid(false).data_aspect(1.0).label_formatter(|_| None).show(ui, |plot| {
            for ((colour, shape), points) in series {
                plot.points(Points::new("words", PlotPoints::from(points)).radius(2.5).color(colour).shape(MARKERS[shape % MARKERS.len()]));
            }
            if let Some(chosen) = session.open.lexicon.chosen.filter(|i| *i < plane.len()) {
                plot.points(Points::new("chosen", PlotPoints::from(vec![at(chosen)])).radius(6.0).filled(false).color(accent));
            }
        });
    let Some(pointer) = response.response.hover_pos() else { return };
    let distance = |i: usize| response.transform.position_from_point(&PlotPoint::from(at(i))).distance(pointer);
    let near = (0..plane.len()).map(|i| (distance(i), i)).min_by(|a, b| a.0.total_cmp(&b.0)).filter(|(d, _)| *d < REACH);
    if let Some((_, i)) = near {
        let word = &words.list[i];
        if response.response.clicked() {
            queue.push(WordsCommand::ChooseWord(i));
        }
        let cluster = word.cluster.map_or_else(|| "in no cluster".to_owned(), |c| format!("cluster {}", c + 1));
        response.response.on_hover_text_at_pointer(format!("{}\nin {} paths, {cluster}\nClick for its neighbours", word.text, word.count));
    }
}

/// The order self-test: a network that learned chains tells real ones from the same in another order.
fn roc(ui: &mut Ui, order: &Roc) {
    let (line, weak, grid) = (theme::colours(ui).train, theme::colours(ui).weak, theme::colours(ui).line);
    let text = format!("Order self-test, ROC-AUC {:.3}", order.area);
    ui.label(RichText::new(&text).small())
        .on_hover_text("How well the loss tells real chains from the same chains in another order: 1 is always, 0.5 is chance");
    let plot = Plot::new("order")
        .width(ROC * 1.4)
        .height(ROC)
        .show_axes(false)
        .grid_color(grid)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .label_formatter(|_| None);
    plot.show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([-0.02, -0.02], [1.02, 1.02]));
        plot.line(Line::new("chance", PlotPoints::from(vec![[0.0, 0.0], [1.0, 1.0]])).color(weak).width(1.0));
        plot.line(Line::new("order", PlotPoints::from(order.points.clone())).color(line).width(1.5));
    })
    .response
    .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, text.clone()));
}

const MARKERS: [MarkerShape; 5] = [MarkerShape::Circle, MarkerShape::Square, MarkerShape::Up, MarkerShape::Diamond, MarkerShape::Down];

fn nearest(ui: &mut Ui, session: &Session, words: &Words, height: f32, queue: &mut Queue) {
    let weak = theme::colours(ui).weak;
    let Some(chosen) = session.open.lexicon.chosen else {
        ui.label(RichText::new("Click a word to see which lie nearest to it.").color(weak));
        return;
    };
    ui.label(RichText::new(&words.list[chosen].text).strong());
    ScrollArea::vertical().id_salt("nearest").max_height(height - 24.0).show(ui, |ui| {
        for (i, cosine) in words.nearest(chosen, NEAREST) {
            ui.horizontal(|ui| {
                ui.label(RichText::new(format!("{cosine:.3}")).font(theme::digits()).small().color(weak));
                if ui.add(Button::new(RichText::new(&words.list[i].text).small()).frame(false).truncate()).clicked() {
                    queue.push(WordsCommand::ChooseWord(i));
                }
            });
        }
    });
}

fn expressions(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let mut list = session.open.lexicon.expressions.clone();
    ui.horizontal(|ui| {
        ui.label(RichText::new("Expressions that merge words").strong());
        if ui.button("Add").accessible_name("Add an expression").clicked() {
            list.push(Expression::default());
        }
        let busy = session.activity.is_busy();
        let again = ui.add_enabled(session.open.lexicon.is_edited() && !busy, Button::new("Learn again with these"));
        if again.on_hover_text("Trains the chains anew; whole words that an expression matches become one").clicked() {
            queue.push(WordsCommand::LearnWordsAgain);
        }
        if !session.open.choices.plan.settings.chains.expressions.is_empty() && ui.add_enabled(!busy, Button::new("Back to generated ones")).clicked() {
            list.clear();
            queue.push(WordsCommand::Expressions(vec![]));
            queue.push(WordsCommand::LearnWordsAgain);
        }
    });
    if list.is_empty() {
        ui.label(RichText::new("No cluster of words shares a form that an expression could describe.").small().color(theme::colours(ui).weak));
    }
    let mut drop = None;
    ScrollArea::vertical().id_salt("expressions").max_height(190.0).auto_shrink([false, true]).show(ui, |ui| {
        for (at, expression) in list.iter_mut().enumerate() {
            ui.horizontal(|ui| {
                if ui.small_button("×").accessible_name(format!("Remove expression {}", at + 1)).clicked() {
                    drop = Some(at);
                }
                let edit = TextEdit::singleline(&mut expression.regex).font(theme::digits()).desired_width(380.0).char_limit(500);
                ui.add(edit).accessible_name(format!("Expression {}", at + 1));
                let merged = if expression.merges > 0 { format!("{} words: {}", expression.merges, expression.examples.join(", ")) } else { String::new() };
                ui.add(Label::new(RichText::new(merged).small().color(theme::colours(ui).weak)).truncate());
            });
        }
    });
    if let Some(at) = drop {
        list.remove(at);
    }
    if list != session.open.lexicon.expressions {
        queue.first(WordsCommand::Expressions(list));
    }
}
