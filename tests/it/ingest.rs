//! Ingest: what comes out of sound, damaged and hostile event logs.

mod damage;

use crate::support::corpus;
use residue::control::{CancelToken, Control, RunError};
use residue::domain::{Event, EventSink, Ledger, SourceSink, SourceStatus};
use residue::ingest::{Options, ingest};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Keeps events by source in memory.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) kept: Arc<Mutex<BTreeMap<String, Vec<Event>>>>,
    noted: Mutex<Vec<Ledger>>,
}

struct MemorySource {
    events: Vec<Event>,
    kept: Arc<Mutex<BTreeMap<String, Vec<Event>>>>,
}

impl EventSink for Memory {
    fn begin(&self, _: &str) -> Result<Box<dyn SourceSink>, RunError> {
        Ok(Box::new(MemorySource { events: Vec::new(), kept: Arc::clone(&self.kept) }))
    }

    fn note(&self, ledger: Ledger) -> Result<(), RunError> {
        self.noted.lock().unwrap().push(ledger);
        Ok(())
    }
}

impl SourceSink for MemorySource {
    fn write(&mut self, batch: Vec<Event>) -> Result<(), RunError> {
        self.events.extend(batch);
        Ok(())
    }

    fn finish(self: Box<Self>, ledger: Ledger) -> Result<(), RunError> {
        self.kept.lock().unwrap().insert(ledger.source_file, self.events);
        Ok(())
    }
}

/// Everything read from `path`.
struct Read {
    rows: Vec<Ledger>,
    events: BTreeMap<String, Vec<Event>>,
}

impl Read {
    fn row(&self, name: &str) -> &Ledger {
        self.rows.iter().find(|row| row.source_file.ends_with(name)).unwrap_or_else(|| panic!("no ledger row for {name}"))
    }
}

fn read(paths: &[&Path]) -> Read {
    let sink = Memory::default();
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    let rows = ingest(&paths, &sink, &Options::default(), &Control::silent()).unwrap();
    let events = std::mem::take(&mut *sink.kept.lock().unwrap());
    for row in &rows {
        let events = events.get(&row.source_file).map_or(&[][..], Vec::as_slice);
        consistent(row, events);
    }
    Read { rows, events }
}

/// What must hold of any source whatever its bytes.
fn consistent(row: &Ledger, events: &[Event]) {
    let name = &row.source_file;
    assert_eq!(row.events, events.len() as u64, "{name}");
    assert!(row.duplicate_of.is_some() || row.records_ok + row.records_recovered == row.events, "{name}");
    let recovered = events.iter().filter(|e| e.recovered).count() as u64;
    assert!(row.duplicate_of.is_some() || row.records_recovered == recovered, "{name}");
    assert_eq!(row.no_time, events.iter().filter(|e| e.time.is_none()).count() as u64, "{name}");
    assert!(row.defects >= row.records_bad, "{name}: every bad record has an entry");
    assert_eq!(row.seen.iter().map(|(_, _, n)| n).sum::<u64>(), row.events, "{name}");
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event.record, at as u64 + 1, "{name}");
        assert!(!event.message.contains(char::is_control), "{name}: {:?}", event.message);
        let fields: serde_json::Value = serde_json::from_str(&event.fields).unwrap();
        assert!(fields.is_object(), "{name}: {}", event.fields);
    }
    let mut offsets: Vec<_> = events.iter().filter_map(|e| e.offset).collect();
    offsets.sort_unstable();
    assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]), "{name}: a record was read twice");
}

/// Good records and errors of `evtx_dump` 0.14 and 0.15 per file, as the corpus's manifest and its tool say.
#[test]
fn malformed_logs_give_at_least_what_evtx_dump_gives_and_an_entry_for_every_bad_record() {
    let Some(folder) = corpus("malformed_evtx") else { return };
    let read = read(&[&folder]);
    for row in &read.rows {
        eprintln!(
            "{} {:?} ok {} recovered {} joined {} bad {} defects {}",
            row.source_file, row.status, row.records_ok, row.records_recovered, row.records_joined, row.records_bad, row.defects
        );
        for entry in row.entries.iter().take(12) {
            eprintln!("    {:?} {:?} {}", entry.offset, entry.record, entry.what);
        }
    }
    for (name, good, bad) in [
        ("RemoteConnectionManager%4Operational.evtx", 1774, 2),
        ("Application_no_crc32.evtx", 17, 0),
        ("MSExchange_Management_wec.evtx", 1, 0),
        ("REFERENCE_good_new-user-security.evtx", 4, 0),
        ("Security_short_selected.evtx", 7, 0),
        ("sample-with-zero-data-size-event.evtx", 335, 1),
        ("sample_with_a_bad_chunk_magic.evtx", 301, 3),
        ("malformed_evtx/sysmon.evtx", 358, 8),
        ("truncated_multi_chunk.evtx", 444, 0),
    ] {
        let row = read.row(name);
        assert!(row.records_ok >= good, "{name}: {} good records", row.records_ok);
        assert!(row.defects >= bad, "{name}: {} defects", row.defects);
    }
    for (name, status) in [
        ("header_only.evtx", SourceStatus::Unreadable),
        ("zero_bytes.evtx", SourceStatus::Unreadable),
        ("symlink_text_not_evtx.evtx", SourceStatus::Unreadable),
        ("truncated_mid_chunk.evtx", SourceStatus::Partial),
        ("truncated_multi_chunk.evtx", SourceStatus::Partial),
    ] {
        assert_eq!(read.row(name).status, status, "{name}");
        assert!(!read.row(name).entries.is_empty(), "{name} says why");
    }
    let copy = read.row("issue_201.evtx");
    assert_eq!((copy.status, copy.records_ok, copy.events), (SourceStatus::Duplicate, 1, 0), "the same bytes as MSExchange_Management_wec.evtx");
}

#[test]
fn folders_give_a_row_for_every_file_and_only_logs_give_events() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    std::fs::create_dir_all(case.join("sub")).unwrap();
    std::fs::write(case.join("truth.jsonl"), "{}").unwrap();
    std::fs::write(case.join("sub/empty.evtx"), "").unwrap();
    std::fs::write(case.join("sub/fake.evtx"), "MZ").unwrap();
    let read = read(&[&case, Path::new("/nowhere/at-all")]);
    let rows: Vec<_> = read.rows.iter().map(|row| (row.source_file.as_str(), row.status, row.defects, row.entries.len())).collect();
    assert_eq!(
        rows,
        [
            ("/nowhere/at-all", SourceStatus::Unreadable, 1, 1),
            ("case/sub/empty.evtx", SourceStatus::Unreadable, 1, 1),
            ("case/sub/fake.evtx", SourceStatus::Unreadable, 1, 1),
            ("case/truth.jsonl", SourceStatus::NotEvidence, 0, 1),
        ]
    );
    assert!(read.events.is_empty());
}

#[test]
fn the_order_of_arguments_changes_nothing() {
    let Some(folder) = corpus("cases/otrf_empire_schtasks_user") else { return };
    let one = read(&[&folder.join("workstation5_Security.evtx"), &folder.join("mordordc_Security.evtx")]);
    let two = read(&[&folder.join("mordordc_Security.evtx"), &folder.join("workstation5_Security.evtx")]);
    assert_eq!(one.rows, two.rows);
    assert_eq!(one.events, two.events);
}

/// Appends to the evidence while it is being read.
struct Meddler(PathBuf);

impl EventSink for Meddler {
    fn begin(&self, _: &str) -> Result<Box<dyn SourceSink>, RunError> {
        Ok(Box::new(Self(self.0.clone())))
    }

    fn note(&self, _: Ledger) -> Result<(), RunError> {
        Ok(())
    }
}

impl SourceSink for Meddler {
    fn write(&mut self, _: Vec<Event>) -> Result<(), RunError> {
        let mut bytes = std::fs::read(&self.0).unwrap();
        bytes.push(0);
        std::fs::write(&self.0, bytes).unwrap();
        Ok(())
    }

    fn finish(self: Box<Self>, _: Ledger) -> Result<(), RunError> {
        Ok(())
    }
}

#[test]
fn a_log_that_changes_while_it_is_read_is_not_called_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("Security.evtx");
    std::fs::write(&path, damage::log(9000)).unwrap();
    let rows = ingest(std::slice::from_ref(&path), &Meddler(path.clone()), &Options::default(), &Control::silent()).unwrap();
    assert_eq!(rows[0].status, SourceStatus::Partial);
    assert!(rows[0].entries.iter().any(|entry| entry.what.contains("changed while it was being read")), "{:?}", rows[0].entries);
}

#[test]
fn a_cancelled_run_ends_as_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.txt"), "a").unwrap();
    let cancel = CancelToken::default();
    cancel.cancel();
    let control = Control { cancel, ..Control::silent() };
    let ended = ingest(&[dir.path().to_path_buf()], &Memory::default(), &Options::default(), &control);
    assert!(matches!(ended, Err(RunError::Cancelled)));
}

#[test]
#[ignore = "prints a sample of messages and columns of every provider and event ID in the corpus, for reading"]
fn show_messages() {
    let Some(folder) = corpus("") else { return };
    let read = read(&[&folder.join("cases"), &folder.join("benign"), &folder.join("evtx_attack_small")]);
    let mut shown: BTreeMap<(String, u32), u32> = BTreeMap::new();
    for event in read.events.values().flatten() {
        let count = shown.entry((event.provider.clone().unwrap_or_default(), event.event_id.unwrap_or(0))).or_default();
        *count += 1;
        if *count <= 2 {
            println!(
                "{:?} {:?} user={:?} pid={:?} ppid={:?} image={:?} | {}",
                event.provider, event.event_id, event.user, event.pid, event.ppid, event.image, event.message
            );
        }
        if *count == 1 {
            println!("      {}", event.fields.chars().take(600).collect::<String>());
        }
    }
}
