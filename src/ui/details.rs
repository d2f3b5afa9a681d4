//! The drill-down: why it ranks where it does, the event itself, its members and surroundings, the raw record, and what the analyst says of it.

use crate::app::words;
use crate::app::{MarkCommand, OrdinaryCommand, SelectionCommand, Session, WindowCommand};
use crate::domain::{Contribution, EventKey, Subject};
use crate::engine::Answer;
use crate::ui::record::{cut, decoded, fields, raw, script};
use crate::ui::screen::{Draft, Queue, Screen};
use crate::ui::{theme, tree};
use eframe::egui::{self, Button, CollapsingHeader, Key, Label, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};
use std::time::{Duration, Instant};

/// After this long without a letter a note is handed over.
const PAUSE: Duration = Duration::from_millis(700);
/// Members listed at once.
const MEMBERS: usize = 200;

pub(super) fn show(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    let looked_at = session.open.drill.subject.and_then(|i| session.open.view.subject_at(i));
    leave_draft(session, screen, queue);
    if session.open.drill.asked.is_none() {
        ui.add_space(30.0);
        ui.vertical_centered(|ui| ui.label(RichText::new("Select a row to see why it ranks where it does.").color(theme::colours(ui).weak)));
        return;
    }
    ScrollArea::vertical().id_salt("details").auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width());
        if let Some(subject) = looked_at {
            head(ui, session, subject, queue);
            said(ui, session, screen, subject.key, queue);
            reasons(ui, session, subject);
            crate::ui::rules::found(ui, session, subject);
        } else {
            ui.horizontal(|ui| {
                if !session.open.browse.open && ui.button("Back").on_hover_text("Back to the selected row (Esc)").clicked() {
                    queue.push(SelectionCommand::LookBack);
                }
                ui.label(RichText::new("single event").color(theme::colours(ui).weak));
            });
            if let Some(key) = session.open.drill.asked {
                single(ui, session, key, queue);
                said(ui, session, screen, key, queue);
            }
        }
        if let Some(failure) = &session.open.drill.failure {
            ui.label(RichText::new(failure).color(theme::colours(ui).error));
        }
        match session.open.drill.answered() {
            Some(answer) => answered(ui, session, screen, answer, looked_at, queue),
            None if session.open.drill.is_waiting() => {
                ui.label(RichText::new("reading the event…").color(theme::colours(ui).weak));
            }
            None => {}
        }
    });
    keep_draft(screen, queue, ui);
}

fn answered(ui: &mut Ui, session: &Session, screen: &mut Screen, answer: &Answer, subject: Option<&Subject>, queue: &mut Queue) {
    let Some(event) = &answer.event else {
        ui.label("This event is no longer in the case.");
        return;
    };
    crate::ui::pivots::show(ui, event, queue);
    CollapsingHeader::new("Event").default_open(true).show(ui, |ui| fields(ui, session, event, queue));
    if let Some(subject) = subject {
        members(ui, session, subject, queue);
        ordinary(ui, session, queue);
    }
    script(ui, answer, queue);
    decoded(ui, answer, queue);
    tree::show(ui, session, screen, queue);
    around(ui, session, answer, queue);
    raw(ui, session, screen, event, queue);
}

fn head(ui: &mut Ui, session: &Session, subject: &Subject, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let Some(order) = &session.open.view.order else { return };
    let Some(index) = session.open.drill.subject else { return };
    let above = order.rank(index).is_some_and(|r| r as usize <= session.open.view.above());
    ui.horizontal_wrapped(|ui| {
        let rank = order.rank(index).map_or_else(|| "out of the ranking".to_owned(), |r| format!("Rank {}", words::count(r as usize)));
        ui.label(RichText::new(rank).strong().size(15.0));
        let score = session.cell(crate::app::Column::Score, index);
        ui.label(RichText::new(format!("score {score}")).color(if above { colours.above } else { ui.visuals().text_color() }));
        ui.label(RichText::new(if above { "above the threshold" } else { "below the threshold" }).small().color(colours.weak));
    });
    ui.add(Label::new(RichText::new(&*subject.title).strong()).wrap());
    let parts = [("learned", subject.learned), ("prior", subject.prior), ("loss", subject.loss), ("rarity", subject.rarity)];
    ui.horizontal_wrapped(|ui| {
        for (name, value) in parts {
            if let Some(value) = value {
                ui.label(RichText::new(format!("{name} {}", words::score(value))).small().color(colours.weak)).on_hover_text(part_help(name));
            }
        }
        for (name, by) in [("rank by loss", crate::domain::RankBy::Loss), ("by rarity", crate::domain::RankBy::Rarity)] {
            if let Some(rank) = order.rank_by(by, index) {
                ui.label(RichText::new(format!("{name} {}", words::count(rank as usize))).small().color(colours.weak));
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        let flagged = session.open.marks.is_flagged(subject.key);
        if ui.add(Button::selectable(flagged, if flagged { "Flagged" } else { "Flag" })).on_hover_text("Space").clicked() {
            queue.push(MarkCommand::ToggleFlag);
        }
        if !session.open.marks.is_kept(subject.key) {
            ui.label(RichText::new("being kept…").small().color(colours.weak));
        }
        if ui.button("Mark ordinary…").on_hover_text("Takes it, and all like it, out of the ranking (Shift+O); Ctrl+Z brings back").clicked() {
            queue.push(OrdinaryCommand::MarkOrdinary);
        }
        if ui.button("Copy").on_hover_text("Copies the row (Ctrl+C)").accessible_name("Copy this row").clicked() {
            queue.push(WindowCommand::CopyRow);
        }
    });
}

/// Flag and pivots of an event that is looked at by itself.
fn single(ui: &mut Ui, session: &Session, key: EventKey, queue: &mut Queue) {
    ui.horizontal_wrapped(|ui| {
        let flagged = session.open.marks.is_flagged(key);
        let button = Button::selectable(flagged, if flagged { "Flagged" } else { "Flag" });
        if ui.add(button).on_hover_text("Flags this event, whether or not it is ranked").accessible_name("Flag this event").clicked() {
            queue.push(MarkCommand::FlagEvent(key, !flagged));
        }
        if !session.open.marks.is_kept(key) {
            ui.label(RichText::new("being kept…").small().color(theme::colours(ui).weak));
        }
    });
}

fn part_help(name: &str) -> &'static str {
    match name {
        "learned" => "The part of the recommended score that comes from this evidence and the baseline",
        "prior" => "The part that comes from knowledge tables; it can be switched off in the settings",
        "loss" => "The autoencoder's reconstruction loss",
        _ => "Sum of -log2 frequencies of its values",
    }
}

/// Hands over the note of what is no longer looked at.
fn leave_draft(session: &Session, screen: &mut Screen, queue: &mut Queue) {
    if screen.note.as_ref().is_some_and(|draft| Some(draft.key) != session.open.drill.asked) {
        hand_over(screen, queue);
        screen.note = None;
    }
}

/// Hands a note over once its author pauses. After it was drawn: before, the field would show once more what was kept until then, and lose its caret.
fn keep_draft(screen: &mut Screen, queue: &mut Queue, ui: &Ui) {
    let Some(typed) = screen.note.as_ref().and_then(|draft| draft.typed) else { return };
    if typed.elapsed() >= PAUSE {
        hand_over(screen, queue);
    } else {
        ui.ctx().request_repaint_after(PAUSE.saturating_sub(typed.elapsed()));
    }
}

/// Hands over what was typed and not yet kept.
pub(super) fn hand_over(screen: &mut Screen, queue: &mut Queue) {
    if let Some(draft) = screen.note.as_mut().filter(|d| d.typed.is_some()) {
        draft.typed = None;
        queue.push(MarkCommand::Note(draft.key, draft.text.clone()));
    }
}

/// Note and tags.
fn said(ui: &mut Ui, session: &Session, screen: &mut Screen, key: EventKey, queue: &mut Queue) {
    let mark = session.open.marks.get(key).cloned().unwrap_or_default();
    // While nothing is being typed the field shows what is kept, which undo may have changed.
    if screen.note.as_ref().is_none_or(|d| d.key != key || d.typed.is_none() && d.text.trim_end() != mark.note) {
        screen.note = Some(Draft { key, text: mark.note.clone(), typed: None });
    }
    let mut leave = false;
    if let Some(draft) = &mut screen.note {
        let rows = draft.text.lines().count().clamp(1, 8);
        let edit = TextEdit::multiline(&mut draft.text).hint_text("Note (N)").desired_rows(rows).desired_width(f32::INFINITY).char_limit(20_000);
        let response = ui.add(edit).accessible_name("Note");
        if std::mem::take(&mut screen.focus_note) {
            response.request_focus();
        }
        if response.changed() {
            draft.typed = Some(Instant::now());
        }
        leave = response.lost_focus();
    }
    if leave {
        hand_over(screen, queue);
    }
    ui.horizontal_wrapped(|ui| {
        for tag in &mark.tags {
            if ui
                .add(Button::new(RichText::new(format!("{tag}  ×")).small()).corner_radius(9.0))
                .on_hover_text("Take the tag away")
                .accessible_name(format!("Remove tag {tag}"))
                .clicked()
            {
                queue.push(MarkCommand::Untag(tag.clone()));
            }
        }
        let edit = ui.add(TextEdit::singleline(&mut screen.tag).hint_text("add a tag").desired_width(90.0).char_limit(64)).accessible_name("Add a tag");
        if edit.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) && !screen.tag.trim().is_empty() {
            queue.push(MarkCommand::Tag(std::mem::take(&mut screen.tag)));
        }
        for tag in session.open.marks.tags().into_iter().filter(|t| !mark.tags.contains(t)).take(4) {
            if ui.add(Button::new(RichText::new(format!("+ {tag}")).small()).frame(false)).on_hover_text("Used before; click to add").clicked() {
                queue.push(MarkCommand::Tag(tag));
            }
        }
    });
}

/// Why: every contribution, with its share as a bar; the three kept in the ranking until the rest is there.
fn reasons(ui: &mut Ui, session: &Session, subject: &Subject) {
    CollapsingHeader::new("Why").default_open(true).show(ui, |ui| match session.open.drill.answered().map(|a| &a.contributions).filter(|c| !c.is_empty()) {
        Some(all) => {
            crate::ui::sequence::show(ui, all);
            let largest = all.iter().map(|c| c.share.abs()).fold(0.0, f64::max);
            for contribution in all.iter().take(40) {
                reason(ui, contribution, largest);
            }
            if all.len() > 40 {
                ui.label(RichText::new(format!("and {} smaller parts", all.len() - 40)).small().color(theme::colours(ui).weak));
            }
        }
        None => {
            for reason in subject.reasons.iter().filter(|r| !r.is_empty()) {
                ui.add(Label::new(&**reason).wrap());
            }
        }
    });
}

fn reason(ui: &mut Ui, part: &Contribution, largest: f64) {
    let colours = theme::colours(ui);
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 17.0), Sense::hover());
    let share = (part.share.abs() / largest.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0) as f32;
    ui.painter().rect_filled(
        Rect::from_min_size(rect.min, vec2(width * share, rect.height())),
        2.0,
        if part.share < 0.0 { colours.lowers } else { colours.share.gamma_multiply(0.55) },
    );
    let percent = format!("{:.0} %", part.share * 100.0);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("{} {percent}", part.name)));
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink2(vec2(4.0, 0.0))).layout(egui::Layout::right_to_left(egui::Align::Center)));
    inside.add(Label::new(RichText::new(percent).font(theme::digits())).selectable(false));
    inside.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.add(Label::new(RichText::new(&part.name).strong()).truncate().selectable(false))
    });
    for (name, value) in [("saw", &part.observed), ("expected", &part.expected)] {
        if !value.is_empty() {
            ui.horizontal_top(|ui| {
                ui.add_space(6.0);
                ui.label(RichText::new(name).small().color(colours.weak));
                ui.add(Label::new(RichText::new(cut(value, 600)).small()).wrap());
            });
        }
    }
}

fn members(ui: &mut Ui, session: &Session, subject: &Subject, queue: &mut Queue) {
    let number = subject.members.len();
    if number < 2 {
        return;
    }
    CollapsingHeader::new(format!("Events it stands for: {}", words::count(subject.count as usize))).id_salt("members").show(ui, |ui| {
        for key in subject.members.iter().take(MEMBERS) {
            let source = session.open.sources.get(key.source as usize).map_or("?", |s| s.source_file.rsplit('/').next().unwrap_or(&s.source_file));
            if ui.add(Button::new(RichText::new(format!("{source}  record {}", key.record)).small()).frame(false).truncate()).clicked() {
                queue.push(SelectionCommand::LookAt(*key));
            }
        }
        if number > MEMBERS {
            ui.label(format!("and {} more; an export lists them all", words::count(number - MEMBERS)));
        }
    });
}

fn ordinary(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let Some(index) = session.open.drill.ordinary else { return };
    let Some(subject) = session.open.view.subject_at(index) else { return };
    CollapsingHeader::new("Nearest ordinary").default_open(true).show(ui, |ui| {
        let rank = session.open.view.order.as_ref().and_then(|o| o.rank(index)).unwrap_or_default();
        let text = format!("rank {}: {}", words::count(rank as usize), cut(&subject.title, 300));
        let help = "The subject below the threshold, of the same kind, that has most in common with this one. Click to go there.";
        if ui.add(Button::new(RichText::new(text).small()).frame(false).wrap()).on_hover_text(help).clicked() {
            queue.push(SelectionCommand::Select(index));
        }
    });
}

fn around(ui: &mut Ui, session: &Session, answer: &Answer, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let zone = session.zone();
    let computer = answer.event.as_ref().and_then(|e| e.computer.clone()).unwrap_or_else(|| "this computer".into());
    CollapsingHeader::new(format!("Before and after on {computer}")).id_salt("around").default_open(true).show(ui, |ui| {
        if answer.around.len() < 2 {
            ui.label(RichText::new("No other events with a time.").small().color(colours.weak));
        }
        for (key, event) in &answer.around {
            let time = event.time.map_or_else(|| "no time".to_owned(), |t| words::second(t, &zone));
            let here = *key == answer.key;
            let id = event.event_id.map(|i| format!("{i} ")).unwrap_or_default();
            let text = RichText::new(format!("{time}  {id}{}", cut(&event.message, 160))).small();
            let text = if here { text.strong().color(colours.above) } else { text };
            let button = Button::selectable(here, text).truncate();
            if ui.add(button).on_hover_text(cut(&event.message, 600)).clicked() && !here {
                queue.push(SelectionCommand::LookAt(*key));
            }
        }
    });
}
