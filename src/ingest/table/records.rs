//! Reads a table's records one by one and hands each to its mapper; every record becomes events or a ledger entry.

use super::bodyfile;
use super::lines::{Got, Lines, MAX_RECORD};
use super::mapper::Mapper;
use super::row::{Body, Header, Row, Wanted};
use super::split::{self, Cells, Quoted};
use crate::control::RunError;
use crate::ingest::format::Input;
use crate::ingest::output::Output;
use crate::ingest::sniff::begins;
use serde_json::Value;

/// Quotes that were never closed and were given up after looking ahead; beyond, what they swallow is one bad row.
const MAX_STRAYS: u32 = 100;
/// Records between looks at whether to stop.
const CHECK: u64 = 4096;

/// How records are told apart.
pub(super) enum Kind {
    /// Cells between delimiters, with quotes.
    Quoted(char),
    /// Cells between delimiters, without quotes; a row with another number of cells than the header is read again with quotes.
    Unquoted(char),
    /// Eleven columns between pipes.
    Bodyfile,
    /// As many columns between pipes as the first row has; the last takes what is left.
    Tln,
    /// One JSON object a line.
    Json,
}

/// Everything needed to read a source's rows.
pub(super) struct Reader<'a> {
    pub(super) lines: Lines<'a>,
    pub(super) kind: Kind,
    pub(super) header: Header,
    pub(super) wanted: Wanted,
    pub(super) mapper: Mapper,
}

/// What became of a line.
enum Step {
    /// The record is complete and its cells stand in the buffer.
    Cells,
    Json(Value),
    Bad(String),
}

impl Reader<'_> {
    /// Reads to the end.
    pub(super) fn run(mut self, skip: usize, input: &Input<'_>, output: &mut Output<'_>) -> Result<(), RunError> {
        let (mut raw, mut cells, mut events) = (Vec::new(), Cells::default(), Vec::new());
        let (mut record, mut strays, mut told) = (0u64, 0u32, 0u64);
        for _ in 0..skip {
            raw.clear();
            if let Err(error) = self.lines.next(&mut raw) {
                output.lost(self.lines.offset(), None, failed(&error));
                return Ok(());
            }
        }
        loop {
            raw.clear();
            let offset = self.lines.offset();
            let got = match self.lines.next(&mut raw) {
                Ok(got) => got,
                Err(error) => {
                    output.lost(offset, Some(record + 1), failed(&error));
                    return Ok(());
                }
            };
            match got {
                Got::End => return Ok(()),
                Got::TooLong(length) => {
                    record += 1;
                    output.bad(offset, Some(record), format!("a row of {length} bytes, longer than {MAX_RECORD}: passed over"));
                    continue;
                }
                Got::Line if raw.iter().all(u8::is_ascii_whitespace) => continue,
                Got::Line if matches!(self.kind, Kind::Bodyfile) && raw.starts_with(b"#") => continue,
                Got::Line => record += 1,
            }
            if record % CHECK == 0 {
                input.control.check()?;
                let read = self.lines.consumed();
                (input.progress)(read.saturating_sub(told));
                told = told.max(read);
            }
            let step = match self.step(&mut raw, &mut cells, &mut strays) {
                Ok(step) => step,
                Err(error) => {
                    output.lost(offset, Some(record), failed(&error));
                    return Ok(());
                }
            };
            let body = match &step {
                Step::Cells => Body::Cells(&self.header, &cells),
                Step::Json(Value::Object(object)) => {
                    let raw = std::str::from_utf8(&raw).unwrap_or_default().trim();
                    Body::object(object, raw, &self.wanted)
                }
                Step::Json(_) => {
                    output.bad(offset, Some(record), "no JSON object");
                    continue;
                }
                Step::Bad(what) => {
                    output.bad(offset, Some(record), what.as_str());
                    continue;
                }
            };
            match self.mapper.map(&Row { record, offset, body }, &mut events) {
                Ok(()) => {
                    for event in events.drain(..) {
                        output.event(event)?;
                    }
                }
                Err(what) => {
                    events.clear();
                    output.bad(offset, Some(record), what);
                }
            }
        }
    }

    /// Takes the line in `raw` apart, reading on where the record does.
    fn step(&mut self, raw: &mut Vec<u8>, cells: &mut Cells, strays: &mut u32) -> std::io::Result<Step> {
        // What is no UTF-8 is escaped once, before anything else looks at the line.
        if let std::borrow::Cow::Owned(text) = super::encoding::text(raw) {
            *raw = text.into_bytes();
        }
        let columns = self.header.names.len();
        let line = std::str::from_utf8(raw).unwrap_or_default();
        Ok(match self.kind {
            Kind::Json => match serde_json::from_str::<Value>(line.trim()) {
                Ok(value) => Step::Json(value),
                Err(error) => Step::Bad(format!("broken JSON ({error}); it begins with {}", begins(raw))),
            },
            Kind::Bodyfile if bodyfile::split(line, cells) => Step::Cells,
            Kind::Bodyfile => {
                Step::Bad(format!("no row of a body file: it has not eleven columns of which the last four are times; it begins with {}", begins(raw)))
            }
            Kind::Tln => {
                cells.clear();
                super::lines::without_end(line).splitn(columns, '|').for_each(|cell| cells.add(cell));
                if cells.len() > 4 {
                    Step::Cells
                } else {
                    Step::Bad(format!("{} columns between pipes instead of {columns}; it begins with {}", cells.len(), begins(raw)))
                }
            }
            Kind::Unquoted(delimiter) => {
                split::plain(line, delimiter, cells);
                if cells.len() == columns {
                    return Ok(Step::Cells);
                }
                let found = cells.len();
                cells.clear();
                if Quoted::new(delimiter).feed(line, cells) && cells.len() == columns {
                    Step::Cells
                } else {
                    Step::Bad(format!("{found} cells instead of {columns}, and with quotes no better; it begins with {}", begins(raw)))
                }
            }
            Kind::Quoted(delimiter) => {
                let done = self.quoted(delimiter, raw, cells, strays)?;
                if !done {
                    Step::Bad(format!("a quote is opened and never closed; the row begins with {}", begins(raw)))
                } else if cells.len() <= self.mapper.least(&self.header) {
                    Step::Bad(format!("{} cells of {columns}: the row ends before its time; it begins with {}", cells.len(), begins(raw)))
                } else {
                    Step::Cells
                }
            }
        })
    }

    /// Reads a record with quotes to its end; `false` when there is none in sight.
    fn quoted(&mut self, delimiter: char, raw: &mut Vec<u8>, cells: &mut Cells, strays: &mut u32) -> std::io::Result<bool> {
        cells.clear();
        let mut splitter = Quoted::new(delimiter);
        let first = raw.len();
        let mut start = 0;
        loop {
            let line = super::encoding::text(raw.get(start..).unwrap_or_default());
            if splitter.feed(&line, cells) {
                return Ok(true);
            }
            start = raw.len();
            let got = self.lines.next(raw)?;
            if got == Got::Line && raw.len() <= MAX_RECORD {
                continue;
            }
            // A line too long to keep cannot be given back: it is gone with this record.
            if *strays < MAX_STRAYS && !matches!(got, Got::TooLong(_)) {
                *strays += 1;
                self.lines.give_back(raw.get(first..).unwrap_or_default());
                raw.truncate(first);
            }
            return Ok(false);
        }
    }
}

fn failed(error: &std::io::Error) -> String {
    format!("reading failed ({error}); is the medium damaged? What follows was not read")
}
