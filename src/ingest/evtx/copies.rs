//! Knows the records that stand in order, so that a carved copy of one is not counted twice.

use super::survey::{Chunk, read_at};
use super::{CHUNK, CHUNK_HEADER, RECORD_HEADER, RECORD_MAGIC, u32_at, u64_at};
use std::fs::File;

/// Chunks asked for one record at most; sound headers overlap in one at most.
const MAX_ASKED: usize = 4;

/// A record's number and its FILETIME: what two copies share.
pub(super) type RecordId = (u64, u64);

/// The number, time and size in the record header at `at` of a chunk.
pub(super) fn record_header(chunk: &[u8], at: usize) -> Option<(RecordId, usize)> {
    let magic = chunk.get(at..at.checked_add(4)?)?;
    let size = u32_at(chunk, at.checked_add(4)?)? as usize;
    (magic == RECORD_MAGIC).then_some(((u64_at(chunk, at.checked_add(8)?)?, u64_at(chunk, at.checked_add(16)?)?), size))
}

/// Finds records by number through the ranges in chunk headers; one per thread, since it reads.
pub(super) struct Copies<'a> {
    /// (first, last, chunk), sorted.
    ranges: &'a [(u64, u64, Chunk)],
    file: File,
    cached: Option<(u64, Vec<RecordId>)>,
}

/// Sorted record ranges of `chunks`.
pub(super) fn ranges(chunks: &[Chunk]) -> Vec<(u64, u64, Chunk)> {
    let mut ranges: Vec<_> = chunks.iter().filter_map(|chunk| chunk.records.map(|(first, last)| (first, last, *chunk))).collect();
    ranges.sort_by_key(|(first, last, chunk)| (*first, *last, chunk.offset));
    ranges
}

impl<'a> Copies<'a> {
    pub(super) fn new(ranges: &'a [(u64, u64, Chunk)], file: File) -> Self {
        Self { ranges, file, cached: None }
    }

    /// Whether a record with this number and time stands in order in some chunk.
    pub(super) fn stands(&mut self, id: RecordId) -> bool {
        let end = self.ranges.partition_point(|(first, ..)| *first <= id.0);
        let asked = self.ranges.get(..end).unwrap_or_default().iter().rev().take(MAX_ASKED).filter(|(_, last, _)| *last >= id.0);
        for (_, _, chunk) in asked.copied().collect::<Vec<_>>() {
            if self.cached.as_ref().is_none_or(|(offset, _)| *offset != chunk.offset) {
                let bytes = read_at(&mut self.file, chunk.offset, chunk.length).unwrap_or_default();
                self.cached = Some((chunk.offset, standing(&bytes)));
            }
            if self.cached.as_ref().is_some_and(|(_, ids)| ids.contains(&id)) {
                return true;
            }
        }
        false
    }
}

/// Records in the live area of a chunk: magic, number in the header's range, and the copy of the size at the end.
fn standing(chunk: &[u8]) -> Vec<RecordId> {
    let Some((first, last)) = super::survey::record_range(chunk) else { return Vec::new() };
    let end = u32_at(chunk, 48).map_or(CHUNK, |free| free as usize).min(chunk.len());
    let mut ids = Vec::new();
    let mut at = CHUNK_HEADER;
    while at < end {
        match record_header(chunk, at) {
            Some((id, size))
                if (first..=last).contains(&id.0)
                    && size > RECORD_HEADER
                    && at.saturating_add(size) <= end
                    && u32_at(chunk, at.saturating_add(size).saturating_sub(4)).is_some_and(|copy| copy as usize == size) =>
            {
                ids.push(id);
                at = at.saturating_add(size);
                if id.0 == last {
                    break;
                }
            }
            _ => at = at.saturating_add(1),
        }
    }
    ids
}
