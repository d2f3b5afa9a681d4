//! The ranked table: a window of at most half a million rows over any number of them.

use crate::app::{Column, Command, Mark, MarkCommand, NarrowCommand, Order, OrdinaryCommand, SelectionCommand, Session, Show, ViewCommand, WindowCommand};
use crate::domain::{Report, Subject};
use crate::ui::screen::{Queue, Screen};
use crate::ui::text::{marked, plain};
use crate::ui::{narrowing, theme};
use eframe::egui::{self, Align, Color32, Id, Label, Layout, Rect, RichText, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_table::{CellInfo, HeaderCellInfo, HeaderRow, PrefetchInfo, Table, TableDelegate, TableState};
use std::ops::Range;

/// Most rows that the table is given at once: beyond, positions in `f32` are no longer exact.
const WINDOW: usize = 500_000;

pub(super) fn show(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    narrowing::show(ui, session, screen, queue);
    let (Some(order), Some(ranking)) = (session.open.view.order.clone(), session.open.view.ranking.clone()) else { return };
    let shown = session.open.view.shown();
    if shown == 0 {
        nothing(ui, session, queue);
        return;
    }
    let target = aim(session, screen, shown);
    let first = screen.first_row.min(shown.saturating_sub(1));
    let rows = (shown - first).min(WINDOW);
    let columns = &session.prefs.columns;
    let sticky = columns.iter().take_while(|c| matches!(c, Column::Flag | Column::Rank)).count();
    let mut table = Table::new()
        .id_salt("ranking")
        .num_rows(rows as u64)
        .columns(columns.iter().map(|c| egui_table::Column::new(width(*c)).range(24.0..=1600.0).id(Id::unique(c.title()))).collect::<Vec<_>>())
        .num_sticky_cols(sticky)
        .headers([HeaderRow::new(24.0)]);
    if let Some((row, align)) = target {
        // With a row alone the table would also move sideways, by the width of the columns that stay: a column that is in view keeps it.
        let column = if screen.columns.start <= sticky { sticky } else { (screen.columns.start + 1).min(screen.columns.end.saturating_sub(1)) };
        table = table.scroll_to_row(row.saturating_sub(first) as u64, align);
        if column < columns.len() {
            table = table.scroll_to_column(column, None);
        }
    }
    keep_widths(ui, &table, columns.iter().map(|c| (Id::unique(c.title()), width(*c))));
    let above = session.open.view.above();
    let mut delegate = Rows { session, queue, report: &ranking.report, order: &order, first, shown, above, sticky, visible: 0..0, columns: 0..0 };
    table.show(ui, &mut delegate);
    let visible = delegate.visible.clone();
    screen.columns = delegate.columns.clone();
    shift(screen, first, rows, shown, &visible);
}

fn nothing(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    ui.add_space(24.0);
    ui.vertical_centered(|ui| {
        let why = match session.open.view.narrow.show {
            Show::Flagged => "Nothing is flagged here yet. Select a row and press Space.",
            Show::Above => "Nothing is above the threshold. Move it to the left.",
            Show::Both => "No row is both unusual and found by a rule. Move the threshold, or show everything.",
            Show::OnlyUnusual => "Every row above the threshold was found by a rule too. Move the threshold, or show everything.",
            Show::OnlyRules => "Every row that a rule found is above the threshold. Move the threshold, or show everything.",
            Show::All => "Nothing passes.",
        };
        ui.label(why);
        if ui.button("Show everything").clicked() {
            queue.push(NarrowCommand::ShowAll);
        }
    });
}

/// Which row is to be brought into view, and where; moves the window so that it is in it.
fn aim(session: &Session, screen: &mut Screen, shown: usize) -> Option<(usize, Option<Align>)> {
    let row = if std::mem::take(&mut screen.reveal) {
        let row = session.open.view.selected.and_then(|s| session.open.view.row_of(s));
        row.map(|row| (row, None)).or(session.open.view.selected.is_none().then_some((0, Some(Align::TOP))))
    } else {
        screen.scroll_to.take().map(|row| (row, Some(Align::TOP)))
    };
    if let Some((row, _)) = row
        && !(screen.first_row..screen.first_row + WINDOW).contains(&row)
    {
        screen.first_row = row.saturating_sub(WINDOW / 2);
    }
    if screen.first_row >= shown || shown <= WINDOW {
        screen.first_row = shown.saturating_sub(WINDOW);
    }
    row.filter(|(row, _)| *row < shown)
}

/// Shifts the window when what is visible comes to its edge.
fn shift(screen: &mut Screen, first: usize, rows: usize, shown: usize, visible: &Range<u64>) {
    let (top, bottom) = (first + visible.start as usize, visible.end as usize);
    let to = if bottom >= rows && first + rows < shown {
        top.saturating_sub(WINDOW / 4).min(shown - WINDOW)
    } else if visible.start == 0 && visible.end > 0 && first > 0 {
        top.saturating_sub(WINDOW * 3 / 4)
    } else {
        return;
    };
    screen.first_row = to;
    screen.scroll_to = Some(top);
}

/// Gives columns their usual widths before the table first measures them: it would shrink them to nothing, because their text is cut to fit.
pub(super) fn keep_widths(ui: &Ui, table: &Table, widths: impl Iterator<Item = (Id, f32)>) {
    let id = table.get_id(ui);
    let mut state = TableState::load(ui.ctx(), id).unwrap_or_default();
    let known = state.col_widths.len();
    for (column, width) in widths {
        state.col_widths.entry(column).or_insert(width);
    }
    if state.col_widths.len() != known {
        state.store(ui.ctx(), id);
    }
}

fn width(column: Column) -> f32 {
    match column {
        Column::Flag => 36.0,
        Column::Rank | Column::Count => 54.0,
        Column::Score | Column::Loss | Column::Rarity | Column::EventId => 66.0,
        Column::LossRank | Column::RarityRank => 92.0,
        Column::Time => 204.0,
        Column::Computer => 112.0,
        Column::What => 380.0,
        Column::Reason | Column::Rule => 300.0,
        Column::User | Column::Note | Column::Tactic => 140.0,
        Column::RuleLevel => 84.0,
        Column::Channel => 180.0,
        Column::Image | Column::CommandLine => 260.0,
    }
}

struct Rows<'a> {
    session: &'a Session,
    queue: &'a mut Queue,
    report: &'a Report,
    order: &'a Order,
    first: usize,
    shown: usize,
    above: usize,
    sticky: usize,
    visible: Range<u64>,
    columns: Range<usize>,
}

impl Rows<'_> {
    /// Subject index and position in a row.
    fn at(&self, row: u64) -> Option<(u32, u32, &Subject)> {
        let position = self.session.open.view.rows.get(self.first + row as usize, self.shown)?;
        let index = *self.order.subjects.get(position as usize)?;
        Some((index, position, self.report.subjects.get(index as usize)?))
    }
}

impl TableDelegate for Rows<'_> {
    fn prepare(&mut self, info: &PrefetchInfo) {
        self.visible = info.visible_rows.clone();
        self.columns = info.visible_columns.clone();
    }

    fn default_row_height(&self) -> f32 {
        theme::ROW
    }

    fn header_cell_ui(&mut self, ui: &mut Ui, cell: &HeaderCellInfo) {
        let Some(&column) = self.session.prefs.columns.get(cell.col_range.start) else { return };
        ui.painter().rect_filled(ui.max_rect(), 0.0, ui.visuals().faint_bg_color);
        ui.add_space(5.0);
        let sort = self.session.open.view.sort;
        let title = if column == Column::Time { format!("{} ({})", column.title(), self.session.prefs.zone) } else { column.title().to_owned() };
        let label = Label::new(RichText::new(title).small().strong()).truncate().selectable(false).sense(Sense::click());
        let response = ui.add(label);
        let help = if column.sorts() { format!("{}\nClick to sort by it", column.help()) } else { column.help().to_owned() };
        if response.clicked() && column.sorts() {
            self.queue.push(ViewCommand::Sort(column));
        }
        if sort.column == column {
            let at = pos2((response.rect.right() + 8.0).min(ui.max_rect().right() - 7.0), response.rect.center().y);
            let tip = if sort.descending { 3.0 } else { -3.0 };
            let arrow = vec![at + vec2(-4.0, -tip), at + vec2(4.0, -tip), at + vec2(0.0, tip)];
            ui.painter().add(egui::Shape::convex_polygon(arrow, ui.visuals().strong_text_color(), Stroke::NONE));
        }
        response.on_hover_text(help);
    }

    fn row_ui(&mut self, ui: &mut Ui, row: u64) {
        let Some((index, position, subject)) = self.at(row) else { return };
        let colours = theme::colours(ui);
        let selected = self.session.open.view.selected == Some(index);
        let (rect, clip) = (ui.max_rect(), ui.clip_rect());
        // The table draws a row once for the columns that stay and once for those that scroll; the second one speaks for both.
        let (stays, seen) = (clip.left() <= rect.left() + 0.5, rect.intersect(clip));
        if !seen.is_positive() {
            return;
        }
        let id = Id::unique("row").with(index).with(stays);
        let response = ui.interact(seen, id, Sense::click());
        let above = (position as usize) < self.above;
        if !stays || self.sticky == 0 {
            let side = if above { "above" } else { "below" };
            response.widget_info(|| {
                WidgetInfo::selected(egui::Role::ListBoxOption, true, selected, format!("Row rank {} {side}: {}", position + 1, subject.title))
            });
        }
        let fill = match (selected, response.hovered()) {
            (true, _) => Some(colours.selected),
            (_, true) => Some(colours.hovered),
            _ if self.session.open.view.hits.has(position) => Some(colours.hit_row),
            _ => None,
        };
        if let Some(fill) = fill {
            ui.painter().rect_filled(rect, 0.0, fill);
        }
        // Lines and no stripes: without a graphics card a filled half of the table takes as long to draw as its text.
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, colours.row_line));
        // The threshold goes through a ranked table as a line.
        if self.session.open.view.rows.is_ranked() && above && position as usize + 1 == self.above {
            ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, colours.above));
        }
        if response.clicked() {
            self.queue.push(SelectionCommand::Select(index));
        }
        if response.secondary_clicked() && !selected {
            self.queue.push(SelectionCommand::Select(index));
        }
        let (session, queue) = (self.session, &mut *self.queue);
        response.context_menu(|ui| row_menu(ui, session, index, queue));
    }

    fn cell_ui(&mut self, ui: &mut Ui, cell: &CellInfo) {
        let Some(&column) = self.session.prefs.columns.get(cell.col_nr) else { return };
        let Some((index, position, subject)) = self.at(cell.row_nr) else { return };
        let mark = self.session.open.marks.get(subject.key);
        let above = (position as usize) < self.above;
        if column == Column::Flag {
            if flag(ui, mark, self.session.open.marks.is_kept(subject.key), position) {
                let on = mark.is_none_or(|m| !m.flagged);
                self.queue.push(MarkCommand::Flag(index, on));
            }
            return;
        }
        let colours = theme::colours(ui);
        if column == Column::Rank && above {
            let bar = Rect::from_min_size(ui.max_rect().min, vec2(3.0, ui.max_rect().height()));
            ui.painter().rect_filled(bar, 0.0, colours.above);
        }
        let text = plain(&self.session.cell(column, index));
        let mut rich = RichText::new(&text);
        if column.is_number() || column == Column::Time {
            rich = rich.font(theme::digits());
        }
        if column == Column::Score && above {
            rich = rich.color(colours.above);
        }
        if matches!(column, Column::Reason) {
            rich = rich.color(colours.weak);
        }
        let label = Label::new(marked(ui, rich, &self.session.found_in(column, &text))).truncate().selectable(false);
        if column.is_number() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(6.0);
                ui.add(label);
            });
        } else {
            ui.add_space(5.0);
            ui.add(label);
        }
    }
}

/// The flag: filled once it is kept, hollow until then, faint under the pointer. `true` when clicked.
fn flag(ui: &mut Ui, mark: Option<&Mark>, kept: bool, position: u32) -> bool {
    let colours = theme::colours(ui);
    let on = mark.is_some_and(|m| m.flagged);
    let rect = ui.max_rect();
    let response = ui.interact(rect, Id::unique("flag").with(position), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::CheckBox, true, on, format!("Flag rank {}", position + 1)));
    let colour = if on { colours.flag } else { colours.line };
    if on || response.hovered() {
        let foot = pos2(rect.left() + 13.0, rect.center().y + 6.0);
        ui.painter().line_segment([foot, foot - vec2(0.0, 12.0)], Stroke::new(1.5, colour));
        let cloth = vec![foot - vec2(-0.5, 12.0), foot + vec2(9.0, -8.5), foot - vec2(-0.5, 5.0)];
        let fill = if on && kept { colour } else { Color32::TRANSPARENT };
        ui.painter().add(egui::Shape::convex_polygon(cloth, fill, Stroke::new(1.0, colour)));
    }
    if mark.is_some_and(|m| !m.note.is_empty() || !m.tags.is_empty()) {
        ui.painter().circle_filled(pos2(rect.left() + 28.0, rect.center().y), 2.5, colours.flag);
    }
    let help = match (on, kept) {
        (true, true) => "Flagged, and kept in the case (Space takes it away)",
        (true, false) => "Flagged; being written to the case",
        _ => "Flag it (Space)",
    };
    let clicked = response.clicked();
    response.on_hover_text(help);
    clicked
}

fn row_menu(ui: &mut Ui, session: &Session, index: u32, queue: &mut Queue) {
    let Some(subject) = session.open.view.subject_at(index) else { return };
    let mut item = |ui: &mut Ui, text: String, command: Command| {
        if ui.button(text).clicked() {
            queue.push(command);
            ui.close();
        }
    };
    let flagged = session.open.marks.is_flagged(subject.key);
    item(ui, if flagged { "Take the flag away".into() } else { "Flag".into() }, MarkCommand::Flag(index, !flagged).into());
    item(ui, "Note".into(), WindowCommand::FocusNote.into());
    item(ui, "Mark ordinary…".into(), OrdinaryCommand::MarkOrdinary.into());
    item(ui, "Copy row".into(), WindowCommand::CopyRow.into());
    item(ui, "Copy what happened".into(), WindowCommand::Copy(subject.title.to_string()).into());
    if let Some(time) = subject.first_seen {
        const AROUND: i64 = 5 * 60 * 1_000_000_000;
        item(ui, "5 minutes before and after".into(), NarrowCommand::Brush(Some((time.saturating_sub(AROUND), time.saturating_add(AROUND)))).into());
    }
    ui.separator();
    for column in [Column::Computer, Column::User, Column::Channel, Column::EventId, Column::Image] {
        let value = session.cell(column, index);
        let (Some(name), false) = (column.search_name(), value.is_empty()) else { continue };
        let value = value.replace('"', "");
        let short: String = value.chars().take(40).collect();
        ui.menu_button(format!("{}: {short}", column.title()), |ui| {
            let mut item = |ui: &mut Ui, text: &str, command: Command| {
                if ui.button(text).clicked() {
                    queue.push(command);
                    ui.close();
                }
            };
            item(ui, "Filter in", NarrowCommand::SearchFor(format!("+{name}:\"{value}\"")).into());
            item(ui, "Filter out", NarrowCommand::SearchFor(format!("-{name}:\"{value}\"")).into());
            item(ui, "Copy", WindowCommand::Copy(value.clone()).into());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_the_rows_to_both_edges() {
        let mut screen = Screen::default();
        shift(&mut screen, 0, WINDOW, 2_000_000, &(499_970..500_000));
        assert_eq!((screen.first_row, screen.scroll_to), (499_970 - WINDOW / 4, Some(499_970)));
        let first = screen.first_row;
        shift(&mut screen, first, WINDOW, 2_000_000, &(0..30));
        assert_eq!((screen.first_row, screen.scroll_to), (0, Some(first)));
        screen.scroll_to = None;
        shift(&mut screen, 0, 100, 100, &(70..100));
        assert_eq!((screen.first_row, screen.scroll_to), (0, None));
    }
}
