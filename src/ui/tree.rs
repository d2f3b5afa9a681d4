//! The process tree in the drill-down: ancestors, siblings and children, each with its chain's score; a click looks at its creation.

use crate::app::words;
use crate::app::{SelectionCommand, Session};
use crate::domain::EventKey;
use crate::engine::{Tree, TreeRow};
use crate::ui::screen::{Queue, Screen};
use crate::ui::theme;
use eframe::egui::{Button, CollapsingHeader, RichText, Ui};

/// How far a generation is indented.
const STEP: f32 = 11.0;

pub(super) fn show(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    let Some(tree) = session.open.drill.tree.as_deref().filter(|t| Some(t.key) == session.open.drill.asked && !t.rows.is_empty()) else { return };
    CollapsingHeader::new("Process tree").default_open(true).show(ui, |ui| {
        let mut folded = usize::MAX;
        for (at, row) in tree.rows.iter().enumerate() {
            if row.depth > folded {
                continue;
            }
            folded = usize::MAX;
            let parent = tree.rows.get(at + 1).is_some_and(|next| next.depth > row.depth);
            let key = row.key.filter(|_| parent);
            if line(ui, tree, row, key.is_some_and(|k| screen.folded.contains(&k)), session, queue, parent) {
                toggle(screen, key);
            }
            if key.is_some_and(|k| screen.folded.contains(&k)) {
                folded = row.depth;
            }
        }
    });
}

fn toggle(screen: &mut Screen, key: Option<EventKey>) {
    if let Some(key) = key
        && !screen.folded.remove(&key)
    {
        screen.folded.insert(key);
    }
}

/// One process; whether it is to be folded or unfolded.
fn line(ui: &mut Ui, tree: &Tree, row: &TreeRow, folded: bool, session: &Session, queue: &mut Queue, parent: bool) -> bool {
    let colours = theme::colours(ui);
    let mut fold = false;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.add_space(row.depth as f32 * STEP);
        let name = if row.image.is_empty() { "(unknown)" } else { row.image.rsplit(['\\', '/']).next().unwrap_or(&row.image) };
        let sign = match (parent && row.key.is_some(), folded) {
            (true, true) => "+",
            (true, false) => "−",
            _ => "·",
        };
        let button = Button::new(RichText::new(sign).small()).frame(false).min_size(eframe::egui::vec2(10.0, 0.0));
        fold = ui.add_enabled(sign != "·", button).accessible_name(format!("{} {name}", if folded { "Unfold" } else { "Fold" })).clicked();
        let unusual = row.score.zip(tree.threshold).is_some_and(|(score, threshold)| score >= threshold);
        if let Some(score) = row.score {
            let text = RichText::new(words::score(score)).font(theme::digits()).small();
            ui.label(text.color(if unusual { colours.above } else { colours.weak })).on_hover_text("The score of its chain");
        }
        let more = if row.hidden > 0 { format!("  (+{} more)", words::count(row.hidden)) } else { String::new() };
        let text = RichText::new(format!("{name}{more}")).small();
        let text = match (row.here, row.key) {
            (true, _) => text.strong().color(colours.above),
            (_, None) => text.italics().color(colours.weak),
            _ => text,
        };
        let response = ui.add(Button::selectable(row.here, text).truncate());
        if response.clicked()
            && let Some(key) = row.key.filter(|_| !row.here)
        {
            queue.push(SelectionCommand::LookAt(key));
        }
        response.on_hover_ui(|ui| {
            ui.label(&row.image);
            for text in [&row.command_line, &row.user] {
                if !text.is_empty() {
                    ui.label(text.chars().take(600).collect::<String>());
                }
            }
            match (row.start, row.key) {
                (Some(start), _) => ui.label(words::time(start, &session.zone())),
                (None, None) => ui.label("started before the log begins"),
                _ => ui.label("no usable time"),
            };
        });
    });
    fold
}
