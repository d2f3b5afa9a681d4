//! Renders one record again from its source, for the drill-down.

use super::chunk::open;
use super::survey::read_at;
use super::{CHUNK, CHUNK_MAGIC, FILE_HEADER, RECORD_HEADER, settings};
use crate::control::RunError;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// The record at byte `offset` of the log at `path`, as indented XML.
pub(in crate::ingest) fn raw_xml(path: &Path, offset: u64) -> Result<String, RunError> {
    let fail = |what: String| RunError::failed(format!("{what}: {}", path.display()));
    let mut file =
        File::open(path).map_err(|error| fail(format!("the source is away, so its record cannot be shown as XML ({error}); put it back to see it")))?;
    let reading = |error: std::io::Error| fail(format!("reading the record at offset {offset} failed ({error})"));
    // On the grid, or, after misplaced bytes, the nearest chunk that begins less than a chunk before.
    let past = offset.saturating_sub(FILE_HEADER as u64);
    let grid = past.saturating_sub(past % CHUNK as u64).saturating_add(FILE_HEADER as u64);
    let window_at = offset.saturating_sub(CHUNK as u64);
    let window = read_at(&mut file, window_at, (offset - window_at) as usize).map_err(reading)?;
    let off_grid = window.windows(8).enumerate().rev().filter(|(_, bytes)| *bytes == CHUNK_MAGIC).map(|(at, _)| window_at + at as u64);
    for start in std::iter::once(grid).chain(off_grid).filter(|start| *start <= offset).take(8) {
        let bytes = read_at(&mut file, start, CHUNK).map_err(reading)?;
        if bytes.starts_with(CHUNK_MAGIC)
            && let Some(xml) = catch_unwind(AssertUnwindSafe(|| render(bytes, (offset - start) as usize))).unwrap_or(None)
        {
            return xml.map_err(|why| fail(format!("the record at offset {offset} cannot be rendered ({why})")));
        }
    }
    Err(fail(format!("no record at offset {offset} any more: the source has changed since it was read")))
}

/// The record at `at` of a chunk; `None` when there is none.
fn render(bytes: Vec<u8>, at: usize) -> Option<Result<String, String>> {
    let settings = settings(true);
    let (mut data, _) = open(bytes, &settings).ok()?;
    let mut chunk = data.parse(Arc::clone(&settings)).ok()?;
    let record = chunk.iter().filter_map(Result::ok).find(|record| record.binxml_offset as usize == at + RECORD_HEADER)?;
    Some(record.into_xml().map(|xml| xml.data).map_err(|error| error.to_string()))
}
