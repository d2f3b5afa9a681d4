//! One small sample of each format, in our own words, in `tests/data`.

use super::{field, read, read_bytes, read_with};
use residue::domain::{Event, SourceStatus, time};
use residue::ingest::Options;
use std::path::PathBuf;

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn at(event: &Event) -> String {
    event.time.map(time::iso).unwrap_or_default()
}

#[test]
fn l2tcsv_has_no_quoting_and_rows_with_quotes_are_read_again() {
    let (row, events) = read(&sample("l2tcsv.csv"));
    assert_eq!((row.format.as_str(), row.records_ok, row.records_bad, row.no_time), ("plaso l2tcsv", 5, 1, 1));
    assert_eq!((at(&events[0]).as_str(), events[0].time_text.as_deref()), ("2021-03-04T05:06:07.0000000+00:00", None));
    assert_eq!(events[0].image.as_deref(), Some("\\Users\\bob\\a \"b\".txt"));
    assert_eq!((events[0].channel.as_deref(), events[0].provider.as_deref(), events[0].record_id), (Some("NTFS file stat"), Some("mft"), None));
    assert_eq!((events[1].time, events[1].time_text.as_deref()), (None, Some("00/00/0000 --:--:--")));
    assert_eq!((events[2].event_id, events[2].computer.as_deref(), events[2].image.as_deref()), (Some(4624), Some("WS1"), None));
    assert_eq!(events[3].message, "one, two.txt mtime");
    assert_eq!((at(&events[4]).as_str(), events[4].record), ("2021-07-01T10:00:00.0000000+00:00", 6), "12:00 in Berlin's summer");
    assert_eq!(field(&events[2], "MACB"), "M..B");
}

/// File, format, records, bad records, events, without time.
type Count = (&'static str, &'static str, u64, u64, u64, u64);

const COUNTS: &[Count] = &[
    ("dynamic.csv", "plaso dynamic", 3, 0, 3, 1),
    ("plaso.jsonl", "plaso json_line", 2, 0, 2, 1),
    ("bodyfile.txt", "bodyfile", 2, 1, 3, 1),
    ("mactime.csv", "mactime", 3, 0, 3, 1),
    ("tln.txt", "TLN", 2, 0, 2, 0),
    ("mftecmd_mft.csv", "MFTECmd $MFT", 1, 0, 2, 0),
    ("mftecmd_j.csv", "MFTECmd $J", 1, 0, 1, 0),
    ("mftecmd_fl.csv", "MFTECmd file listing", 1, 0, 2, 0),
    ("timesketch.csv", "Timesketch CSV", 1, 0, 1, 0),
    ("timesketch.jsonl", "Timesketch JSONL", 1, 0, 1, 0),
    ("evtxecmd.csv", "EvtxECmd CSV", 1, 0, 1, 0),
    ("sysmon.csv", "Sysmon CSV", 1, 0, 1, 0),
    ("hayabusa.csv", "Hayabusa CSV", 1, 0, 1, 0),
    ("hayabusa.jsonl", "Hayabusa JSONL", 1, 0, 1, 0),
    ("chainsaw.csv", "Chainsaw CSV", 1, 0, 1, 0),
    ("evtx_dump.jsonl", "evtx_dump JSONL", 1, 0, 1, 0),
    ("winlogbeat.jsonl", "Winlogbeat JSONL", 1, 0, 1, 0),
    ("nxlog.jsonl", "NXLog JSONL", 1, 0, 1, 0),
    ("velociraptor.csv", "Velociraptor EvtxHunter CSV", 1, 0, 1, 0),
    ("kape_mini.csv", "KAPE mini timeline", 1, 0, 1, 0),
    ("forensic_timeliner.csv", "Forensic Timeliner", 1, 0, 1, 0),
    ("get_winevent.csv", "Get-WinEvent CSV", 1, 0, 1, 0),
    ("pecmd_timeline.csv", "PECmd timeline", 1, 0, 1, 0),
    ("hayabusa.json", "Hayabusa JSON", 2, 0, 2, 0),
    ("chainsaw.json", "Chainsaw JSON", 2, 0, 2, 0),
    ("evtx_dump.json", "evtx_dump JSON", 1, 0, 1, 0),
    ("event_viewer.csv", "Event Viewer CSV", 2, 0, 2, 0),
    ("event_viewer.xml", "Event XML", 2, 0, 2, 0),
    ("evtx_dump.xml", "evtx_dump XML", 2, 0, 2, 0),
    ("generic.tsv", "CSV", 3, 0, 3, 0),
    ("headless.csv", "CSV", 2, 0, 2, 0),
];

#[test]
fn every_sample_is_told_and_read_whole() {
    for (name, format, ok, bad, events, no_time) in COUNTS {
        let (row, read) = read(&sample(name));
        let seen = (row.format.as_str(), row.records_ok, row.records_bad, row.events, row.no_time);
        assert_eq!(seen, (*format, *ok, *bad, *events, *no_time), "{name}: {:?}", row.entries);
        let first = read.iter().find(|event| event.time.is_some()).unwrap();
        assert!(at(first).starts_with("2021-03-04T05:06:07"), "{name}: {}", at(first));
        assert!(!first.message.is_empty(), "{name}");
    }
}

#[test]
fn file_rows_become_their_distinct_times() {
    let (_, events) = read(&sample("mftecmd_mft.csv"));
    assert_eq!(events[0].image.as_deref(), Some("\\Windows\\System32\\evil.exe"));
    assert_eq!((at(&events[0]).as_str(), at(&events[1]).as_str()), ("2021-03-04T05:06:07.1234567+00:00", "2021-03-05T05:06:07.1234567+00:00"));
    assert_eq!((field(&events[1], "timestamp_desc").as_str(), field(&events[1], "MACB").as_str(), events[1].part), ("Created0x30", "...b", 1));
    assert_eq!(field(&events[0], "MACB"), "macb", "an empty 0x30 is equal to its 0x10");
    let (_, events) = read(&sample("bodyfile.txt"));
    assert_eq!((events[0].image.as_deref(), field(&events[0], "name").as_str()), (Some("/a/b c|d.txt"), "/a/b%20c|d.txt"));
    assert_eq!((field(&events[0], "MACB").as_str(), field(&events[1], "MACB").as_str()), (".ac.", "m..."));
    let (_, events) = read(&sample("mactime.csv"));
    assert_eq!(events[0].image.as_deref(), Some("/a, b.txt"));
}

#[test]
fn event_tables_become_whole_events() {
    let (row, events) = read(&sample("evtxecmd.csv"));
    let event = &events[0];
    assert!(!row.is_timeline());
    assert_eq!((event.event_id, event.record_id, event.pid, event.ppid), (Some(4688), Some(77), Some(500), Some(100)));
    assert_eq!((event.user.as_deref(), event.command_line.as_deref()), (Some("ACME\\bob"), Some("cmd /c dir")));
    assert_eq!((event.image.as_deref(), event.level.as_deref()), (Some("C:\\Windows\\cmd.exe"), Some("Information")));
    for name in ["sysmon.csv", "evtx_dump.jsonl", "evtx_dump.json", "event_viewer.xml", "evtx_dump.xml", "winlogbeat.jsonl", "nxlog.jsonl", "velociraptor.csv"]
    {
        let (row, events) = read(&sample(name));
        let event = &events[0];
        assert!(!row.is_timeline(), "{name}");
        assert_eq!((event.image.as_deref(), event.pid, event.event_id), (Some("C:\\a.exe"), Some(500), Some(1)), "{name}");
        assert_eq!((event.computer.as_deref(), event.provider.as_deref()), (Some("WS1"), Some("Microsoft-Windows-Sysmon")), "{name}");
        assert_eq!(event.channel.as_deref(), Some("Microsoft-Windows-Sysmon/Operational"), "{name}");
    }
    let (_, events) = read(&sample("hayabusa.csv"));
    assert_eq!((events[0].channel.as_deref(), events[0].level.as_deref(), events[0].record_id), (Some("Security"), Some("High"), Some(77)));
    assert!(events[0].time_text.is_some(), "a local time keeps its text");
}

#[test]
fn json_documents_are_read_object_by_object() {
    let (row, events) = read(&sample("chainsaw.json"));
    assert!(!row.is_timeline());
    let first = &events[0];
    assert_eq!((first.computer.as_deref(), first.channel.as_deref(), first.event_id, first.record_id), (Some("WS1"), Some("Security"), Some(4688), Some(77)));
    assert_eq!((first.provider.as_deref(), first.message.as_str()), (Some("Microsoft-Windows-Security-Auditing"), "Odd process · Sigma"));
    let (row, events) = read(&sample("hayabusa.json"));
    assert!(!row.is_timeline());
    assert_eq!(
        (events[0].channel.as_deref(), events[0].level.as_deref(), events[1].channel.as_deref()),
        (Some("Security"), Some("High"), Some("Microsoft-Windows-Sysmon/Operational"))
    );
    assert!(events[0].message.contains("Cmdline: cmd /c dir"), "{}", events[0].message);
    let array =
        b"[\n  {\"datetime\": \"2021-03-04T05:06:07Z\", \"message\": \"one\"},\n  {\"datetime\": oops},\n  {\"datetime\": \"\", \"message\": \"two\"}\n]\n";
    let (row, events) = read_bytes(array, &Options::default());
    assert_eq!((row.format.as_str(), row.records_ok, row.records_bad, row.no_time, events.len()), ("JSON", 2, 1, 1, 2), "{:?}", row.entries);
}

#[test]
fn events_saved_as_xml_are_the_events_of_the_log() {
    let (row, events) = read(&sample("event_viewer.xml"));
    assert!(!row.is_timeline());
    let event = &events[0];
    assert_eq!((event.record_id, event.user.as_deref(), event.command_line.as_deref()), (Some(77), Some("ACME\\bob"), Some("a.exe <x> & y")));
    assert_eq!((event.level.as_deref(), event.process_guid.as_deref()), (Some("Information"), Some("{00000000-0000-0000-0000-000000000001}")));
    assert_eq!((field(&events[1], "SubjectUserName").as_str(), events[1].event_id), ("bob", Some(1102)));
    let (_, dumped) = read(&sample("evtx_dump.xml"));
    let bare = |events: &[Event]| events.iter().map(|event| Event { offset: None, ..event.clone() }).collect::<Vec<_>>();
    assert_eq!(bare(&events), bare(&dumped));
    // UTF-16, and damage: an event that never ends, stray bytes, a broken one.
    let text = std::fs::read_to_string(sample("event_viewer.xml")).unwrap();
    let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(bare(&read_bytes(&utf16, &Options::default()).1), bare(&events));
    let damaged = text.replacen("</Event>", "</Evnt>", 1).replace("</Events>", "rubbish<Event xmlns='x'><System></Event></Events>");
    let (row, events) = read_bytes(damaged.as_bytes(), &Options::default());
    assert_eq!((row.records_ok, row.records_bad, row.status, events.len()), (1, 2, SourceStatus::Partial, 1), "{:?}", row.entries);
    assert!(row.entries.iter().any(|entry| entry.what.contains("begin with \"rubbish")), "{:?}", row.entries);
}

#[test]
fn event_viewers_description_stands_beyond_the_header() {
    let (row, events) = read(&sample("event_viewer.csv"));
    assert!(!row.is_timeline());
    assert!(events[0].message.starts_with("An account was logged on."), "{}", events[0].message);
    assert_eq!(
        (events[0].provider.as_deref(), events[0].event_id, at(&events[1]).as_str()),
        (Some("Microsoft-Windows-Security-Auditing"), Some(4624), "2021-03-25T23:06:07.0000000+00:00")
    );
    let german = "Ebene,Datum und Uhrzeit,Quelle,Ereignis-ID,Aufgabenkategorie\r\nInformationen,04.03.2021 05:06:07,Schannel,36880,Keine,Eine Beschreibung\r\n";
    let (row, events) = read_bytes(german.as_bytes(), &Options::default());
    assert_eq!((row.format.as_str(), at(&events[0]).as_str(), events[0].event_id), ("Event Viewer CSV", "2021-03-04T05:06:07.0000000+00:00", Some(36880)));
    assert_eq!(events[0].message, "Eine Beschreibung");
}

#[test]
fn ragged_rows_keep_what_they_have() {
    let (_, events) = read(&sample("generic.tsv"));
    assert_eq!((field(&events[0], "column 5").as_str(), events[1].message.is_empty(), events[2].message.as_str()), ("extra", false, "two lines"));
    let (row, events) = read(&sample("headless.csv"));
    assert_eq!((row.certainty, field(&events[0], "column 2").as_str()), (0.3, "WS1"));
}

#[test]
fn local_times_are_read_in_the_zone_that_was_chosen() {
    let options = Options { zone: Some("America/New_York".into()), map: None };
    let (row, events) = read_with(&sample("mactime.csv"), &options);
    assert_eq!((row.zone.as_str(), at(&events[0]).as_str()), ("America/New_York", "2021-03-04T10:06:07.0000000+00:00"));
    assert_eq!(at(&events[2]), "2021-03-04T05:06:07.0000000+00:00", "a stated zone wins");
    let (row, events) = read_with(&sample("mftecmd_j.csv"), &options);
    assert_eq!((row.zone.as_str(), at(&events[0]).as_str()), ("UTC", "2021-03-04T05:06:07.1234567+00:00"));
}

#[test]
fn other_tables_open_by_their_columns_or_by_a_mapping() {
    let utf16: Vec<u8> = "\u{feff}sep=;\r\nwhen;host;text\r\n2021-03-04 05:06:07;WS1;ünsinn\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (row, events) = read_bytes(&utf16, &Options::default());
    assert_eq!((row.format.as_str(), row.records_ok, at(&events[0]).as_str()), ("CSV", 1, "2021-03-04T05:06:07.0000000+00:00"));
    assert_eq!((events[0].computer.as_deref(), events[0].message.as_str()), (Some("WS1"), "ünsinn"));
    let odd = b"a,b,c\n1614834367,x,y\n";
    assert_eq!(read_bytes(odd, &Options::default()).0.status, SourceStatus::NotEvidence);
    let dir = tempfile::tempdir().unwrap();
    let map = dir.path().join("map.toml");
    std::fs::write(&map, "time = \"a\"\nmessage = [\"b\", \"c\"]\n").unwrap();
    let (row, events) = read_bytes(odd, &Options { zone: None, map: Some(map) });
    assert_eq!((row.certainty, at(&events[0]).as_str(), events[0].message.as_str()), (1.0, "2021-03-04T05:06:07.0000000+00:00", "x · y"));
}

#[test]
fn a_mapping_file_holds_several_and_says_what_is_wrong_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let map = dir.path().join("map.toml");
    let write = |text: &str| std::fs::write(&map, text).unwrap();
    let options = Options { zone: None, map: Some(map.clone()) };
    // Listed columns outweigh a known signature; what lists none does not.
    let sketch = b"message,datetime,timestamp_desc,when\nm,2020-01-01T00:00:00Z,d,2021-03-04 05:06:07\n";
    write("[[format]]\ncolumns = ['nothing']\ntime = 'when'\n[[format]]\ncolumns = ['when', 'datetime']\ntime = 'when'\nmessage = 'timestamp_desc'\n");
    let (row, events) = read_bytes(sketch, &options);
    assert_eq!((row.certainty, at(&events[0]).as_str(), events[0].message.as_str()), (1.0, "2021-03-04T05:06:07.0000000+00:00", "d"));
    write("time = 'when'");
    assert_eq!(read_bytes(sketch, &options).0.format, "Timesketch CSV");
    for (text, what) in
        [("message = 'x'", "names no column of time"), ("time = 'x'\nmesage = 'y'", "line 2"), ("time = ", "line 1"), ("[[format]]\ntime=''", "format 1")]
    {
        write(text);
        let error = residue::ingest::ingest(&[], &residue::detect::memory::MemorySink::default(), &options, &residue::control::Control::silent())
            .unwrap_err()
            .to_string();
        assert!(error.contains(what) && error.ends_with("map.toml"), "{error}");
    }
}
