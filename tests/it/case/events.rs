//! The list of all events: what it finds, how it sorts and counts, held against a pass over every event.

use super::{Dice, awkward, ingest, sha};
use residue::case::Case;
use residue::case::events::{Events, Query, Said};
use residue::case::search::{Cell, Column, Search};
use residue::control::{CancelToken, Control, RunError, Silent};
use residue::domain::{Event, EventKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A case of three sources, some row groups long, and its events in key order.
fn case(home: &std::path::Path) -> (Case, Vec<(EventKey, Event)>) {
    let case = Case::create(&home.join("a.residue")).unwrap();
    let mut all = Vec::new();
    let mut dice = Dice(5);
    let ids = [1, 4624, 4688, 4689, 7045];
    for (at, name) in ["a.evtx", "b.evtx", "c.csv"].into_iter().enumerate() {
        let mut events = awkward(9_000, at as u64);
        for event in &mut events {
            event.event_id = (dice.roll(5) > 0).then(|| ids[dice.roll(5) as usize]);
            event.time = (dice.roll(7) > 0).then(|| 1_600_000_000_000_000_000 + dice.roll(1_000_000) as i64 * 1_000_000_000);
            event.command_line = (dice.roll(2) > 0).then(|| format!(r#""C:\x {}\tool.exe" -n {}"#, dice.roll(9), dice.roll(3_000)));
            event.message = format!("{} number {}", event.message, dice.roll(50_000));
            event.fields = format!(r#"{{"EventData":{{"TargetLogonId":"0x{:x}","Word":"w{}"}}}}"#, dice.roll(500), dice.roll(100));
        }
        ingest(&case, name, &sha(at as u64), &events);
        all.extend(events.into_iter().map(|e| (EventKey { source: at as u32, part: e.part, record: e.record }, e)));
    }
    (case, all)
}

const SOURCES: [&str; 3] = ["a.evtx", "b.evtx", "c.csv"];

fn cell<'a>(key: EventKey, event: &'a Event, fields: bool) -> impl Fn(Column) -> Cell<'a> {
    move |column| {
        let text = |t: &'a Option<String>| t.as_deref().filter(|t| !t.is_empty()).map_or(Cell::Empty, Cell::Text);
        let whole = |n: Option<u64>| n.and_then(|n| i64::try_from(n).ok()).map_or(Cell::Empty, Cell::Whole);
        match column {
            Column::Message => Cell::Text(&event.message),
            Column::Fields | Column::Logon if fields => Cell::Text(&event.fields),
            Column::CommandLine => text(&event.command_line),
            Column::Image => text(&event.image),
            Column::ParentImage => text(&event.parent_image),
            Column::Computer => text(&event.computer),
            Column::User => text(&event.user),
            Column::Channel => text(&event.channel),
            Column::Provider => text(&event.provider),
            Column::Level => text(&event.level),
            Column::Source => Cell::Text(SOURCES[key.source as usize]),
            Column::EventId => whole(event.event_id.map(u64::from)),
            Column::Pid => whole(event.pid.map(u64::from)),
            Column::RecordId => whole(event.record_id),
            Column::Time => event.time.map_or(Cell::Empty, Cell::Whole),
            _ => Cell::Empty,
        }
    }
}

fn query(text: &str) -> Query {
    Query { search: Search::parse(text).unwrap(), ..Query::default() }
}

#[test]
fn a_search_finds_what_a_pass_over_every_event_finds() {
    let home = tempfile::tempdir().unwrap();
    let (case, all) = case(home.path());
    let events = Events::new(case.snapshot());
    assert_eq!(events.len(), all.len());
    for text in [
        "",
        "4688",
        "!4688",
        "4000-4688,7045",
        "plain",
        "zürich drop",
        "+zürich -plain",
        "+\"drop table\" +4624",
        "12 +computer:東京",
        "-user:plain -4624 -bom",
        "user:=plain",
        "message:\"number 77\" image:plain",
        "command_line:\"tool.exe\"\" -n 12\"",
        "+command_line:=\"\"\"C:\\x 3\\tool.exe\"\" -n 12\"",
        "time:>2020-09-20",
        "+time:2020-09-17 +level:plain",
        "source:b.evtx",
        "-source:csv +plain",
        "fields:w17",
        "+fields:w1 -message:plain +4688",
        "logon:0x1f",
        "record_id:>9",
        "pid:4294967295 -plain",
        "channel:rtl provider:rtl parent:rtl",
    ] {
        let search = Search::parse(text).unwrap();
        let fields = text.contains("fields:") || text.contains("logon:");
        let wanted: Vec<u32> = (0..all.len()).filter(|at| search.matches(&cell(all[*at].0, &all[*at].1, fields))).map(|at| at as u32).collect();
        let found = events.find(&query(text), &Control::silent()).unwrap();
        assert!(found == wanted, "{text}: {} found, {} wanted", found.len(), wanted.len());
        assert!(text.is_empty() || !wanted.is_empty() && wanted.len() < all.len() || text == "record_id:>9", "{text} tells nothing");
    }
    let span = (1_600_200_000_000_000_000, 1_600_300_000_000_000_000);
    let timed = Query { time: Some(span), ..query("plain") };
    let wanted: Vec<u32> = (0..all.len())
        .filter(|at| {
            all[*at].1.time.is_some_and(|t| (span.0..=span.1).contains(&t)) && Search::parse("plain").unwrap().matches(&cell(all[*at].0, &all[*at].1, false))
        })
        .map(|at| at as u32)
        .collect();
    assert_eq!(events.find(&timed, &Control::silent()).unwrap(), wanted);
    let error = events.find(&query("score:>3"), &Control::silent()).unwrap_err().to_string();
    assert!(error.contains("score") && error.contains("rankings"), "{error}");
}

#[test]
fn flags_tags_and_notes_are_found_by_the_events_they_are_of() {
    let home = tempfile::tempdir().unwrap();
    let (case, all) = case(home.path());
    let events = Events::new(case.snapshot());
    let said = |at: usize, flagged: bool, tag: &str| Said { key: all[at].0, flagged, tags: vec![tag.into()], note: format!("note {at}") };
    let nowhere = Said { key: EventKey { source: 9, part: 0, record: 1 }, flagged: true, ..Said::default() };
    let marks = vec![said(3, true, "evil"), said(9_005, false, "evil"), said(26_999, true, "odd"), nowhere];
    let find = |text: &str| events.find(&Query { said: marks.clone(), ..query(text) }, &Control::silent()).unwrap();
    assert!(Search::parse("+tag:a").unwrap().asks_marks() && !Search::parse("+4688 a").unwrap().asks_marks());
    assert_eq!(find("flagged:yes"), [3, 26_999]);
    assert_eq!(find("flagged:no").len(), all.len() - 2);
    assert_eq!(find("tag:evil"), [3, 9_005]);
    assert_eq!(find("-flagged:yes +tag:evil"), [9_005]);
    assert_eq!(find("note:\"note 26999\""), [26_999]);
}

#[test]
fn order_and_counts_are_those_of_every_event() {
    let home = tempfile::tempdir().unwrap();
    let (case, all) = case(home.path());
    let events = Events::new(case.snapshot());
    let rows = events.find(&query("-plain"), &Control::silent()).unwrap();
    let at = |row: u32| &all[row as usize];
    // Text by letter whatever their case, then exactly; nothing last, whichever way round.
    let key = |row: u32, column: Column| -> Option<(i64, String, String)> {
        let (key, event) = at(row);
        match cell(*key, event, false)(column) {
            Cell::Whole(n) => Some((n, String::new(), String::new())),
            Cell::Text(text) => Some((0, text.to_ascii_lowercase(), text.to_owned())),
            _ => None,
        }
    };
    for column in Events::SORTED {
        for descending in [false, true] {
            let mut wanted = rows.clone();
            wanted.sort_by(|a, b| match (key(*a, column), key(*b, column)) {
                (Some(a), Some(b)) if descending => b.cmp(&a),
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => a.is_none().cmp(&b.is_none()),
            });
            let sorted = events.sort(rows.clone(), column, descending, &Control::silent()).unwrap();
            assert!(sorted == wanted, "by {} {descending}", column.name());
            let lines = events.page(&sorted[100..160], &Control::silent()).unwrap();
            assert_eq!(lines.iter().map(|line| line.row).collect::<Vec<_>>(), sorted[100..160]);
            for line in lines {
                let (key, event) = at(line.row);
                assert_eq!((line.key, &line.event.message, line.event.time, &line.event.image), (*key, &event.message, event.time, &event.image));
            }
        }
    }
    for column in Events::GROUPED {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in &rows {
            let (key, event) = at(*row);
            let value = match cell(*key, event, false)(column) {
                Cell::Whole(n) => n.to_string(),
                Cell::Text(text) => text.to_owned(),
                _ => String::new(),
            };
            *counts.entry(value).or_default() += 1;
        }
        let tallies = events.group(&rows, column, &Control::silent()).unwrap();
        assert!(tallies.is_sorted_by_key(|tally| tally.count), "the rarest first");
        let found: BTreeMap<String, usize> = tallies.into_iter().map(|tally| (tally.value.into(), tally.count)).collect();
        assert_eq!(found, counts, "{}", column.name());
    }
    assert!(events.sort(rows.clone(), Column::Message, false, &Control::silent()).is_err());
    assert!(events.group(&rows, Column::Fields, &Control::silent()).is_err());
}

#[test]
fn a_cancelled_search_ends_and_the_next_one_is_whole() {
    let home = tempfile::tempdir().unwrap();
    let (case, all) = case(home.path());
    let events = Events::new(case.snapshot());
    let cancel = CancelToken::default();
    cancel.cancel();
    let control = Control { cancel, reporter: Arc::new(Silent) };
    assert!(matches!(events.find(&query("+user:plain"), &control), Err(RunError::Cancelled)));
    assert!(matches!(events.sort(vec![0, 1], Column::Time, false, &control), Err(RunError::Cancelled)));
    let found = events.find(&query("+user:plain"), &Control::silent()).unwrap();
    assert_eq!(found.len(), all.iter().filter(|(_, e)| e.user.as_deref() == Some("plain")).count());
}

#[test]
fn a_damaged_file_is_an_error_and_an_empty_case_is_none() {
    let home = tempfile::tempdir().unwrap();
    let (case, _) = case(home.path());
    let file = std::fs::read_dir(case.dir().join("events")).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let error = Events::new(case.snapshot()).find(&query("plain"), &Control::silent()).unwrap_err().to_string();
    assert!(error.contains("ingest the source again"), "{error}");
    let empty = Case::create(&home.path().join("b.residue")).unwrap();
    let events = Events::new(empty.snapshot());
    assert!(events.is_empty() && events.find(&query("+plain +time:2020"), &Control::silent()).unwrap().is_empty());
    assert!(events.group(&[], Column::User, &Control::silent()).unwrap().is_empty() && events.page(&[], &Control::silent()).unwrap().is_empty());
}
