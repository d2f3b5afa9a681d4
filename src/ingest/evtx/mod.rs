//! Windows event logs: `survey` finds the chunks, `chunk` takes one apart, `event` turns a record into an event, `pipeline` does it in parallel.
//!
//! Border: the only place that knows the `evtx` crate. Chunks are found, ordered and read here rather than by the crate's own iterator, so that
//! every record has its offset, misplaced and cut-off chunks are still read, and no thread of a shared pool can wait for another.

mod chunk;
mod copies;
mod event;
mod json;
mod pipeline;
mod raw;
mod survey;

pub(super) use raw::raw_xml;

use super::error::ReadError;
use super::format::{Format, Head, Input};
use super::output::Output;
use crate::control::RunError;
use crate::domain::Event;
use evtx::ParserSettings;
use std::sync::Arc;

/// Size of a file's header block.
const FILE_HEADER: usize = 4096;
/// Size of a chunk.
const CHUNK: usize = 65536;
/// Size of a chunk's header, where its records begin.
const CHUNK_HEADER: usize = 512;
/// Size of a record's header.
const RECORD_HEADER: usize = 24;
const FILE_MAGIC: &[u8; 8] = b"ElfFile\0";
const CHUNK_MAGIC: &[u8; 8] = b"ElfChnk\0";
const RECORD_MAGIC: &[u8; 4] = b"**\0\0";

/// The event in a record's JSON as `evtx_dump` writes it.
///
/// # Errors
/// The JSON is no event.
pub(super) fn event_from_json(json: &[u8]) -> Result<Event, String> {
    event::from_json(json, None)
}

/// The format.
pub(super) struct Evtx;

impl Format for Evtx {
    fn name(&self) -> &'static str {
        "EVTX"
    }

    fn zone(&self) -> &'static str {
        "stated"
    }

    fn recognise(&self, head: &Head<'_>) -> Option<f32> {
        let chunk_at = |at: usize| head.bytes.get(at..).is_some_and(|rest| rest.starts_with(CHUNK_MAGIC));
        if head.bytes.starts_with(FILE_MAGIC) {
            Some(1.0)
        } else if chunk_at(FILE_HEADER) || chunk_at(0) {
            Some(0.9)
        } else {
            None
        }
    }

    fn read(&self, input: &Input<'_>, output: &mut Output<'_>) -> Result<(), RunError> {
        match survey::survey(input) {
            Ok(survey) => pipeline::run(input, survey, output),
            Err(ReadError::Cancelled) => Err(RunError::Cancelled),
            Err(error) => {
                output.lost(error.offset(), None, format!("reading failed ({error}); is the medium damaged?"));
                Ok(())
            }
        }
    }
}

/// Settings for the parser. Threads are ours: the crate's own would wait for each other inside a shared pool.
fn settings(indent: bool) -> Arc<ParserSettings> {
    Arc::new(ParserSettings::new().num_threads(1).indent(indent).recover_records(true))
}

/// A problem found in a file, or something that did not become an event.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    weight: Weight,
    offset: u64,
    record: Option<u64>,
    what: String,
}

/// What a finding cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// One record.
    Record,
    /// Perhaps records.
    Loss,
    /// No record.
    Defect,
    /// Nothing: it is only worth knowing.
    Remark,
}

impl Finding {
    fn tell(self, output: &mut Output<'_>) {
        let offset = Some(self.offset);
        match self.weight {
            Weight::Record => output.bad(offset, self.record, self.what),
            Weight::Loss => output.lost(offset, self.record, self.what),
            Weight::Defect => output.defect(offset, self.record, self.what),
            Weight::Remark => output.remark(self.what),
        }
    }
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    data.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}
