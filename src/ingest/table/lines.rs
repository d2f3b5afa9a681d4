//! Physical lines of a table, in bounded memory.

use super::documents::Documents;
use super::encoding::{Encoding, Utf16};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};

/// Longest record; longer ones are passed over and ledgered.
pub(super) const MAX_RECORD: usize = 16 << 20;

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Line,
    /// A line of this many bytes, passed over.
    TooLong(u64),
    End,
}

/// Reads a source line by line.
pub(super) struct Lines<'a> {
    reader: BufReader<Box<dyn Read + 'a>>,
    /// Lines that were read, but are to be read again.
    back: Vec<u8>,
    back_at: usize,
    at: u64,
    /// Offsets in decoded text are not offsets in the source.
    decoded: bool,
}

impl<'a> Lines<'a> {
    /// Reads on from `file`, whose byte order mark has `mark` bytes; a document of objects is read as one object a line.
    pub(super) fn new(mut file: File, encoding: Encoding, mark: usize, document: bool) -> std::io::Result<Self> {
        std::io::copy(&mut (&mut file).take(mark as u64), &mut std::io::sink())?;
        let (reader, decoded): (Box<dyn Read + 'a>, bool) = match encoding {
            Encoding::Utf8 => (Box::new(file), false),
            Encoding::Utf16 { big } => (Box::new(Utf16::new(file, big)), true),
        };
        let (reader, decoded): (Box<dyn Read + 'a>, bool) = if document { (Box::new(Documents::new(reader)), true) } else { (reader, decoded) };
        Ok(Self { reader: BufReader::with_capacity(256 * 1024, reader), back: Vec::new(), back_at: 0, at: mark as u64, decoded })
    }

    /// Byte offset of the next line in the source, where it is known.
    pub(super) fn offset(&self) -> Option<u64> {
        (!self.decoded).then_some(self.at)
    }

    /// Bytes read so far, of the source or of its decoded text.
    pub(super) fn consumed(&self) -> u64 {
        self.at
    }

    /// Appends the next line with its end to `into`.
    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> std::io::Result<Got> {
        if let Some(rest) = self.back.get(self.back_at..).filter(|rest| !rest.is_empty()) {
            let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
            into.extend_from_slice(rest.get(..length).unwrap_or_default());
            self.back_at += length;
            self.at += length as u64;
            return Ok(Got::Line);
        }
        let mut length = 0u64;
        loop {
            let block = match self.reader.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            };
            if block.is_empty() {
                break;
            }
            let end = block.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(block.len(), |end| end + 1);
            length += taken as u64;
            if length <= MAX_RECORD as u64 {
                into.extend_from_slice(block.get(..taken).unwrap_or_default());
            }
            self.reader.consume(taken);
            if end.is_some() {
                break;
            }
        }
        self.at += length;
        Ok(match length {
            0 => Got::End,
            length if length > MAX_RECORD as u64 => Got::TooLong(length),
            _ => Got::Line,
        })
    }

    /// Gives back whole lines that were read last.
    pub(super) fn give_back(&mut self, lines: &[u8]) {
        let mut back = lines.to_vec();
        back.extend_from_slice(self.back.get(self.back_at..).unwrap_or_default());
        self.back = back;
        self.back_at = 0;
        self.at = self.at.saturating_sub(lines.len() as u64);
    }
}

/// A line without its end.
pub(super) fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}
