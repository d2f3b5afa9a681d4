//! Writes Windows event logs (EVTX 3.1): a file header, 64 KiB chunks with checksums, and records in BinXML.
//!
//! Border: knows the format alone, nothing of hosts or intrusions. An event's shape is a [`Template`] made from an element tree with
//! numbered places; a record is a template with values for the places. A template and a name are stored once per chunk, as Windows does.

mod binxml;
mod chunk;

pub use binxml::{Element, Node, Template, Value, ValueType, element, name_hash};

use chunk::{CHUNK_SIZE, Chunk};
use std::io::{self, Seek, SeekFrom, Write};

/// Size of the block that holds the file header.
const HEADER_BLOCK: usize = 4096;

/// Writes one log, chunk by chunk; memory stays at one chunk whatever the number of records.
pub struct EvtxWriter<W: Write + Seek> {
    out: W,
    chunk: Chunk,
    chunks: u64,
    next_record: u64,
}

impl<W: Write + Seek> EvtxWriter<W> {
    /// Begins a log at the writer's position 0.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&[0; HEADER_BLOCK])?;
        Ok(Self { out, chunk: Chunk::new(), chunks: 0, next_record: 1 })
    }

    /// Appends a record. `time` is in nanoseconds since the Unix epoch; `id` must be larger than the one before.
    ///
    /// # Errors
    /// When the writer fails, the record is too large for a chunk, or the log is full (65,535 chunks).
    pub fn record(&mut self, id: u64, time: i64, template: &Template, values: &[Value<'_>]) -> io::Result<()> {
        if !self.chunk.push(id, filetime(time), template, values) {
            self.flush()?;
            if !self.chunk.push(id, filetime(time), template, values) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("record {id} does not fit into a chunk of {CHUNK_SIZE} bytes: shorten its values"),
                ));
            }
        }
        self.next_record = id + 1;
        Ok(())
    }

    /// Writes the last chunk and the file header, and hands the writer back.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.chunk.is_empty() || self.chunks == 0 {
            self.flush()?;
        }
        let mut header = Vec::with_capacity(128);
        header.extend_from_slice(b"ElfFile\0");
        for number in [0, self.chunks - 1, self.next_record] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.extend_from_slice(&128u32.to_le_bytes());
        for number in [1, 3, HEADER_BLOCK as u16, self.chunks as u16] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.resize(120, 0);
        let checksum = crc32fast::hash(&header);
        header.extend_from_slice(&0u32.to_le_bytes());
        header.extend_from_slice(&checksum.to_le_bytes());
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunks >= u64::from(u16::MAX) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "an event log holds at most 65535 chunks: write a second one"));
        }
        self.out.write_all(self.chunk.seal())?;
        self.chunks += 1;
        self.chunk.clear();
        Ok(())
    }
}

/// Nanoseconds since the Unix epoch as a FILETIME: 100 ns since 1601. Instants before 1601 become 0.
#[must_use]
pub fn filetime(ns: i64) -> u64 {
    const EPOCH: i64 = 116_444_736_000_000_000;
    u64::try_from(ns.div_euclid(100).saturating_add(EPOCH)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
