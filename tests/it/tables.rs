//! Tables: every format gives its rows as events, and every row is an event, joined, or in the ledger.

mod formats;
mod fuzz;

use crate::ingest::Memory;
use crate::support::{corpus, residue_in};
use residue::control::Control;
use residue::domain::{Event, Ledger, SourceStatus, time};
use residue::ingest::{Options, ingest};
use std::path::Path;

/// Reads one source.
pub(crate) fn read_with(path: &Path, options: &Options) -> (Ledger, Vec<Event>) {
    let sink = Memory::default();
    let mut rows = ingest(&[path.to_path_buf()], &sink, options, &Control::silent()).unwrap();
    assert_eq!(rows.len(), 1, "{}", path.display());
    let row = rows.remove(0);
    let events = sink.kept.lock().unwrap().remove(&row.source_file).unwrap_or_default();
    consistent(&row, &events);
    (row, events)
}

pub(crate) fn read(path: &Path) -> (Ledger, Vec<Event>) {
    read_with(path, &Options::default())
}

/// Reads a source with these bytes.
pub(crate) fn read_bytes(bytes: &[u8], options: &Options) -> (Ledger, Vec<Event>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evidence");
    std::fs::write(&path, bytes).unwrap();
    read_with(&path, options)
}

/// What must hold of any table whatever its bytes.
fn consistent(row: &Ledger, events: &[Event]) {
    let name = &row.source_file;
    assert_eq!(row.events, events.len() as u64, "{name}");
    assert_eq!(row.records_ok, events.iter().filter(|e| e.part == 0).count() as u64, "{name}");
    assert_eq!(row.no_time, events.iter().filter(|e| e.time.is_none()).count() as u64, "{name}");
    assert!(row.defects >= row.records_bad, "{name}");
    let mut last = (0, 0);
    for event in events {
        let at = (event.record, event.part);
        assert!(at > last, "{name}: {at:?} behind {last:?}");
        assert!(event.record == last.0 || event.part == 0, "{name}: parts count from 0");
        last = at;
        assert!(!event.message.contains(char::is_control), "{name}: {:?}", event.message);
        let fields: serde_json::Value = serde_json::from_str(&event.fields).unwrap_or_else(|error| panic!("{name}: {error}: {}", event.fields));
        assert!(fields.is_object(), "{name}");
    }
    assert!(last.0 <= row.records_ok + row.records_joined + row.records_bad, "{name}");
}

/// A value of an event's fields.
pub(crate) fn field(event: &Event, name: &str) -> String {
    let fields: serde_json::Value = serde_json::from_str(&event.fields).unwrap();
    match &fields[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Format, data rows, events, bad rows, events without time of the corpus's timelines, as counted by hand with `wc` and `awk`.
#[test]
fn timelines_of_the_corpus_open_whole() {
    let Some(folder) = corpus("timelines") else { return };
    for (name, format, rows) in [
        ("aptsim_server2022_plaso_l2t.csv", "plaso l2tcsv", 2114),
        ("mft_xw_plaso_l2t.csv", "plaso l2tcsv", 3692),
        ("srl_tdungan_mft_l2t_20120406-07.csv", "plaso l2tcsv", 8658),
        ("dftpl_13_plaso_dynamic.csv", "plaso dynamic", 7664),
        ("format_samples/analyzemft_l2t_xw_blank_dates.csv", "plaso l2tcsv", 2472),
        ("format_samples/analyzemft_xw.csv", "analyzeMFT", 0),
        ("format_samples/bodyfile_xw.txt", "bodyfile", 618),
        ("format_samples/mactime_xw.csv", "mactime", 0),
        ("format_samples/mft_nist_dfr16_plaso_dynamic.csv", "plaso dynamic", 0),
        ("format_samples/mft_nist_dfr16_plaso_l2t.csv", "plaso l2tcsv", 461),
        ("format_samples/timesketch_evtx_part.csv", "Timesketch CSV", 0),
    ] {
        let (row, events) = read(&folder.join(name));
        let span = [row.first, row.last].map(|ns| ns.map(time::iso).unwrap_or_default());
        eprintln!(
            "{name}: {} ({}) ok {} bad {} events {} no time {} {span:?}",
            row.format, row.certainty, row.records_ok, row.records_bad, row.events, row.no_time
        );
        for entry in row.entries.iter().take(3) {
            eprintln!("    {entry:?}");
        }
        if let Some(event) = events.get(events.len() / 2) {
            eprintln!("    {event:?}");
        }
        assert_eq!(row.format, format, "{name}");
        assert_eq!(row.status, SourceStatus::Whole, "{name}: {:?}", row.entries);
        assert!(rows == 0 || row.records_ok == rows, "{name}: {} rows", row.records_ok);
        assert!(row.is_timeline());
    }
}

#[test]
fn truth_and_labels_beside_evidence_are_no_evidence() {
    let Some(folder) = corpus("") else { return };
    for name in [
        "timelines/aptsim_server2022_plaso_l2t.csv.truth.jsonl",
        "timelines/aptsim_server2022_plaso_l2t.csv.labels.csv",
        "timelines/ground_truth_timelines.json",
        "sysmon_sequences/labels.csv",
        "cases/splunk_T1047/truth.jsonl",
        "cases/splunk_T1047/ground_truth.json",
        "MANIFEST.md",
        "LICENSES.md",
        "README.md",
    ] {
        let (row, _) = read(&folder.join(name));
        assert_eq!(row.status, SourceStatus::NotEvidence, "{name}: {}", row.format);
        assert_eq!(row.entries.len(), 1, "{name}");
    }
}

#[test]
fn sysmon_events_in_a_table_are_whole_events() {
    let Some(file) = corpus("sysmon_sequences/events.csv") else { return };
    let (row, events) = read(&file);
    assert_eq!((row.format.as_str(), row.status, row.records_ok), ("Sysmon CSV", SourceStatus::Whole, 34473));
    assert!(!row.is_timeline());
    let creation = events.iter().find(|event| event.event_id == Some(1)).unwrap();
    eprintln!("{creation:?}");
    assert!(creation.image.is_some() && creation.process_guid.is_some() && creation.pid.is_some() && creation.command_line.is_some());
    assert_eq!(creation.provider.as_deref(), Some("Microsoft-Windows-Sysmon"));
    assert_eq!(events.iter().filter(|event| event.computer.is_none()).count(), 0);
    assert_eq!(row.no_time, 0);
}

#[test]
fn the_same_files_in_three_time_zones_give_the_same_bytes() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let out = tempfile::tempdir().unwrap();
    let convert = |zone: &str| {
        let file = out.path().join(format!("{}.jsonl", zone.replace('/', "-")));
        let done = residue_in(&["convert", samples.to_str().unwrap(), "--out", file.to_str().unwrap(), "--progress", "none"], &[("TZ", zone)]);
        assert_eq!(done.status.code(), Some(1), "one sample has a bad row: {}", String::from_utf8_lossy(&done.stderr));
        std::fs::read(file).unwrap()
    };
    let utc = convert("UTC");
    assert!(utc.len() > 10_000);
    assert!(utc == convert("Asia/Tokyo") && utc == convert("America/New_York"));
}

#[test]
fn a_mapping_is_taken_by_every_command_that_reads() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("odd.csv"), "a,b,c\n1614834367,x,y\n").unwrap();
    std::fs::write(at("map.toml"), "time = 'a'\nmessage = ['c', 'b']\n").unwrap();
    std::fs::write(at("wrong.toml"), "tme = 'a'\n").unwrap();
    let run = |arguments: &[&str]| residue_in(arguments, &[]);
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let seen = run(&["inspect", &at("odd.csv"), "--map", &at("map.toml")]);
    assert!(seen.status.success() && said(&seen).contains("1 events of 1 records"), "{}", said(&seen));
    let seen = run(&["convert", &at("odd.csv"), "--out", &at("o.jsonl"), "--map", &at("map.toml")]);
    assert!(seen.status.success() && std::fs::read_to_string(at("o.jsonl")).unwrap().contains("y · x"), "{}", said(&seen));
    let seen = run(&["triage", &at("odd.csv"), "--out", &at("t"), "--map", &at("map.toml"), "--detector", "timeline"]);
    assert!(seen.status.success(), "{}", said(&seen));
    let seen = run(&["inspect", &at("odd.csv"), "--map", &at("wrong.toml")]);
    assert!(seen.status.code() == Some(2) && said(&seen).contains("line 1"), "{}", said(&seen));
    let seen = run(&["inspect", &at("map.toml"), "--map", &at("map.toml"), "--progress", "plain"]);
    assert!(said(&seen).contains("the mapping fits none of the tables"), "{}", said(&seen));
}
