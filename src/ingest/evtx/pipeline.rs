//! Decodes chunks on a few threads and hands their events on in order; what waits in between is bounded.

use super::chunk::{Decoded, decode};
use super::copies::{Copies, RecordId, ranges};
use super::survey::{Chunk, Survey, read_at};
use super::{CHUNK, Weight, settings};
use crate::control::RunError;
use crate::ingest::format::Input;
use crate::ingest::output::Output;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Result;

/// Chunks decoded at a time by one thread: 512 KiB of log.
const GROUP: usize = 8;
/// Carved records remembered to tell copies apart; a hostile file cannot fill the memory with more.
const MAX_CARVED: usize = 1 << 20;
/// More threads than this would wait for the writer.
const MAX_THREADS: usize = 8;
/// Groups decoded ahead of the writer: more events than it takes at a time, so that decoding goes on while it writes.
const AHEAD: usize = 16;

/// Reads all chunks of `survey` into `output`.
pub(super) fn run(input: &Input<'_>, survey: Survey, output: &mut Output<'_>) -> std::result::Result<(), RunError> {
    for finding in survey.findings {
        finding.tell(output);
    }
    output.joined(survey.repeated);
    let ranges = ranges(&survey.chunks);
    let mut taker = Taker { record: 0, copies: 0, carved: HashSet::new(), output };
    let groups: Vec<&[Chunk]> = survey.chunks.chunks(GROUP).collect();
    if groups.len() <= 1 {
        let mut reader = match Reader::new(input, &ranges) {
            Ok(reader) => reader,
            Err(error) => {
                taker.output.lost(None, None, format!("cannot be opened any more ({error})"));
                return Ok(());
            }
        };
        groups.into_iter().flatten().try_for_each(|chunk| taker.take(vec![reader.read(*chunk)]))?;
        taker.end();
        return Ok(());
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let in_flight = threads.saturating_mul(2).max(AHEAD);
    let (to_work, work) = crossbeam_channel::bounded::<(usize, &[Chunk])>(in_flight);
    let (to_taker, results) = crossbeam_channel::bounded::<(usize, Vec<Decoded>)>(in_flight);
    std::thread::scope(|scope| {
        // Owned in here, so that they close, and the threads end, however this ends.
        let (to_work, results) = (to_work, results);
        for _ in 0..threads {
            let (work, to_taker, ranges) = (work.clone(), to_taker.clone(), &ranges);
            scope.spawn(move || {
                let mut reader = Reader::new(input, ranges);
                for (at, chunks) in work {
                    let decoded = chunks.iter().map(|chunk| match &mut reader {
                        Ok(reader) => reader.read(*chunk),
                        Err(error) => unreadable(*chunk, error),
                    });
                    if to_taker.send((at, decoded.collect())).is_err() {
                        return;
                    }
                }
            });
        }
        drop((work, to_taker));
        let mut waiting = BTreeMap::new();
        let mut jobs = groups.iter().copied().enumerate();
        let mut next = 0;
        for job in jobs.by_ref().take(in_flight) {
            if to_work.send(job).is_err() {
                break;
            }
        }
        while next < groups.len() {
            input.control.check()?;
            let Ok((at, decoded)) = results.recv() else {
                return Err(RunError::failed("the parsing threads ended early"));
            };
            waiting.insert(at, decoded);
            while let Some(decoded) = waiting.remove(&next) {
                next = next.saturating_add(1);
                // One more group for each that leaves: never more in flight than that.
                if let Some(job) = jobs.next() {
                    let _ = to_work.send(job);
                }
                taker.take(decoded)?;
                (input.progress)((GROUP * CHUNK) as u64);
            }
        }
        taker.end();
        Ok(())
    })
}

/// Reads chunks, with a file position of its own.
struct Reader<'a> {
    file: File,
    copies: Copies<'a>,
    settings: std::sync::Arc<evtx::ParserSettings>,
}

impl<'a> Reader<'a> {
    fn new(input: &Input<'_>, ranges: &'a [(u64, u64, Chunk)]) -> Result<Self> {
        Ok(Self { file: (input.open)()?, copies: Copies::new(ranges, (input.open)()?), settings: settings(false) })
    }

    fn read(&mut self, chunk: Chunk) -> Decoded {
        match read_at(&mut self.file, chunk.offset, chunk.length) {
            Ok(bytes) => decode(chunk, bytes, &self.settings, &mut self.copies),
            Err(error) => unreadable(chunk, &error),
        }
    }
}

fn unreadable(chunk: Chunk, error: &std::io::Error) -> Decoded {
    let what = format!("reading failed ({error}); is the medium damaged?");
    Decoded { findings: vec![super::Finding { weight: Weight::Record, offset: chunk.offset, record: None, what }], ..Decoded::default() }
}

/// Takes decoded chunks in order: numbers the records and leaves out carved copies of carved records.
struct Taker<'a, 'b> {
    record: u64,
    copies: u64,
    carved: HashSet<RecordId>,
    output: &'a mut Output<'b>,
}

impl Taker<'_, '_> {
    fn end(self) {
        if self.copies > 0 {
            self.output.joined(self.copies);
            self.output.remark(format!("{} stale copies of records that are read elsewhere in this file were left out", self.copies));
        }
    }

    fn take(&mut self, decoded: Vec<Decoded>) -> std::result::Result<(), RunError> {
        for chunk in decoded {
            for finding in chunk.findings {
                finding.tell(self.output);
            }
            self.copies = self.copies.saturating_add(chunk.joined);
            let mut carved = chunk.carved.into_iter();
            for mut event in chunk.events {
                if event.recovered
                    && let Some(id) = carved.next()
                    && self.carved.len() < MAX_CARVED
                    && !self.carved.insert(id)
                {
                    self.copies = self.copies.saturating_add(1);
                    continue;
                }
                self.record = self.record.saturating_add(1);
                event.record = self.record;
                self.output.event(event)?;
            }
        }
        Ok(())
    }
}
