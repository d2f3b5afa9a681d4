//! Finds a file's chunks and what is wrong with the file as a whole, from headers alone.

use super::{CHUNK, CHUNK_HEADER, CHUNK_MAGIC, FILE_HEADER, FILE_MAGIC, Finding, Weight, u32_at, u64_at};
use crate::control::CancelToken;
use crate::ingest::error::{ReadError, Result, go_on};
use crate::ingest::format::Input;
use crate::ingest::sniff::begins;
use evtx::{EvtxFileHeader, HeaderFlags};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// More records than a chunk can hold: a record takes at least 28 bytes.
const MAX_RECORDS: u64 = (CHUNK / 28) as u64;

/// Where a chunk stands, and which records its header says it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Byte offset in the file.
    pub(super) offset: u64,
    /// Bytes of it that are there; less than a whole chunk where the file is cut off.
    pub(super) length: usize,
    /// First and last record number in the header, when they make sense.
    pub(super) records: Option<(u64, u64)>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// In record order: a full log writes each new chunk over its oldest, so the oldest may stand anywhere.
    pub(super) chunks: Vec<Chunk>,
    pub(super) findings: Vec<Finding>,
    /// Records in chunks that repeat another chunk byte by byte.
    pub(super) repeated: u64,
}

/// First and last record number of a chunk header, when they make sense.
pub(super) fn record_range(header: &[u8]) -> Option<(u64, u64)> {
    let (first, last) = (u64_at(header, 24)?, u64_at(header, 32)?);
    (last.checked_sub(first)? < MAX_RECORDS).then_some((first, last))
}

/// Whether a chunk header's own checksum holds.
fn header_holds(header: &[u8]) -> bool {
    let (Some(stored), Some(one), Some(two)) = (u32_at(header, 124), header.get(..120), header.get(128..CHUNK_HEADER)) else { return false };
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(one);
    hasher.update(two);
    hasher.finalize() == stored
}

/// Walks the file's headers.
pub(super) fn survey(input: &Input<'_>) -> Result<Survey> {
    let mut walk = Walk { cancel: &input.control.cancel, file: (input.open)()?, size: input.size, survey: Survey::default(), known: HashMap::new() };
    let start = walk.file_header()?;
    walk.chunks(start)?;
    let mut survey = walk.survey;
    let oldest = survey.chunks.iter().enumerate().filter_map(|(at, chunk)| Some((chunk.records?.0, at))).min();
    survey.chunks.rotate_left(oldest.map_or(0, |(_, at)| at));
    Ok(survey)
}

struct Walk<'a> {
    cancel: &'a CancelToken,
    file: File,
    size: u64,
    survey: Survey,
    /// Chunks by header checksum and record range, to find repeated ones.
    known: HashMap<(u32, u32, u64, u64), u64>,
}

impl Walk<'_> {
    fn find(&mut self, weight: Weight, offset: u64, what: impl Into<String>) {
        self.survey.findings.push(Finding { weight, offset, record: None, what: what.into() });
    }

    /// Checks the file header; returns where chunks begin.
    fn file_header(&mut self) -> Result<u64> {
        let block = self.read(0, FILE_HEADER)?;
        if block.starts_with(CHUNK_MAGIC) {
            self.find(Weight::Loss, 0, "no file header: the file begins with a chunk");
            return Ok(0);
        }
        if !block.starts_with(FILE_MAGIC) {
            self.find(Weight::Loss, 0, format!("damaged file header: it begins with {} instead of ElfFile; its chunks were read", begins(&block)));
            return Ok(FILE_HEADER as u64);
        }
        if block.len() < FILE_HEADER {
            self.find(Weight::Loss, 0, format!("truncated: {} bytes, less than a file header", self.size));
            return Ok(FILE_HEADER as u64);
        }
        let Ok(header) = EvtxFileHeader::from_bytes(&block) else {
            self.find(Weight::Loss, 0, "damaged file header; its chunks were read");
            return Ok(FILE_HEADER as u64);
        };
        if !header.validate_checksum() {
            let what = format!("file header checksum is {:#010x}, its bytes give {:#010x}; read all the same", header.checksum, header.computed_checksum);
            self.find(Weight::Defect, 124, what);
        }
        if header.flags.contains(HeaderFlags::DIRTY) {
            self.find(Weight::Remark, 120, "dirty: copied while it was open, so headers may be older than the records");
        }
        let body = self.size.saturating_sub(FILE_HEADER as u64);
        let whole = body / CHUNK as u64;
        let promised = u64::from(header.chunk_count);
        if promised > whole {
            let missing = promised.saturating_sub(whole);
            let what = format!(
                "truncated: the file header counts {promised} chunks, the file holds {whole} whole ones; {missing} and their records are cut off or incomplete (next record would be {})",
                header.next_record_id
            );
            self.find(Weight::Loss, self.size, what);
        }
        Ok(FILE_HEADER as u64)
    }

    fn chunks(&mut self, start: u64) -> Result<()> {
        let mut at = start;
        while at < self.size {
            go_on(self.cancel)?;
            let header = self.read(at, CHUNK_HEADER)?;
            if header.starts_with(CHUNK_MAGIC) {
                self.chunk(at, &header)?;
                at = at.saturating_add(CHUNK as u64);
                continue;
            }
            let block = self.read(at, CHUNK)?;
            let next = self.misplaced(at, &block, start)?;
            if block.iter().take(next.saturating_sub(at) as usize).any(|byte| *byte != 0) {
                self.not_a_chunk(at, next, &block);
            }
            at = next;
        }
        Ok(())
    }

    fn chunk(&mut self, at: u64, header: &[u8]) -> Result<()> {
        let length = self.size.saturating_sub(at).min(CHUNK as u64) as usize;
        let records = record_range(header);
        if length < CHUNK {
            self.find(Weight::Loss, at, format!("truncated: the chunk here has {length} of {CHUNK} bytes; what is whole in it was read"));
        }
        if let (Some((first, last)), Some(header_sum), Some(records_sum)) = (records, u32_at(header, 124), u32_at(header, 52)) {
            let key = (header_sum, records_sum, first, last);
            if let Some(&other) = self.known.get(&key)
                && self.read(other, CHUNK)? == self.read(at, CHUNK)?
            {
                self.survey.repeated += last.saturating_sub(first).saturating_add(1);
                self.find(Weight::Remark, at, format!("the chunk at offset {at} repeats the one at offset {other} byte by byte and was read once"));
                return Ok(());
            }
            self.known.entry(key).or_insert(at);
        }
        self.survey.chunks.push(Chunk { offset: at, length, records });
        Ok(())
    }

    fn not_a_chunk(&mut self, at: u64, next: u64, block: &[u8]) {
        let length = next.min(self.size).saturating_sub(at);
        let what = format!("no chunk here: {length} bytes begin with {} instead of ElfChnk; any records in them are lost", begins(block));
        // Bytes past the last whole block cannot have been a chunk.
        let weight = if length == CHUNK as u64 { Weight::Record } else { Weight::Loss };
        self.find(weight, at, what);
    }

    /// Where to look next after a block at `at` that is no chunk: a chunk that stands off the grid in it, or the grid's next place.
    fn misplaced(&mut self, at: u64, block: &[u8], start: u64) -> Result<u64> {
        let past = at.saturating_sub(start);
        let grid = start.saturating_add((past / CHUNK as u64).saturating_add(1).saturating_mul(CHUNK as u64));
        if self.read(grid, 8)?.starts_with(CHUNK_MAGIC) {
            return Ok(grid);
        }
        let mut from = 1;
        while let Some(hit) = block.get(from..).and_then(|rest| rest.windows(8).position(|w| w == CHUNK_MAGIC)) {
            let inside = from.saturating_add(hit);
            let place = at.saturating_add(inside as u64);
            if place >= grid {
                break;
            }
            if header_holds(&self.read(place, CHUNK_HEADER)?) {
                return Ok(place);
            }
            from = inside.saturating_add(1);
        }
        Ok(grid)
    }

    /// Up to `length` bytes at `at`; fewer at the end of the file.
    fn read(&mut self, at: u64, length: usize) -> Result<Vec<u8>> {
        read_at(&mut self.file, at, length).map_err(|why| ReadError::at(at, why))
    }
}

/// Up to `length` bytes of `file` at `at`; fewer at its end.
pub(super) fn read_at(file: &mut File, at: u64, length: usize) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
