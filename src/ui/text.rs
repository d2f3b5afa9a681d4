//! Texts of the evidence as they may be shown: on one line, not turned round, what is looked for marked.

use crate::ui::theme;
use eframe::egui::{self, Align, RichText, Ui};
use std::ops::Range;

/// Letters of a cell that are laid out.
const LETTERS: usize = 300;

/// One line without what could break or turn it: line breaks, control and direction marks become visible dots.
pub(super) fn plain(text: &str) -> String {
    whole(text.get(..text.char_indices().nth(LETTERS).map_or(text.len(), |(end, _)| end)).unwrap_or_default())
}

/// The same, uncut.
pub(super) fn whole(text: &str) -> String {
    let hostile = |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if hostile(c) { '·' } else { c }).collect()
}

/// Text with what the search looks for marked.
pub(super) fn marked(ui: &Ui, text: RichText, found: &[Range<usize>]) -> egui::WidgetText {
    if found.is_empty() {
        return text.into();
    }
    let mut job = egui::text::LayoutJob::default();
    text.append_to(&mut job, ui.style(), egui::FontSelection::Default, Align::Center);
    let Some(whole) = job.sections.first().map(|s| s.format.clone()) else { return job.into() };
    let hit = egui::TextFormat { background: theme::colours(ui).hit, color: theme::colours(ui).hit_text, ..whole.clone() };
    let (text, mut at) = (std::mem::take(&mut job.text), 0);
    job.sections.clear();
    for range in found {
        job.append(&text[at..range.start], 0.0, whole.clone());
        job.append(&text[range.clone()], 0.0, hit.clone());
        at = range.end;
    }
    job.append(&text[at..], 0.0, whole);
    job.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_line_that_cannot_be_turned_round() {
        assert_eq!(plain("a\nb\u{202e}c"), "a·b·c");
        assert_eq!(plain(&"x".repeat(1000)).len(), LETTERS);
    }
}
