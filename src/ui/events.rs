//! The list of all events of the case: pages of them, sorted and grouped by a column, under the one search box.

use crate::app::words;
use crate::app::{Browse, BrowseCommand, Dialog, NarrowCommand, SelectionCommand, Session, WindowCommand};
use crate::case::events::{Events, Line};
use crate::case::search::Column;
use crate::ui::screen::{Queue, Screen};
use crate::ui::{narrowing, pivots, table, text, theme};
use eframe::egui::{self, Button, Frame, Id, Label, Margin, Panel, ProgressBar, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_table::{CellInfo, HeaderCellInfo, HeaderRow, Table, TableDelegate};

/// Columns of the list, with their names and widths; the message alone is not sorted by.
const COLUMNS: [(Column, &str, f32); 8] = [
    (Column::Time, "Time", 204.0),
    (Column::Computer, "Computer", 112.0),
    (Column::EventId, "Event ID", 66.0),
    (Column::Message, "What happened", 420.0),
    (Column::User, "User", 140.0),
    (Column::Channel, "Channel", 180.0),
    (Column::Image, "Image", 240.0),
    (Column::CommandLine, "Command line", 300.0),
];
/// Values of a group that are listed.
const VALUES: usize = 1_000;

pub(super) fn show(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    bar(ui, session, queue);
    let browse = &session.open.browse;
    if let Some(fault) = &browse.fault {
        ui.label(RichText::new(fault).color(theme::colours(ui).error));
    }
    if browse.grouping.is_some() {
        let inner = Frame::new().inner_margin(Margin { left: 0, right: 6, top: 2, bottom: 0 });
        Panel::left("groups").frame(inner).default_size(250.0).size_range(140.0..=700.0).show(ui, |ui| groups(ui, browse, queue));
    }
    if browse.found.is_empty() {
        ui.add_space(24.0);
        ui.vertical_centered(|ui| {
            ui.label(if browse.is_waiting() { "Being read…" } else { "No event passes." });
            if !browse.is_waiting() && (!browse.search.is_empty() || browse.time.is_some()) && ui.button("Show all events").clicked() {
                queue.push(NarrowCommand::ShowAll);
            }
        });
        return;
    }
    let mut list = Table::new()
        .id_salt("events")
        .num_rows(browse.found.lines.len() as u64)
        .columns(
            COLUMNS
                .iter()
                .map(|(_, title, width)| egui_table::Column::new(*width).range(24.0..=1600.0).id(Id::unique("event").with(title)))
                .collect::<Vec<_>>(),
        )
        .headers([HeaderRow::new(24.0)]);
    if std::mem::take(&mut screen.reveal)
        && let Some(row) = browse.found.lines.iter().position(|line| Some(line.key) == browse.selected)
    {
        list = list.scroll_to_row(row as u64, None);
    }
    table::keep_widths(ui, &list, COLUMNS.iter().map(|(_, title, width)| (Id::unique("event").with(title), *width)));
    list.show(ui, &mut Lines { session, queue });
}

/// What is shown, what narrows it, and the pages.
fn bar(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    narrowing::line(ui, queue, |ui, queue| bar_end(ui, &session.open.browse, queue), |ui, queue| bar_begin(ui, session, queue));
}

fn bar_begin(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    let browse = &session.open.browse;
    if ui.button("Ranking").on_hover_text("Back to the ranking (F6)").accessible_name("Back to the ranking").clicked() {
        queue.push(BrowseCommand::ToggleEvents);
    }
    ui.separator();
    ui.label(words::part_of(browse.found.len(), browse.total(), "events"));
    let mut narrowed: Vec<_> = browse.time.map(|span| narrowing::time(session, span)).into_iter().collect();
    if !browse.search.trim().is_empty() {
        narrowed.push((format!("search {}", browse.search), NarrowCommand::Search(String::new()).into()));
    }
    narrowing::chips(ui, narrowed, queue);
}

fn bar_end(ui: &mut Ui, browse: &Browse, queue: &mut Queue) {
    pages(ui, browse, queue);
    if ui.add_enabled(!browse.found.is_empty(), Button::new("Export…")).accessible_name("Export events").clicked() {
        queue.push(WindowCommand::Dialog(Some(Dialog::ExportEvents)));
    }
    ui.menu_button(browse.grouping.map_or_else(|| "Group by".into(), |column| format!("Grouped by {}", column.name())), |ui| {
        for column in [None].into_iter().chain(Events::GROUPED.map(Some)) {
            let name = column.map_or("not grouped", Column::name);
            if ui.add(Button::selectable(browse.grouping == column, name)).clicked() {
                queue.push(BrowseCommand::GroupEvents(column));
                ui.close();
            }
        }
    });
    // What is not shown keeps its place: a widget whose place changes is a new one, for which the window is drawn twice more.
    if browse.is_waiting() {
        let share = browse.progress().and_then(|p| Some(p.done as f32 / p.total.filter(|n| *n > 0)? as f32));
        ui.add(ProgressBar::new(share.unwrap_or(0.0)).desired_width(90.0).desired_height(10.0)).accessible_name("Progress of the search");
    } else {
        ui.skip_ahead_auto_ids(1);
    }
}

fn pages(ui: &mut Ui, browse: &Browse, queue: &mut Queue) {
    let (page, pages) = browse.pages();
    if pages < 2 {
        return;
    }
    let mut turn = |ui: &mut Ui, sign: &str, name: &str, to: Option<usize>| {
        if ui.add_enabled(to.is_some(), Button::new(sign)).on_hover_text(name).accessible_name(name).clicked()
            && let Some(to) = to
        {
            queue.push(BrowseCommand::EventsPage(to));
        }
    };
    turn(ui, ">>", "Last page", (page + 1 < pages).then_some(pages - 1));
    turn(ui, ">", "Next page", (page + 1 < pages).then_some(page + 1));
    ui.label(format!("page {} of {}", words::count(page + 1), words::count(pages)));
    turn(ui, "<", "Previous page", page.checked_sub(1));
    turn(ui, "<<", "First page", (page > 0).then_some(0));
}

/// The values of the column grouped by, rarest first.
fn groups(ui: &mut Ui, browse: &Browse, queue: &mut Queue) {
    // A panel is as wide as what it holds, which at first is little.
    ui.set_min_width(ui.available_width());
    let Some((column, tallies)) = &browse.found.groups else {
        ui.label("being counted…");
        return;
    };
    ui.label(RichText::new(format!("{} values of {}, rarest first", words::count(tallies.len()), column.name())).small().strong());
    ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, theme::ROW, tallies.len().min(VALUES), |ui, rows| {
        for tally in tallies.get(rows).unwrap_or_default() {
            let value = if tally.value.is_empty() { "(none)".into() } else { text::plain(&tally.value) };
            ui.horizontal(|ui| {
                ui.label(RichText::new(format!("{:>9}", words::count(tally.count))).font(theme::digits()));
                let path = matches!(column, Column::Image | Column::ParentImage | Column::Source);
                let button = Button::new(RichText::new(if path { end(&value) } else { value.clone() })).frame(false).truncate();
                let response = ui.add_enabled(!tally.value.is_empty(), button).accessible_name(format!("Only {value}"));
                if response.clicked() {
                    queue.push(NarrowCommand::SearchFor(pivots::exactly(*column, &tally.value, '+')));
                }
                response.on_hover_text(format!("{value}\nClick to see these events alone"));
            });
        }
    });
    if tallies.len() > VALUES {
        ui.label(RichText::new(format!("the {} rarest are listed", words::count(VALUES))).small());
    }
}

/// The end of a path, where the name stands.
fn end(path: &str) -> String {
    const LETTERS: usize = 30;
    let skip = path.chars().count().saturating_sub(LETTERS);
    if skip > 1 { std::iter::once('…').chain(path.chars().skip(skip)).collect() } else { path.to_owned() }
}

struct Lines<'a> {
    session: &'a Session,
    queue: &'a mut Queue,
}

impl<'a> Lines<'a> {
    fn at(&self, row: u64) -> Option<&'a Line> {
        self.session.open.browse.found.lines.get(row as usize)
    }
}

impl TableDelegate for Lines<'_> {
    fn default_row_height(&self) -> f32 {
        theme::ROW
    }

    fn header_cell_ui(&mut self, ui: &mut Ui, cell: &HeaderCellInfo) {
        let Some((column, title, _)) = COLUMNS.get(cell.col_range.start) else { return };
        let browse = &self.session.open.browse;
        ui.painter().rect_filled(ui.max_rect(), 0.0, ui.visuals().faint_bg_color);
        ui.add_space(5.0);
        let sorts = Events::SORTED.contains(column);
        let title = if *column == Column::Time { format!("{title} ({})", self.session.prefs.zone) } else { (*title).to_owned() };
        let response = ui.add(Label::new(RichText::new(&title).small().strong()).truncate().selectable(false).sense(Sense::click()));
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("Sort events by {}", column.name())));
        if response.clicked() && sorts {
            self.queue.push(BrowseCommand::SortEvents(*column));
        }
        if browse.sort == *column {
            let at = pos2((response.rect.right() + 8.0).min(ui.max_rect().right() - 7.0), response.rect.center().y);
            let tip = if browse.descending { 3.0 } else { -3.0 };
            let arrow = vec![at + vec2(-4.0, -tip), at + vec2(4.0, -tip), at + vec2(0.0, tip)];
            ui.painter().add(egui::Shape::convex_polygon(arrow, ui.visuals().strong_text_color(), Stroke::NONE));
        }
        response.on_hover_text(if sorts { "Click to sort by it" } else { "The list cannot be sorted by it" });
    }

    fn row_ui(&mut self, ui: &mut Ui, row: u64) {
        let Some(line) = self.at(row) else { return };
        let colours = theme::colours(ui);
        let selected = self.session.open.browse.selected == Some(line.key);
        let rect = ui.max_rect();
        let seen = rect.intersect(ui.clip_rect());
        if !seen.is_positive() {
            // The table draws a row once more for columns that stay, also where there are none; the pointer would then be over nothing.
            return;
        }
        let response = ui.interact(seen, Id::unique("event row").with(row), Sense::click());
        response.widget_info(|| {
            WidgetInfo::selected(
                egui::Role::ListBoxOption,
                true,
                selected,
                format!("Event {}: {}", self.session.open.browse.found.first as u64 + row + 1, line.event.message),
            )
        });
        if selected || response.hovered() {
            ui.painter().rect_filled(rect, 0.0, if selected { colours.selected } else { colours.hovered });
        }
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, colours.row_line));
        if self.session.open.marks.is_flagged(line.key) {
            ui.painter().rect_filled(egui::Rect::from_min_size(rect.min, vec2(3.0, rect.height())), 0.0, colours.flag);
        }
        let (key, event) = (line.key, line.event.clone());
        if response.clicked() || response.secondary_clicked() && !selected {
            self.queue.push(SelectionCommand::LookAt(key));
        }
        let (session, queue) = (self.session, &mut *self.queue);
        response.context_menu(|ui| pivots::menu(ui, session, key, &event, queue));
    }

    fn cell_ui(&mut self, ui: &mut Ui, cell: &CellInfo) {
        let (Some((column, ..)), Some(line)) = (COLUMNS.get(cell.col_nr), self.at(cell.row_nr)) else { return };
        let event = &line.event;
        let text = match column {
            Column::Time => event.time.map_or_else(|| event.time_text.clone().unwrap_or_default(), |time| words::time(time, &self.session.zone())),
            Column::Message => event.message.clone(),
            column => pivots::value(*column, event),
        };
        let mut rich = RichText::new(text::plain(&text));
        if matches!(column, Column::Time | Column::EventId) {
            rich = rich.font(theme::digits());
        }
        ui.add_space(5.0);
        ui.add(Label::new(rich).truncate().selectable(false));
    }
}
