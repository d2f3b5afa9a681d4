//! How a table is laid out: encoding, lines before the header, delimiter, header.

use super::encoding::{self, Encoding, Utf16};
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
        let text = match encoding {
            // Some tools write a zero or two from names; in other files there are many, or some at once.
            Encoding::Utf8 if bytes.split(|byte| *byte == 0).count() * 20 > bytes.len() + 20 || bytes.iter().take(64).any(|byte| *byte == 0) => return None,
            Encoding::Utf8 => encoding::text(bytes).into_owned(),
            Encoding::Utf16 { big } => {
                let mut text = String::new();
                Utf16::new(bytes, big).read_to_string(&mut text).ok()?;
                text
            }
        };
        let mut start = Self { encoding, mark, skip: 0, separator: None, lines: Vec::new() };
        let mut lines = text.split_inclusive('\n');
        for line in lines.by_ref() {
            let bare = line.trim();
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

    /// The delimiter under which most rows have as many cells as the first line, of those the one with the most cells.
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
        best.filter(|(share, _, _)| *share >= 5 || self.lines.len() == 1).map(|(_, _, delimiter)| delimiter)
    }
}
