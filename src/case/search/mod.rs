//! The search grammar of the filter box, parsed once and asked of every row.
//!
//! ```text
//! powershell certutil      either word        +temp            must        -defender       must not
//! "net user"               a phrase           user:admin       in a column (image:"C:\Program Files")
//! 4624  4000-4999  4624,4625  !1001           event IDs        rank:<100  score:>=3.5  count:2-10  numbers
//! time:2020-09-17  time:>2020-09-17T17:00     times, UTC       flagged:yes  computer:=DC1  exactly
//! ruled:yes  rule:mimikatz  rule_level:high  tactic:persistence                             what rules found
//! logon:0x1a2b3            events of a logon session           "say ""cheese"""                 a quotation mark inside quotes
//! ```
//! A row matches when one of the plain terms does (or there is none), every `+` term does and no `-` or `!` term does. Case does not matter.
//! Pure: knows no rows, only cells.

mod column;
mod value;

pub use crate::domain::{Cell, Column};
pub(super) use column::Number;
pub(super) use value::{Pattern, Span};

use column::{TEXTS, number};
use std::ops::Range;

/// A parsed search.
#[derive(Clone, Debug, Default)]
pub struct Search {
    any: Vec<Term>,
    must: Vec<Term>,
    not: Vec<Term>,
}

#[derive(Clone, Debug)]
pub(super) enum Term {
    /// Text in any text column; a number is looked for among the event IDs too.
    Anywhere(Pattern, Option<Span>),
    /// Event IDs.
    Ids(Vec<Span>),
    /// Text in one column.
    Text(Column, Pattern),
    /// Numbers, times or yes and no in one column.
    Number(Column, Vec<Span>),
}

impl Search {
    /// Parses a search; the empty one matches everything. A word before `:` that names no column is text (`C:\Temp`).
    ///
    /// # Errors
    /// What cannot be understood, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut search = Self::default();
        // Plain words are looked for together: one pass over a row's texts instead of one for each.
        let mut plain = Vec::new();
        for word in words(text)? {
            if word.sign.is_none() && word.column.is_none() && (word.quoted || Span::list(&word.value).is_none()) {
                plain.push(word.value);
                continue;
            }
            let (list, body) = match word.sign {
                Some('+') => (&mut search.must, &word),
                Some('-' | '!') => (&mut search.not, &word),
                _ => (&mut search.any, &word),
            };
            list.push(Term::parse(body)?);
        }
        if !plain.is_empty() {
            search.any.push(Term::Anywhere(Pattern::any(&plain)?, None));
        }
        Ok(search)
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.any.is_empty() && self.must.is_empty() && self.not.is_empty()
    }

    /// Its terms: one of the first, all of the second, none of the third.
    pub(super) fn terms(&self) -> (&[Term], &[Term], &[Term]) {
        (&self.any, &self.must, &self.not)
    }

    /// Whether a row matches; `cell` gives the row's value of a column.
    pub fn matches<'a>(&self, cell: &dyn Fn(Column) -> Cell<'a>) -> bool {
        (self.any.is_empty() || self.any.iter().any(|term| term.matches(cell)))
            && self.must.iter().all(|term| term.matches(cell))
            && !self.not.iter().any(|term| term.matches(cell))
    }

    /// The byte ranges of `text`, in `column`, that the search looks for: what a view marks. In order, not overlapping.
    #[must_use]
    pub fn highlights(&self, column: Column, text: &str) -> Vec<Range<usize>> {
        let wanted = self.any.iter().chain(&self.must).filter_map(|term| match term {
            Term::Anywhere(pattern, _) if TEXTS.contains(&column) => Some(pattern),
            Term::Text(of, pattern) if *of == column => Some(pattern),
            _ => None,
        });
        let mut found: Vec<Range<usize>> = wanted.flat_map(|pattern| pattern.find(text)).collect();
        found.sort_by_key(|range| (range.start, range.end));
        let mut end = 0;
        found.retain(|range| {
            let keep = range.start >= end && !range.is_empty();
            if keep {
                end = range.end;
            }
            keep
        });
        found
    }
}

impl Term {
    fn parse(word: &Word) -> Result<Self, String> {
        let Some(column) = word.column else {
            if !word.quoted {
                let spans = Span::list(&word.value);
                let list = word.value.contains(['-', ',']);
                return Ok(match spans {
                    Some(spans) if list || word.sign == Some('!') => Self::Ids(spans),
                    Some(spans) => Self::Anywhere(Pattern::contains(&word.value)?, spans.into_iter().next()),
                    None => Self::Anywhere(Pattern::contains(&word.value)?, None),
                });
            }
            return Ok(Self::Anywhere(Pattern::contains(&word.value)?, None));
        };
        if column == Column::Logon {
            return Ok(Self::Text(column, Pattern::logon(&word.value)?));
        }
        if column.is_number() {
            let spans = if column == Column::Time { Span::time(&word.value).map(|span| vec![span]) } else { Span::list(&word.value) };
            let spans = spans.ok_or_else(|| format!("{}: '{}' is not {}", column.name(), word.value, column.wants()))?;
            return Ok(Self::Number(column, spans));
        }
        Ok(Self::Text(
            column,
            match word.value.strip_prefix('=') {
                Some(exact) if !word.quoted || word.exact => Pattern::exactly(exact)?,
                _ if word.exact => Pattern::exactly(&word.value)?,
                _ => Pattern::contains(&word.value)?,
            },
        ))
    }

    fn matches<'a>(&self, cell: &dyn Fn(Column) -> Cell<'a>) -> bool {
        let holds = |column, spans: &[Span]| number(cell(column)).is_some_and(|n| spans.iter().any(|span| span.holds(n)));
        match self {
            Self::Anywhere(pattern, id) => {
                id.is_some_and(|id| holds(Column::EventId, &[id])) || TEXTS.iter().any(|column| cell(*column).any_text(|text| pattern.is_in(text)))
            }
            Self::Ids(spans) => holds(Column::EventId, spans),
            Self::Text(column, pattern) => cell(*column).any_text(|text| pattern.is_in(text)),
            Self::Number(column, spans) => holds(*column, spans),
        }
    }
}

/// One word of a search, taken apart.
struct Word {
    sign: Option<char>,
    column: Option<Column>,
    /// `=` stood before a quoted value.
    exact: bool,
    quoted: bool,
    value: String,
}

/// Splits at spaces outside quotes.
fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let sign = rest.chars().next().filter(|c| matches!(c, '+' | '-' | '!'));
        let mut body = sign.map_or(rest, |sign| rest.strip_prefix(sign).unwrap_or(rest));
        let column = body.find([':', ' ', '\t', '"']).filter(|at| body.get(*at..).is_some_and(|s| s.starts_with(':'))).and_then(|at| {
            let column = Column::named(body.get(..at)?)?;
            body = body.get(at + 1..)?;
            Some(column)
        });
        let exact = column.is_some() && body.starts_with("=\"");
        let opened = if exact { body.strip_prefix('=').unwrap_or(body) } else { body };
        let (quoted, value, after) = match opened.strip_prefix('"') {
            Some(inner) => {
                let (value, after) = closed(inner).ok_or("the quotation mark is not closed")?;
                (true, value, after)
            }
            None => match body.find(char::is_whitespace) {
                Some(at) => (false, body.get(..at).unwrap_or(body), body.get(at..).unwrap_or_default()),
                None => (false, body, ""),
            },
        };
        rest = after.trim_start();
        match (value.is_empty(), sign, column) {
            (true, Some(sign), None) if !quoted => found.push(Word { sign: None, column, exact, quoted: true, value: sign.to_string() }),
            (true, _, Some(column)) => return Err(format!("{}: says nothing after the colon", column.name())),
            (true, ..) => {}
            (false, ..) => {
                let value = if quoted { value.replace("\"\"", "\"") } else { value.to_owned() };
                found.push(Word { sign, column, exact, quoted, value });
            }
        }
    }
    Ok(found)
}

/// What stands before the quotation mark that closes, and after it; two of them in a row are one that is meant.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find('"')?;
        let after = text.get(at + 1..)?;
        if !after.starts_with('"') {
            return Some((text.get(..at)?, after));
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row {
        id: u32,
        score: f64,
        image: &'static str,
        message: &'static str,
        reasons: [std::sync::Arc<str>; 3],
    }

    fn row() -> Row {
        Row {
            id: 4688,
            score: 3.5,
            image: r"C:\Windows\Temp\evil tool.exe",
            message: "Process started: PowerShell -enc AAAA by ÅSA",
            reasons: ["ParentImage: saw winword.exe".into(), "".into(), "".into()],
        }
    }

    fn hit(text: &str) -> bool {
        let row = row();
        let search = Search::parse(text).unwrap();
        search.matches(&|column| match column {
            Column::EventId => Cell::Whole(i64::from(row.id)),
            Column::Score => Cell::Real(row.score),
            Column::Image => Cell::Text(row.image),
            Column::Message => Cell::Text(row.message),
            Column::Reason => Cell::Texts(&row.reasons),
            Column::Flagged => Cell::Whole(1),
            // 2020-09-17T17:57:18Z
            Column::Time => Cell::Whole(1_600_365_438_000_000_000),
            _ => Cell::Empty,
        })
    }

    #[test]
    fn words_are_alternatives_and_signs_are_conditions() {
        assert!(hit(""));
        assert!(hit("powershell"));
        assert!(hit("nothing POWERSHELL"));
        assert!(!hit("nothing nowhere"));
        assert!(hit("+powershell +temp"));
        assert!(!hit("powershell +nowhere"));
        assert!(!hit("nothing +powershell"));
        assert!(!hit("powershell -temp"));
        assert!(hit("-nowhere"));
        assert!(hit("\"evil tool\""));
        assert!(!hit("\"tool evil\""));
        assert!(hit("åsa"));
        assert!(hit("winword"));
    }

    #[test]
    fn numbers_are_event_ids_first() {
        assert!(hit("4688"));
        assert!(hit("4000-4999"));
        assert!(hit("1,2,4688"));
        assert!(!hit("4689-4999"));
        assert!(!hit("!4688"));
        assert!(hit("!1001"));
        assert!(!hit("!4600-4700"));
        assert!(hit("event_id:4688"));
        assert!(hit("id:4000-5000,7"));
        assert!(!hit("-4688"));
    }

    #[test]
    fn columns_are_searched_alone() {
        assert!(hit("image:temp"));
        assert!(!hit("image:powershell"));
        assert!(hit("image:\"evil tool\""));
        assert!(hit("-image:powershell"));
        assert!(!hit("computer:x"));
        assert!(hit(r"C:\Windows\Temp"));
        assert!(hit(r#"image:="c:\windows\temp\evil tool.exe""#));
        assert!(!hit("image:=temp"));
        assert!(hit("score:>3 score:<1"));
        assert!(hit("score:>=3.5"));
        assert!(!hit("score:<3.5"));
        assert!(hit("flagged:yes"));
        assert!(!hit("flagged:no"));
    }

    #[test]
    fn two_quotation_marks_inside_quotes_are_one() {
        let line = r#""C:\a b\x.exe" -say "hi""#;
        let held = |text: &str| Search::parse(text).unwrap().matches(&|column| if column == Column::CommandLine { Cell::Text(line) } else { Cell::Empty });
        assert!(held(r#"command_line:="""C:\a b\x.exe"" -say ""hi""" +hi"#));
        assert!(held(r#""-say ""hi""""#));
        assert!(!held(r#""-say ""ho""""#));
        assert!(Search::parse(r#""open """#).is_err());
    }

    #[test]
    fn a_logon_session_is_found_by_its_whole_number() {
        let held =
            |fields: &str| Search::parse("+logon:0x1A2B3").unwrap().matches(&|column| if column == Column::Logon { Cell::Text(fields) } else { Cell::Empty });
        assert!(held(r#"{"EventData":{"SubjectLogonId":"0x3e7","TargetLogonId":"0x1a2b3"}}"#));
        assert!(held(r#"{"LogonId": "0x00000000001A2B3"}"#) && held(r#"{"LogonId":107187}"#));
        assert!(!held(r#"{"TargetLogonId":"0x1a2b34"}"#) && !held(r#"{"LogonId":1071873}"#) && !held(r#"{"LogonGuid":"0x1a2b3"}"#));
        assert!(Search::parse("logon:alice").unwrap_err().contains("logon"));
    }

    #[test]
    fn times_are_spans_of_the_calendar() {
        for text in
            ["time:2020", "time:2020-09", "time:2020-09-17", "time:2020-09-17T17", "time:2020-09-17T17:57", "time:2020-09-17T17:57:18", "time:>2020-09-16"]
        {
            assert!(hit(text), "{text}");
        }
        for text in ["time:2021", "time:2020-09-18", "time:<2020-09-17", "time:>2020-09-17", "time:2020-09-17T18"] {
            assert!(!hit(text), "{text}");
        }
        assert!(hit("time:>=2020-09-17"));
        assert!(hit("time:<=2020-09-17"));
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        assert!(Search::parse("\"open").is_err());
        assert!(Search::parse("score:high").unwrap_err().contains("score"));
        assert!(Search::parse("time:yesterday").is_err());
        assert!(Search::parse("time:2020-13").is_err());
        assert!(Search::parse("image:").is_err());
        assert!(Search::parse("  ").unwrap().is_empty());
    }

    #[test]
    fn any_text_parses_or_is_refused_without_a_panic() {
        let pieces = ["\"", "+", "-", "!", ":", "id", "time:", "9", "-", ",", "é", " ", "score:>", "\0", "🦀", "99999999999999999999", "=", "image:=\""];
        let mut state = 7_u64;
        for _ in 0..4_000 {
            let mut text = String::new();
            for _ in 0..6 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            if let Ok(search) = Search::parse(&text) {
                search.matches(&|_| Cell::Text("some é text 9"));
                assert!(search.highlights(Column::Message, "some é text 9").is_sorted_by_key(|range| range.start));
            }
        }
    }

    #[test]
    fn highlights_are_where_the_words_are() {
        let search = Search::parse("power +shell -enc image:temp").unwrap();
        assert_eq!(search.highlights(Column::Message, "PowerShell shell -enc temp"), [0..5, 5..10, 11..16]);
        assert_eq!(search.highlights(Column::Image, "a temp temp"), [2..6, 7..11]);
    }
}
