//! What the window remembers of itself between frames: drafts of text, scroll positions, what is to be focused. What concerns the case goes with
//! it.

use crate::app::{CaseId, Command};
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
    /// Which case it was drawn for.
    of: Option<CaseId>,
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

impl Screen {
    /// Forgets what was typed, folded and scrolled to in a case that is no longer the open one.
    pub(super) fn follow(&mut self, case: CaseId) {
        if self.of != Some(case) {
            let old = std::mem::take(self);
            *self = Self {
                of: Some(case),
                open_path: old.open_path,
                palette: old.palette,
                palette_at: old.palette_at,
                focus_search: old.focus_search,
                is_full: old.is_full,
                zone: old.zone,
                ..Self::default()
            };
        }
    }
}

/// Commands pushed while the panels are drawn, carried out afterwards.
#[derive(Default)]
pub(super) struct Queue(Vec<Command>);

impl Queue {
    /// Nothing pushed yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Pushes a command.
    pub(super) fn push(&mut self, command: impl Into<Command>) {
        self.0.push(command.into());
    }

    /// Puts a command before all others.
    pub(super) fn first(&mut self, command: impl Into<Command>) {
        self.0.insert(0, command.into());
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Command> {
        self.0.get(at)
    }
}

impl IntoIterator for Queue {
    type Item = Command;
    type IntoIter = std::vec::IntoIter<Command>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
