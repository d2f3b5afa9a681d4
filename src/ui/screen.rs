//! What the window remembers of itself between frames: drafts of text, scroll positions, what is to be focused. Nothing of the case.

use crate::app::Command;
use crate::domain::EventKey;
use std::collections::HashSet;
use std::time::Instant;

/// A note being typed.
pub(super) struct Draft {
    pub key: EventKey,
    pub text: String,
    /// When a letter was last typed that has not been handed over.
    pub typed: Option<Instant>,
}

/// Which face of a raw record is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Raw {
    #[default]
    Json,
    Xml,
}

/// A brush that is held: where it was pressed, and whether it is more than a click.
#[derive(Clone, Copy)]
pub(super) struct Brush {
    pub from: f32,
    pub moved: bool,
}

/// The window's own memory.
#[derive(Default)]
pub(super) struct Screen {
    pub open_path: String,
    pub save_path: String,
    pub rules_path: String,
    pub import_path: String,
    pub indicators_path: String,
    pub baseline_out: String,
    pub events_out: String,
    pub baseline_words: String,
    pub search_name: String,
    pub palette: String,
    pub palette_at: usize,
    pub note: Option<Draft>,
    pub tag: String,
    pub focus_search: bool,
    pub focus_note: bool,
    pub reveal: bool,
    pub raw: Raw,
    /// Processes of the tree whose children are not shown.
    pub folded: HashSet<EventKey>,
    /// First row of the table's window over the rows.
    pub first_row: usize,
    /// Row to scroll to, at the top.
    pub scroll_to: Option<usize>,
    /// Columns of the table in view, besides those that stay.
    pub columns: std::ops::Range<usize>,
    pub go_to: String,
    /// The brush on the strip while it is held.
    pub brush: Option<Brush>,
    /// Where on it the menu was opened.
    pub strip_at: Option<i64>,
    pub is_full: bool,
    /// A device of the settings dialog's drafts: baseline path.
    pub baseline_path: String,
    pub zone: String,
}

/// Commands pushed while the panels are drawn, carried out afterwards.
pub(super) type Queue = Vec<Command>;
