//! Takes one chunk apart: every record in it becomes an event or a finding.

use super::copies::{Copies, RecordId, record_header};
use super::survey::{Chunk, record_range};
use super::{CHUNK, CHUNK_HEADER, Finding, RECORD_HEADER, Weight, event};
use crate::domain::Event;
use evtx::err::EvtxError;
use evtx::{EvtxChunkData, EvtxRecord, ParserSettings};
use std::error::Error;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Where a chunk header keeps its table of names.
const NAME_TABLE: Range<usize> = 128..384;

/// Most JSON one chunk may give. Real ones give a few hundred KiB; a crafted one could give a thousand times its own size.
const MAX_PAYLOAD: usize = 4 << 20;

/// What a chunk gave.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// In walk order; `record` is not set yet.
    pub(super) events: Vec<Event>,
    /// What tells carved copies apart: one for each recovered event, in order.
    pub(super) carved: Vec<RecordId>,
    /// Carved copies of records that stand in order.
    pub(super) joined: u64,
    pub(super) findings: Vec<Finding>,
}

/// Decodes the chunk at `place`, whose `bytes` may end early.
pub(super) fn decode(place: Chunk, bytes: Vec<u8>, settings: &Arc<ParserSettings>, copies: &mut Copies<'_>) -> Decoded {
    let mut walk = Walk { place, out: Decoded::default(), at: CHUNK_HEADER, last: None, unnamed: 0, damage: 0, payload: 0, carved: Vec::new() };
    if catch_unwind(AssertUnwindSafe(|| walk.run(bytes, settings, copies))).is_err() {
        let at = walk.at;
        walk.find(Weight::Record, at, None, "the parser failed inside at or after this record; the rest of the chunk was not read".into());
    }
    walk.out
}

/// A parsed chunk's data, with its table of names taken out when that is damaged: names are then read where they stand.
pub(super) fn open(mut bytes: Vec<u8>, settings: &Arc<ParserSettings>) -> Result<(EvtxChunkData, Option<String>), String> {
    bytes.resize(CHUNK, 0);
    let mut data = EvtxChunkData::new(bytes, false).map_err(|error| reason(&error))?;
    let Err(error) = data.parse(Arc::clone(settings)) else { return Ok((data, None)) };
    let why = reason(&error);
    let mut bytes = std::mem::take(&mut data.data);
    bytes.get_mut(NAME_TABLE).unwrap_or_default().fill(0);
    EvtxChunkData::new(bytes, false).map(|data| (data, Some(why))).map_err(|error| reason(&error))
}

struct Walk {
    place: Chunk,
    out: Decoded,
    /// Where the next record in order begins, as far as known.
    at: usize,
    /// Number of the last record in order.
    last: Option<u64>,
    /// Bad records since then whose number nobody knows.
    unnamed: u64,
    /// Offset of the last damage.
    damage: usize,
    /// Bytes of JSON so far.
    payload: usize,
    /// Numbers of the records carved so far: not lost after all.
    carved: Vec<u64>,
}

impl Walk {
    fn find(&mut self, weight: Weight, at: usize, record: Option<u64>, what: String) {
        self.out.findings.push(Finding { weight, offset: self.place.offset.saturating_add(at as u64), record, what });
    }

    fn run(&mut self, bytes: Vec<u8>, settings: &Arc<ParserSettings>, copies: &mut Copies<'_>) {
        let number = self.place.offset.saturating_sub(super::FILE_HEADER as u64) / CHUNK as u64;
        let (mut data, damaged) = match open(bytes, settings) {
            Ok(opened) => opened,
            Err(why) => return self.find(Weight::Record, 0, None, format!("chunk {number} cannot be read: {why}")),
        };
        if let Some(why) = damaged {
            self.find(Weight::Defect, NAME_TABLE.start, None, format!("table of names of chunk {number} is damaged ({why}); read without it"));
        } else if !data.validate_header_checksum() {
            self.find(Weight::Defect, 124, None, format!("header checksum of chunk {number} does not match; read all the same"));
        }
        if self.place.length == CHUNK && !data.validate_data_checksum() {
            self.find(Weight::Defect, 52, None, format!("records checksum of chunk {number} does not match; read all the same"));
        }
        let range = record_range(&data.data);
        self.last = range.and_then(|(first, _)| first.checked_sub(1));
        let mut chunk = match data.parse(Arc::clone(settings)) {
            Ok(chunk) => chunk,
            Err(error) => return self.find(Weight::Record, 0, None, format!("chunk {number} cannot be read: {}", reason(&error))),
        };
        let raw = chunk.data;
        for record in chunk.iter() {
            match record {
                Ok(record) => self.record(raw, record, copies),
                Err(error) => self.error(raw, &error),
            }
        }
        if let Some((_, last)) = range {
            self.gap(last.checked_add(1), "is in the chunk's header but not in the chunk");
        }
    }

    fn record(&mut self, raw: &[u8], record: EvtxRecord<'_>, copies: &mut Copies<'_>) {
        let start = (record.binxml_offset as usize).saturating_sub(RECORD_HEADER);
        let (id, size) = record_header(raw, start).unwrap_or(((record.event_record_id, 0), 0));
        let recovered = record.recovered;
        if recovered {
            self.carved.push(id.0);
        }
        if recovered && copies.stands(id) {
            self.out.joined = self.out.joined.saturating_add(1);
            return;
        }
        if !recovered {
            self.gap(Some(id.0), "was lost in the damage before it");
            self.last = Some(id.0);
            self.at = start.saturating_add(size);
        }
        let header_time = i64::try_from(record.timestamp.as_nanosecond()).ok();
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            let json = record.into_json_bytes().map_err(|error| reason(&error))?;
            self.payload = self.payload.saturating_add(json.data.len());
            if self.payload > MAX_PAYLOAD {
                return Err(format!("the records of its chunk unfold to more than {MAX_PAYLOAD} bytes, which no real ones do"));
            }
            event::from_json(&json.data, header_time)
        }));
        match decoded.unwrap_or_else(|_| Err("the parser failed inside".into())) {
            Ok(mut event) => {
                event.offset = Some(self.place.offset.saturating_add(start as u64));
                event.recovered = recovered;
                if recovered {
                    self.out.carved.push(id);
                }
                self.out.events.push(event);
            }
            // A carved record that does not parse is noise, not a record.
            Err(_) if recovered => {}
            Err(why) => self.find(Weight::Record, start, Some(id.0), format!("record {} cannot be read: {why}", id.0)),
        }
    }

    fn error(&mut self, raw: &[u8], error: &EvtxError) {
        let why = reason(error);
        match error {
            EvtxError::FailedToReadRecordAt { offset, .. } => {
                self.unnamed = self.unnamed.saturating_add(1);
                self.damage = *offset as usize;
                self.find(Weight::Record, *offset as usize, None, format!("a record cannot be read: {why}"));
            }
            EvtxError::FailedToParseRecord { record_id, .. } => {
                let start = locate(raw, self.at, *record_id).unwrap_or(self.at);
                self.gap(Some(*record_id), "was lost in the damage before it");
                self.last = Some(*record_id);
                self.at = start.saturating_add(record_header(raw, start).map_or(RECORD_HEADER, |(_, size)| size));
                self.find(Weight::Record, start, Some(*record_id), format!("record {record_id} cannot be read: {why}"));
            }
            _ => {
                self.unnamed = self.unnamed.saturating_add(1);
                self.find(Weight::Record, self.at, None, format!("a record cannot be read: {why}"));
            }
        }
    }

    /// Accounts for the numbers between the last record and `next`: after damage, or at the chunk's end, they are lost records.
    fn gap(&mut self, next: Option<u64>, how: &str) {
        let at_end = how.starts_with("is in");
        let (Some(last), Some(next), unnamed) = (self.last, next, std::mem::take(&mut self.unnamed)) else { return };
        if unnamed == 0 && !at_end {
            return;
        }
        let from = last.saturating_add(1).saturating_add(unnamed);
        // A range from a sound header is small; numbers from a damaged record may be anything.
        if next.saturating_sub(from) > (CHUNK / 28) as u64 {
            return;
        }
        let at = if at_end { self.at } else { self.damage };
        for lost in (from..next).filter(|lost| !self.carved.contains(lost)).collect::<Vec<_>>() {
            self.find(Weight::Record, at, Some(lost), format!("record {lost} {how}"));
        }
    }
}

/// Where the record with this number begins, at or after `from`.
fn locate(chunk: &[u8], from: usize, id: u64) -> Option<usize> {
    (from..chunk.len()).find(|&at| record_header(chunk, at).is_some_and(|((found, _), _)| found == id))
}

/// The innermost causes of an error, in one line.
fn reason(error: &dyn Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    // The outer layers only say that something of that kind failed.
    causes.retain(|text| !text.starts_with("An error occurred") && !text.ends_with("IO error occured."));
    causes.dedup();
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}
