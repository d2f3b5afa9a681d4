//! Cuts a stream into `<Event>...</Event>`, in bounded memory; damage between two events costs no more than it must.

use crate::ingest::format::Input;
use crate::ingest::sniff::begins;
use crate::ingest::table::encoding::{self, Encoding, Utf16};
use std::io::{ErrorKind, Read, Result};

/// Longest event; longer ones are passed over and ledgered.
const LONGEST: usize = 16 << 20;
const BLOCK: usize = 256 * 1024;
const OPEN: &[u8] = b"<Event";
const CLOSE: &[u8] = b"</Event>";

/// What came; each with its byte offset, where it is known.
pub(super) enum Piece {
    /// One event's text.
    Event(Option<u64>, String),
    /// An event that does not end; why.
    Broken(Option<u64>, String),
    /// Something between events that is none.
    Stray(Option<u64>, String),
}

/// Reads pieces one by one.
pub(super) struct Pieces {
    reader: Box<dyn Read>,
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte in the decoded text.
    at: u64,
    /// Offsets in decoded text are not offsets in the source.
    decoded: bool,
    ended: bool,
}

impl Pieces {
    pub(super) fn open(input: &Input<'_>) -> Result<Self> {
        let mut head = [0; 1024];
        let mut file = (input.open)()?;
        let mut read = 0;
        while let Some(rest) = head.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let (encoding, mark) = encoding::detect(head.get(..read).unwrap_or_default());
        let mut file = (input.open)()?;
        std::io::copy(&mut (&mut file).take(mark as u64), &mut std::io::sink())?;
        let (reader, decoded): (Box<dyn Read>, bool) = match encoding {
            Encoding::Utf8 => (Box::new(file), false),
            Encoding::Utf16 { big } => (Box::new(Utf16::new(file, big)), true),
        };
        Ok(Self { reader, buffer: Vec::new(), at: mark as u64, decoded, ended: false })
    }

    /// Offset of what comes next, where it is known.
    pub(super) fn offset(&self) -> Option<u64> {
        (!self.decoded).then_some(self.at)
    }

    /// Bytes taken so far, of the source or of its decoded text.
    pub(super) fn consumed(&self) -> u64 {
        self.at
    }

    /// The next piece; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Piece>> {
        // To the next event's beginning.
        let start = loop {
            match begin(&self.buffer) {
                Some(start) => break start,
                None if self.ended => {
                    let rest = self.take(self.buffer.len());
                    return Ok(self.stray(&rest));
                }
                None if self.buffer.len() > LONGEST => {
                    let part = self.take(LONGEST);
                    if let Some(stray) = self.stray(&part) {
                        return Ok(Some(stray));
                    }
                }
                None => self.fill()?,
            }
        };
        if start > 0 {
            let between = self.take(start);
            if let Some(stray) = self.stray(&between) {
                return Ok(Some(stray));
            }
        }
        let offset = self.offset();
        let mut from = OPEN.len();
        loop {
            let rest = self.buffer.get(from..).unwrap_or_default();
            let close = find(rest, CLOSE).map(|at| from + at + CLOSE.len());
            // An event that begins before this one ended: this one never does.
            let next = begin(rest.get(..close.map_or(rest.len(), |close| close - from)).unwrap_or_default()).map(|at| from + at);
            match (close, next) {
                (_, Some(next)) => {
                    let text = self.take(next);
                    return Ok(Some(Piece::Broken(offset, format!("an event begins and does not end before the next; it begins with {}", begins(&text)))));
                }
                (Some(close), None) => {
                    let text = self.take(close);
                    return Ok(Some(Piece::Event(offset, encoding::text(&text).into_owned())));
                }
                (None, None) if self.ended => {
                    let text = self.take(self.buffer.len());
                    return Ok(Some(Piece::Broken(offset, format!("the last event does not end: cut off after {} bytes", text.len()))));
                }
                (None, None) if self.buffer.len() > LONGEST => {
                    let length = self.buffer.len();
                    self.take(length);
                    return Ok(Some(Piece::Broken(offset, format!("an event of more than {LONGEST} bytes: passed over"))));
                }
                (None, None) => {
                    from = self.buffer.len().saturating_sub(CLOSE.len() + 1).max(OPEN.len());
                    self.fill()?;
                }
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count.min(self.buffer.len()));
        let taken = std::mem::replace(&mut self.buffer, rest);
        self.at += taken.len() as u64;
        taken
    }

    fn fill(&mut self) -> Result<()> {
        let before = self.buffer.len();
        self.buffer.resize(before + BLOCK, 0);
        let read = loop {
            match self.reader.read(self.buffer.get_mut(before..).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(before + read.as_ref().map_or(0, |read| *read));
        self.ended |= read? == 0;
        Ok(())
    }

    /// What is wrong with bytes between events, if anything is.
    fn stray(&self, between: &[u8]) -> Option<Piece> {
        let text = encoding::text(between);
        let mut rest = text.trim();
        loop {
            let before = rest.len();
            rest = rest.trim_start_matches('\0').trim();
            for name in ["<Events>", "</Events>", "</Event>"] {
                rest = rest.strip_prefix(name).unwrap_or(rest).trim_start();
            }
            for (open, close) in [("<?", "?>"), ("<!--", "-->"), ("<Events ", ">")] {
                rest = rest.strip_prefix(open).and_then(|inner| inner.split_once(close)).map_or(rest, |(_, after)| after).trim_start();
            }
            if let Some(number) = rest.strip_prefix("Record ") {
                rest = number.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
            }
            if rest.len() == before {
                break;
            }
        }
        let offset = self.offset().map(|at| at.saturating_sub(between.len() as u64));
        (!rest.is_empty())
            .then(|| Piece::Stray(offset, format!("{} bytes between events are no event; they begin with {}", rest.len(), begins(rest.as_bytes()))))
    }
}

/// Where the first event begins.
pub(super) fn begin(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| find(rest, OPEN)) {
        let start = from + at;
        if bytes.get(start + OPEN.len()).is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'>') {
            return Some(start);
        }
        from = start + OPEN.len();
    }
    None
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == first)) {
        let start = from + at;
        if bytes.get(start..).is_some_and(|rest| rest.starts_with(what)) {
            return Some(start);
        }
        from = start + 1;
    }
    None
}
