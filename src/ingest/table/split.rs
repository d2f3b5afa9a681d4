//! Takes a line apart into cells: with quotes as RFC 4180 has them, or without any.
//!
//! Own code rather than the `csv` crate's: a record must end at a limit, and a quote that is never closed must cost one row, not the file.

use super::lines::without_end;

/// The cells of one record, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = match at.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..end)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Adds a whole cell.
    pub(super) fn add(&mut self, cell: &str) {
        self.push(cell);
        self.end();
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn end(&mut self) {
        self.ends.push(self.text.len());
    }
}

/// Splits at every delimiter.
pub(super) fn plain(line: &str, delimiter: char, cells: &mut Cells) {
    cells.clear();
    for cell in without_end(line).split(delimiter) {
        cells.add(cell);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    Quoted,
    /// Behind a quote inside quotes.
    Closing,
}

/// Splits with quotes, line by line: a record may go on over several lines.
pub(super) struct Quoted {
    delimiter: char,
    state: State,
}

impl Quoted {
    pub(super) fn new(delimiter: char) -> Self {
        Self { delimiter, state: State::Start }
    }

    /// Takes one line with its end; whether the record is complete.
    pub(super) fn feed(&mut self, line: &str, cells: &mut Cells) -> bool {
        let mut rest = without_end(line);
        let end = line.get(rest.len()..).unwrap_or_default();
        loop {
            match self.state {
                State::Start => match rest.strip_prefix('"') {
                    Some(inside) => {
                        rest = inside;
                        self.state = State::Quoted;
                    }
                    None => self.state = State::Plain,
                },
                State::Plain => {
                    self.state = State::Start;
                    let Some((cell, after)) = rest.split_once(self.delimiter) else {
                        cells.push(rest);
                        cells.end();
                        return true;
                    };
                    cells.push(cell);
                    cells.end();
                    rest = after;
                }
                State::Quoted => {
                    let Some((inside, after)) = rest.split_once('"') else {
                        cells.push(rest);
                        cells.push(end);
                        return false;
                    };
                    cells.push(inside);
                    rest = after;
                    self.state = State::Closing;
                }
                State::Closing => match rest.strip_prefix('"') {
                    Some(after) => {
                        cells.push("\"");
                        rest = after;
                        self.state = State::Quoted;
                    }
                    None => self.state = State::Plain,
                },
            }
        }
    }
}

/// The cells of one line with quotes; `None` when it does not end in it.
pub(super) fn quoted(line: &str, delimiter: char) -> Option<Vec<String>> {
    let mut cells = Cells::default();
    Quoted::new(delimiter).feed(line, &mut cells).then(|| cells.iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_delimiters_quotes_and_line_ends() {
        assert_eq!(quoted("a,\"b,c\",\"d\"\"e\",\r\n", ','), Some(vec!["a".into(), "b,c".into(), "d\"e".into(), String::new()]));
        assert_eq!(quoted("6\" pipe,\"x\"y", ','), Some(vec!["6\" pipe".into(), "xy".into()]));
        let mut cells = Cells::default();
        let mut splitter = Quoted::new(',');
        assert!(!splitter.feed("a,\"b\r\n", &mut cells));
        assert!(splitter.feed("c\",d\n", &mut cells));
        assert_eq!(cells.iter().collect::<Vec<_>>(), ["a", "b\r\nc", "d"]);
    }

    #[test]
    fn without_quotes_every_delimiter_counts() {
        let mut cells = Cells::default();
        plain("a,\"b,c\"\n", ',', &mut cells);
        assert_eq!(cells.iter().collect::<Vec<_>>(), ["a", "\"b", "c\""]);
    }
}
