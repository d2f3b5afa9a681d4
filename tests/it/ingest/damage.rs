//! Damage made on purpose to logs of our own: what is whole is read, what is lost has an entry, nothing is counted twice.

use super::{Read, read};
use residue::control::Control;
use residue::domain::{Event, Ledger, SourceStatus};
use residue::synth::evtx_writer::{EvtxWriter, Node, Template, Value, ValueType, element};
use std::io::Cursor;
use std::ops::Range;
use std::path::Path;

const HEADER: usize = 4096;
const CHUNK: usize = 65536;

/// A log of `records` events, about 300 to a chunk.
pub(super) fn log(records: u64) -> Vec<u8> {
    let text = |name: &str, node: Node| Node::Element(element(name).with(node));
    let system = element("System")
        .with(Node::Element(element("Provider").attribute("Name", Node::Text("Service Control Manager".into()))))
        .with(text("EventID", Node::Text("7036".into())))
        .with(Node::Element(element("TimeCreated").attribute("SystemTime", Node::Place(0, ValueType::FileTime))))
        .with(text("EventRecordID", Node::Place(1, ValueType::U64)))
        .with(text("Channel", Node::Text("System".into())))
        .with(text("Computer", Node::Text("WS1".into())));
    let data = |name: &str, place| Node::Element(element("Data").attribute("Name", Node::Text(name.into())).with(Node::Place(place, ValueType::Text)));
    let event = element("Event").with(Node::Element(system)).with(Node::Element(element("EventData").with(data("param1", 2)).with(data("param2", 3))));
    let template = Template::new(event);
    let mut writer = EvtxWriter::new(Cursor::new(Vec::new())).unwrap();
    for id in 1..=records {
        let time = 1_600_000_000_000_000_000 + id as i64 * 1_000_000_000;
        let name = format!("service number {id}");
        writer.record(id, time, &template, &[Value::FileTime(time), Value::U64(id), Value::Text(&name), Value::Text("running")]).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Where each record of a chunk stands in the log.
fn records(log: &[u8], chunk: usize) -> Vec<Range<usize>> {
    let start = HEADER + chunk * CHUNK;
    let mut at = start + 512;
    let mut found = Vec::new();
    while log[at..at + 4] == *b"**\0\0" {
        let size = u32::from_le_bytes(log[at + 4..at + 8].try_into().unwrap()) as usize;
        found.push(at..at + size);
        at += size;
    }
    found
}

fn ids(log: &[u8], chunk: usize) -> Range<u64> {
    let at = HEADER + chunk * CHUNK;
    let number = |at: usize| u64::from_le_bytes(log[at..at + 8].try_into().unwrap());
    number(at + 24)..number(at + 32) + 1
}

fn read_bytes(bytes: &[u8]) -> (Ledger, Vec<Event>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("System.evtx");
    std::fs::write(&path, bytes).unwrap();
    let Read { mut rows, mut events } = read(&[&path]);
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "evidence is left as it was");
    (rows.remove(0), events.remove("System.evtx").unwrap_or_default())
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().filter_map(|event| event.record_id).collect()
}

fn says(row: &Ledger, word: &str) -> bool {
    row.entries.iter().any(|entry| entry.what.contains(word))
}

/// A record of the log at a path.
fn raw_xml(path: &Path, offset: u64) -> Result<String, residue::control::RunError> {
    residue::ingest::raw_xml(&Ledger { path: path.display().to_string(), ..Ledger::default() }, offset, &Control::silent())
}

#[test]
fn a_sound_log_is_read_whole() {
    let log = log(1000);
    let (row, events) = read_bytes(&log);
    assert_eq!((row.status, row.records_ok, row.records_bad, row.defects), (SourceStatus::Whole, 1000, 0, 0));
    assert_eq!(numbers(&events), (1..=1000).collect::<Vec<_>>());
    assert_eq!(row.seen, [("WS1".to_owned(), "System".to_owned(), 1000)]);
    assert_eq!((row.first, row.last), (Some(1_600_000_001_000_000_000), Some(1_600_001_000_000_000_000)));
    let event = &events[41];
    assert_eq!((event.record, event.record_id, event.event_id, event.time), (42, Some(42), Some(7036), Some(1_600_000_042_000_000_000)));
    assert_eq!(event.message, "Service service number 42 entered the state running");
    assert_eq!(event.offset, Some(records(&log, 0)[41].start as u64));
    assert_eq!((row.format.as_str(), row.zone.as_str(), row.sha256.len()), ("EVTX", "stated", 64));
}

#[test]
fn a_log_cut_off_anywhere_gives_every_record_before_the_cut() {
    let log = log(1000);
    let chunks = (log.len() - HEADER) / CHUNK;
    for cut in [HEADER + 100, HEADER + 512, HEADER + 700, HEADER + CHUNK / 2, HEADER + CHUNK - 1, HEADER + CHUNK, HEADER + CHUNK + 5000] {
        let (row, events) = read_bytes(&log[..cut]);
        let whole = (0..chunks).flat_map(|chunk| records(&log, chunk)).filter(|record| record.end <= cut).count();
        assert_eq!(numbers(&events), (1..=whole as u64).collect::<Vec<_>>(), "cut at {cut}");
        assert_eq!(row.status, if whole == 0 { SourceStatus::Unreadable } else { SourceStatus::Partial }, "cut at {cut}");
        assert!(says(&row, "truncated"), "cut at {cut}");
        if cut > HEADER + 512 && cut < HEADER + CHUNK {
            let first = ids(&log, 0);
            assert_eq!(row.records_ok + row.records_bad, first.end - first.start, "cut at {cut}: every record of the chunk is read or lost");
        }
    }
    let (row, _) = read_bytes(&log[..100]);
    assert_eq!((row.status, says(&row, "truncated")), (SourceStatus::Unreadable, true));
}

#[test]
fn damaged_headers_do_not_cost_records() {
    let sound = log(1000);
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = sound.clone();
        change(&mut bytes);
        let (row, events) = read_bytes(&bytes);
        assert_eq!(numbers(&events), (1..=1000).collect::<Vec<_>>());
        assert_eq!((row.records_bad, row.defects), (0, 1), "{:?}", row.entries);
        row
    };
    let row = damaged(&|bytes| bytes[..8].copy_from_slice(b"NotElf\0\0"));
    assert_eq!((row.status, row.certainty), (SourceStatus::Partial, 0.9));
    let row = damaged(&|bytes| bytes[24] ^= 1);
    assert_eq!((row.status, says(&row, "file header checksum")), (SourceStatus::Whole, true));
    let row = damaged(&|bytes| bytes[HEADER + CHUNK + 124] ^= 1);
    assert!(says(&row, "checksum of chunk 1 "));
    let row = damaged(&|bytes| bytes.drain(..HEADER).for_each(drop));
    assert!(says(&row, "no file header"));
}

#[test]
fn a_chunk_without_its_magic_is_one_entry_and_the_others_are_read() {
    let mut bytes = log(1000);
    let lost = ids(&bytes, 1);
    bytes[HEADER + CHUNK] = b'X';
    let (row, events) = read_bytes(&bytes);
    assert_eq!(numbers(&events), (1..=1000).filter(|id| !lost.contains(id)).collect::<Vec<_>>());
    assert_eq!((row.status, row.records_bad, row.entries[0].offset), (SourceStatus::Partial, 1, Some((HEADER + CHUNK) as u64)));
}

#[test]
fn chunks_behind_foreign_bytes_are_found() {
    for length in [1, 1000, CHUNK, CHUNK + 17] {
        let mut bytes = log(1000);
        let at = HEADER + CHUNK;
        bytes.splice(at..at, std::iter::repeat_n(0x55, length));
        let (row, events) = read_bytes(&bytes);
        assert_eq!(numbers(&events), (1..=1000).collect::<Vec<_>>(), "{length} bytes");
        assert_eq!((row.status, row.entries[0].offset), (SourceStatus::Partial, Some(at as u64)), "{length} bytes");
        let last = events.last().and_then(|event| event.offset).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), &bytes).unwrap();
        assert!(raw_xml(&dir.path().join("a"), last).unwrap().contains("service number 1000"));
    }
}

#[test]
fn damaged_records_are_counted_one_by_one() {
    let sound = log(1000);
    let places = records(&sound, 0);
    let mut bytes = sound.clone();
    bytes[places[29].start] = b'X';
    let (row, events) = read_bytes(&bytes);
    assert_eq!(numbers(&events), (1..=1000).filter(|id| *id != 30).collect::<Vec<_>>());
    assert_eq!((row.records_bad, row.status), (1, SourceStatus::Partial));
    assert!(row.entries.iter().any(|entry| entry.offset == Some(places[29].start as u64)));

    let mut bytes = sound.clone();
    bytes[places[29].start..places[39].end].fill(0);
    let (row, events) = read_bytes(&bytes);
    assert_eq!(numbers(&events), (1..=1000).filter(|id| !(30..=40).contains(id)).collect::<Vec<_>>());
    assert_eq!(row.records_bad, 11, "one by one: {:?}", row.entries);

    let mut bytes = sound;
    let binxml = places[49].start + 24;
    bytes[binxml..binxml + 4].fill(0xee);
    let (row, events) = read_bytes(&bytes);
    assert_eq!(numbers(&events), (1..=1000).filter(|id| *id != 50).collect::<Vec<_>>());
    assert!(row.entries.iter().any(|entry| entry.record == Some(50) && entry.offset == Some(places[49].start as u64)), "{:?}", row.entries);
}

#[test]
fn a_wrapped_log_is_read_oldest_first() {
    let sound = log(1000);
    let mut bytes = sound[..HEADER].to_vec();
    bytes.extend_from_slice(&sound[HEADER + CHUNK..]);
    bytes.extend_from_slice(&sound[HEADER..HEADER + CHUNK]);
    let (row, events) = read_bytes(&bytes);
    assert_eq!((row.status, numbers(&events)), (SourceStatus::Whole, (1..=1000).collect()));
}

#[test]
fn repeated_chunks_and_stale_copies_are_not_counted_twice() {
    let mut bytes = log(1000);
    let again = bytes[HEADER..HEADER + CHUNK].to_vec();
    let held = ids(&bytes, 0).count() as u64;
    bytes.extend_from_slice(&again);
    let (row, events) = read_bytes(&bytes);
    assert_eq!((row.records_joined, row.status, numbers(&events)), (held, SourceStatus::Whole, (1..=1000).collect()));

    // A record of the last chunk, left once more in its slack.
    let mut bytes = log(1000);
    let last = (bytes.len() - HEADER) / CHUNK - 1;
    let copy = bytes[records(&bytes, last)[1].clone()].to_vec();
    let slack = bytes.len() - copy.len() - 64;
    assert!(records(&bytes, last).last().unwrap().end < slack);
    bytes[slack..slack + copy.len()].copy_from_slice(&copy);
    let (row, events) = read_bytes(&bytes);
    assert_eq!((row.records_joined, row.records_recovered), (1, 0));
    assert_eq!(numbers(&events), (1..=1000).collect::<Vec<_>>());

    // The same bytes under a number that stands nowhere are a record of old.
    bytes[slack + 8..slack + 16].copy_from_slice(&5000u64.to_le_bytes());
    let (row, events) = read_bytes(&bytes);
    assert_eq!((row.records_joined, row.records_ok, row.records_recovered), (0, 1000, 1));
    assert_eq!(events.iter().filter(|event| event.recovered).count(), 1);
}

#[test]
fn files_with_the_same_bytes_are_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    std::fs::create_dir(&case).unwrap();
    for name in ["b.evtx", "a.evtx"] {
        std::fs::write(case.join(name), log(50)).unwrap();
    }
    let read = read(&[&case]);
    assert_eq!((read.row("a.evtx").status, read.row("a.evtx").records_ok), (SourceStatus::Whole, 50));
    let copy = read.row("b.evtx");
    assert_eq!((copy.status, copy.duplicate_of.as_deref()), (SourceStatus::Duplicate, Some("case/a.evtx")));
    assert_eq!((copy.records_ok, copy.events), (50, 0), "the same records, but no events of its own");
    assert_eq!(copy.sha256, read.row("a.evtx").sha256);
    assert!(!read.events.contains_key("case/b.evtx"));
}

#[test]
fn random_damage_never_ends_a_run() {
    let sound = log(400);
    // A small linear congruential generator: the same damage on every machine.
    let mut state = 20_260_922_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let dir = tempfile::tempdir().unwrap();
    for round in 0..150 {
        let mut bytes = sound.clone();
        for _ in 0..=random(40) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        if round % 5 == 0 {
            bytes.truncate(random(bytes.len()));
        }
        std::fs::write(dir.path().join(format!("{round}.evtx")), bytes).unwrap();
    }
    let read = read(&[dir.path()]);
    assert_eq!(read.rows.len(), 150);
    for row in &read.rows {
        assert!(row.records_ok <= 400, "{}: more records than were written", row.source_file);
        assert!(row.entries.iter().all(|entry| !entry.what.contains("failed inside")), "{}: {:?}", row.source_file, row.entries);
    }
}

#[test]
fn a_record_is_shown_again_from_its_source_until_that_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("System.evtx");
    let log = log(10);
    std::fs::write(&path, &log).unwrap();
    let offset = records(&log, 0)[6].start as u64;
    let xml = raw_xml(&path, offset).unwrap();
    assert!(xml.contains("<EventRecordID>7</EventRecordID>") && xml.contains("service number 7"), "{xml}");
    assert!(raw_xml(&path, offset + 1).unwrap_err().to_string().contains("no record at offset"));
    assert!(raw_xml(Path::new("/nowhere/x.evtx"), offset).unwrap_err().to_string().contains("the source is away"));
}
