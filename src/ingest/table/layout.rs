//! How a table is laid out: encoding, lines before the header, delimiter, header.

use super::documents::{self, Documents};
use super::encoding::{self, Encoding};
use super::split;
use std::io::Read;

/// Delimiters, in the order they are tried.
const DELIMITERS: [char; 4] = [',', '\t', '|', ';'];
/// Lines looked at.
const SAMPLE: usize = 64;

/// The first lines of a source that may be a table.
pub(super) struct Start {
    pub(super) encoding: Encoding,
    /// Length of the byte order mark.
    pub(super) mark: usize,
    /// Lines before the header.
    pub(super) skip: usize,
    /// JSON that is not one object a line.
    pub(super) document: bool,
    /// Its objects stand in an array.
    pub(super) list: bool,
    /// `sep=` names the delimiter.
    separator: Option<char>,
    /// The header, or the first row, and rows behind it.
    pub(super) lines: Vec<String>,
}

impl Start {
    /// What `head` begins with; `None` when it is no text.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let (encoding, mark) = encoding::detect(head);
        let bytes = head.get(mark..)?;
        let mut text = encoding::head_text(bytes, encoding)?;
        let (document, list) = (documents::is(&text), text.trim_start().starts_with('['));
        if document {
            let mut lines = String::new();
            Documents::new(text.as_bytes()).read_to_string(&mut lines).ok()?;
            text = lines.into();
        }
        let mut start = Self { encoding, mark, skip: 0, document, list, separator: None, lines: Vec::new() };
        let mut lines = text.split_inclusive('\n');
        for line in lines.by_ref() {
            let bare = line.trim();
            if document {
                // The reader skips nothing there: every line is a record.
                start.lines.push(line.to_owned());
                break;
            }
            let lower = bare.to_ascii_lowercase();
            if let Some(separator) = lower.strip_prefix("sep=").filter(|rest| rest.len() <= 1) {
                start.separator = Some(separator.chars().next().unwrap_or('\t'));
            } else if !bare.is_empty() && !bare.starts_with('#') {
                start.lines.push(line.to_owned());
                break;
            }
            start.skip += 1;
        }
        start.lines.extend(lines.take(SAMPLE).map(str::to_owned));
        // The last line of a full head is cut off.
        if head.len() >= crate::ingest::sniff::HEAD && start.lines.len() > 1 && start.lines.last().is_some_and(|line| !line.ends_with('\n')) {
            start.lines.pop();
        }
        (!start.lines.is_empty()).then_some(start)
    }

    pub(super) fn first(&self) -> &str {
        self.lines.first().map(String::as_str).unwrap_or_default()
    }

    /// Whether rows are JSON objects.
    pub(super) fn is_json(&self) -> bool {
        self.first().trim_start().starts_with('{')
    }

    /// Delimiters worth trying.
    pub(super) fn delimiters(&self) -> Vec<char> {
        self.separator.map_or_else(|| DELIMITERS.to_vec(), |separator| vec![separator])
    }

    /// The first line's cells.
    pub(super) fn header(&self, delimiter: char) -> Option<Vec<String>> {
        split::quoted(self.first(), delimiter).filter(|cells| cells.len() > 1)
    }

    /// Rows behind the first line, as far as each is one line.
    pub(super) fn rows(&self, delimiter: char) -> Vec<Vec<String>> {
        self.lines.iter().skip(1).filter(|line| !line.trim().is_empty()).filter_map(|line| split::quoted(line, delimiter)).collect()
    }

    /// The delimiter under which most rows have as many cells as the first line, of those the one with the most cells; rows may be ragged below a
    /// first line of three names or more.
    pub(super) fn steady(&self) -> Option<char> {
        let mut best: Option<(usize, usize, char)> = None;
        for delimiter in self.delimiters() {
            let Some(cells) = self.header(delimiter).map(|cells| cells.len()) else { continue };
            let rows = self.rows(delimiter);
            let same = rows.iter().filter(|row| row.len() == cells).count();
            let share = same * 10 / rows.len().max(1);
            if best.is_none_or(|(old_share, old_cells, _)| (share, cells) > (old_share, old_cells)) {
                best = Some((share, cells, delimiter));
            }
        }
        let name = |cell: &String| cell.len() <= 40 && cell.trim().starts_with(char::is_alphabetic) && !cell.contains(". ");
        let named = |delimiter: char| self.header(delimiter).is_some_and(|header| header.len() > 2 && header.iter().all(name));
        best.filter(|(share, _, delimiter)| *share >= 5 || self.lines.len() == 1 || named(*delimiter)).map(|(_, _, delimiter)| delimiter)
    }
}
