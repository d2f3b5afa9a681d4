//! The case folder: round trips, refusals, kills, and figures.

mod again;
mod annotations;
mod events;
mod exports;
mod figures;
mod findings;
mod kills;
mod neighbours;
pub(crate) mod runs;
mod scratch;

pub(crate) use findings::hayabusa_of;

use residue::case::Case;
use residue::control::{Control, RunError};
use residue::domain::{Event, EventKey, EventSink, EventStore, Ledger};
use std::path::Path;

/// A small generator, so that "random" events are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

pub(crate) fn sha(n: u64) -> String {
    format!("{:016x}{n:048x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// Events with every column now filled, now empty, and with texts that hurt.
#[expect(clippy::needless_update, reason = "a new column needs no line here")]
pub(crate) fn awkward(count: u64, seed: u64) -> Vec<Event> {
    let mut dice = Dice(seed);
    let texts = ["", "plain", "Zürich 東京 🦀", "a\0b\0", "'; DROP TABLE x; --", "line\r\nbreak\ttab", "\u{feff}bom \u{202e}rtl"];
    let text = |dice: &mut Dice| (dice.roll(3) > 0).then(|| texts[dice.roll(texts.len() as u64) as usize].to_owned());
    (1..=count)
        .map(|n| Event {
            time: (dice.roll(5) > 0).then(|| 1_600_000_000_000_000_000 + n as i64 * 100),
            time_text: text(&mut dice),
            record: n,
            part: 0,
            record_id: (dice.roll(4) > 0).then_some(u64::MAX - n),
            offset: (dice.roll(4) > 0).then_some(n * 512),
            recovered: dice.roll(2) == 0,
            computer: text(&mut dice),
            channel: text(&mut dice),
            provider: text(&mut dice),
            event_id: (dice.roll(4) > 0).then(|| dice.roll(70_000) as u32),
            level: text(&mut dice),
            user: text(&mut dice),
            pid: (dice.roll(4) > 0).then_some(u32::MAX),
            ppid: (dice.roll(4) > 0).then_some(0),
            process_guid: text(&mut dice),
            parent_guid: text(&mut dice),
            image: text(&mut dice),
            parent_image: text(&mut dice),
            command_line: text(&mut dice),
            message: text(&mut dice).unwrap_or_default(),
            fields: format!("{{\"n\":{n}}}"),
            ..Event::default()
        })
        .collect()
}

pub(crate) fn ingest(case: &Case, name: &str, hash: &str, events: &[Event]) {
    let mut sink = case.begin(name).unwrap();
    for batch in events.chunks(1000) {
        sink.write(batch.to_vec()).unwrap();
    }
    let mut seen: Vec<_> = events.iter().map(|e| (e.computer.clone().unwrap_or_default(), e.channel.clone().unwrap_or_default(), 1)).collect();
    seen.sort();
    seen.dedup();
    sink.finish(Ledger { source_file: name.into(), sha256: hash.into(), events: events.len() as u64, seen, ..Ledger::default() }).unwrap();
}

fn keys(case: &Case) -> Vec<EventKey> {
    let mut keys = Vec::new();
    case.snapshot()
        .scan(false, &Control::silent(), &mut |batch| {
            keys.extend(batch.iter().map(|e| e.key));
            Ok(())
        })
        .unwrap();
    keys
}

fn words(error: &RunError) -> String {
    error.to_string()
}

fn refused(opened: Result<Case, RunError>) -> String {
    words(&opened.err().expect("it should have been refused"))
}

#[test]
fn every_column_comes_back_as_it_went_in() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    let mut events = awkward(20_000, 1);
    events[17].fields = "x".repeat(5 << 20);
    events[18].message = "東".repeat(1 << 20);
    events[19].part = 7;
    ingest(&case, "evidence/Security.evtx", &sha(1), &events);
    let snapshot = case.snapshot();
    for at in (0..events.len()).step_by(997).chain([17, 18, 19, 8191, 8192, 19_999]) {
        let key = EventKey { source: 0, part: events[at].part, record: events[at].record };
        assert_eq!(snapshot.fetch(key).unwrap().as_ref(), Some(&events[at]));
    }
    assert_eq!(snapshot.fetch(EventKey { source: 0, part: 3, record: 1 }).unwrap(), None);
    assert_eq!(snapshot.fetch(EventKey { source: 9, part: 0, record: 1 }).unwrap(), None);
    let mut at = 0;
    snapshot
        .scan(true, &Control::silent(), &mut |batch| {
            for e in batch {
                let own = &events[at];
                assert_eq!((e.time, e.time_text, e.record_id, e.recovered), (own.time, own.time_text.as_deref(), own.record_id, own.recovered));
                assert_eq!(
                    (e.computer, e.channel, e.provider, e.user),
                    (own.computer.as_deref(), own.channel.as_deref(), own.provider.as_deref(), own.user.as_deref())
                );
                assert_eq!((e.event_id, e.level, e.pid, e.ppid), (own.event_id, own.level.as_deref(), own.pid, own.ppid));
                assert_eq!((e.process_guid, e.parent_guid), (own.process_guid.as_deref(), own.parent_guid.as_deref()));
                assert_eq!((e.image, e.parent_image, e.command_line), (own.image.as_deref(), own.parent_image.as_deref(), own.command_line.as_deref()));
                assert_eq!((e.message, e.fields), (own.message.as_str(), own.fields.as_str()));
                at += 1;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(at, events.len());
    assert_eq!(snapshot.events(), events.len() as u64);
}

#[test]
fn sources_are_scanned_in_order_whatever_the_order_they_came_in() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    for (name, hash) in [("c.evtx", 3), ("a.evtx", 9), ("b.evtx", 2)] {
        ingest(&case, name, &sha(hash), &awkward(10, hash));
    }
    case.note(Ledger { source_file: "aa.txt".into(), ..Ledger::default() }).unwrap();
    let names: Vec<_> = case.sources().iter().map(|s| s.source_file.clone()).collect();
    assert_eq!(names, ["a.evtx", "aa.txt", "b.evtx", "c.evtx"]);
    let seen = keys(&case);
    assert!(seen.is_sorted());
    assert_eq!(seen.iter().map(|k| k.source).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>(), [0, 2, 3]);
}

#[test]
fn equal_events_give_equal_parquet_bytes() {
    let home = tempfile::tempdir().unwrap();
    let events = awkward(30_000, 5);
    let bytes = |name: &str| {
        let case = Case::create(&home.path().join(name)).unwrap();
        ingest(&case, "x.evtx", &sha(77), &events);
        let path = case.dir().join("events").join(format!("{}.parquet", &sha(77)[..16]));
        std::fs::read(path).unwrap()
    };
    assert!(bytes("one.residue") == bytes("two.residue"));
}

#[test]
fn a_record_in_two_sources_is_scanned_once() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    let mut events = awkward(3_000, 4);
    for e in &mut events {
        e.computer = Some("WS1".into());
        e.channel = Some("Security".into());
        e.record_id = Some(e.record);
    }
    ingest(&case, "a.evtx", &sha(1), &events);
    let mut copy: Vec<Event> = events[1_000..2_000].to_vec();
    copy[0].fields = "{\"altered\":1}".into();
    copy[1].record_id = None;
    copy[2].computer = Some("WS2".into());
    for (at, e) in copy.iter_mut().enumerate() {
        e.record = at as u64 + 1;
    }
    ingest(&case, "b.evtx", &sha(2), &copy);
    let seen = keys(&case);
    assert_eq!(seen.iter().filter(|k| k.source == 0).count(), 3_000);
    assert_eq!(seen.iter().filter(|k| k.source == 1).map(|k| k.record).collect::<Vec<_>>(), [1, 2, 3]);
    let snapshot = case.snapshot();
    assert_eq!(snapshot.events(), 4_000);
    assert_eq!(snapshot.duplicate_events(&Control::silent()).unwrap(), 997);
    assert!(snapshot.is_duplicate(EventKey { source: 1, part: 0, record: 4 }, &Control::silent()).unwrap());
    assert!(!snapshot.is_duplicate(EventKey { source: 0, part: 0, record: 1_004 }, &Control::silent()).unwrap());
    assert!(snapshot.fetch(EventKey { source: 1, part: 0, record: 4 }).unwrap().is_some());
}

#[test]
fn the_same_bytes_under_two_names_are_kept_once() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    let events = awkward(50, 4);
    ingest(&case, "a.evtx", &sha(1), &events);
    ingest(&case, "b.evtx", &sha(1), &events);
    ingest(&case, "a.evtx", &sha(1), &events);
    let sources = case.sources();
    assert_eq!(sources.len(), 2);
    assert_eq!(sources[1].duplicate_of.as_deref(), Some("a.evtx"));
    assert_eq!(case.snapshot().events(), 50);
}

#[test]
fn hashes_that_begin_alike_share_no_file() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    for n in 0..5 {
        ingest(&case, &format!("{n}.evtx"), &format!("{n:064x}"), &awkward(10, n));
    }
    ingest(&case, "could not be hashed.evtx", "", &awkward(10, 9));
    assert_eq!(case.snapshot().events(), 60);
    assert_eq!(case.snapshot().fetch(EventKey { source: 3, part: 0, record: 4 }).unwrap().as_ref(), Some(&awkward(10, 3)[3]));
}

#[test]
fn reopening_gives_the_same_case_wherever_the_folder_went() {
    let home = tempfile::tempdir().unwrap();
    let first = home.path().join("a.residue");
    let case = Case::create(&first).unwrap();
    ingest(&case, "a.evtx", &sha(1), &awkward(9_000, 4));
    case.set_setting("threshold", "q0.99").unwrap();
    let before = (case.sources(), keys(&case));
    drop(case);
    let moved = home.path().join("moved here").join("b.residue");
    std::fs::create_dir(moved.parent().unwrap()).unwrap();
    std::fs::rename(&first, &moved).unwrap();
    let case = Case::open(&moved).unwrap();
    assert_eq!((case.sources(), keys(&case)), before);
    assert_eq!(case.setting("threshold").as_deref(), Some("q0.99"));
    assert_eq!(case.setting("none"), None);
    assert!(!case.is_scratch());
    assert_eq!(case.notices(), []);
}

#[test]
fn a_dropped_sink_and_a_killed_run_leave_nothing() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    let case = Case::create(&dir).unwrap();
    let mut sink = case.begin("a.evtx").unwrap();
    sink.write(awkward(20_000, 1)).unwrap();
    drop(sink);
    assert_eq!(std::fs::read_dir(dir.join("events")).unwrap().count(), 0);
    ingest(&case, "b.evtx", &sha(2), &awkward(10, 1));
    drop(case);
    std::fs::write(dir.join("events/events-x1.tmp"), "half").unwrap();
    std::fs::write(dir.join("events/0123456789abcdef.parquet"), "renamed, but its row was never written").unwrap();
    std::fs::create_dir(dir.join("runs/run-x.tmp")).unwrap();
    std::fs::create_dir(dir.join("runs/fields-9")).unwrap();
    let case = Case::open(&dir).unwrap();
    assert_eq!(case.notices().len(), 1);
    assert_eq!(std::fs::read_dir(dir.join("events")).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(dir.join("runs")).unwrap().count(), 0);
    assert_eq!(keys(&case).len(), 10);
}

#[test]
fn what_is_no_case_is_refused_in_words() {
    let home = tempfile::tempdir().unwrap();
    let full = home.path().join("full.residue");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("notes.txt"), "mine").unwrap();
    assert!(refused(Case::create(&full)).contains("not empty"));
    assert!(refused(Case::create(&full.join("new"))).contains("NAME.residue"));
    assert!(refused(Case::open(&full)).contains("not a case"));
    assert!(refused(Case::open(&home.path().join("nowhere"))).contains("no such case"));
    std::fs::write(full.join("case.sqlite"), "SQLite it is not").unwrap();
    assert!(refused(Case::open(&full)).contains("database"));

    let dir = home.path().join("a.residue");
    let case = Case::create(&dir).unwrap();
    assert!(refused(Case::create(&dir)).contains("a case already"));
    assert!(refused(Case::open(&dir)).contains("open in another"));
    drop(case);
    assert!(Case::open(&dir).is_ok());
}

#[test]
fn a_case_that_is_still_being_closed_is_opened_once_it_is() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    let case = Case::create(&dir).unwrap();
    let cancelled = Control::silent();
    cancelled.cancel.cancel();
    assert!(matches!(Case::open_once_closed(&dir, &cancelled), Err(RunError::Cancelled)), "a held case is waited for until the job is cancelled");
    let again = std::thread::scope(|threads| {
        let opened = threads.spawn(|| Case::open_once_closed(&dir, &Control::silent()));
        drop(case);
        opened.join().unwrap()
    });
    assert!(again.is_ok());
}

#[test]
fn a_newer_case_is_refused_in_words() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    drop(Case::create(&dir).unwrap());
    // `PRAGMA user_version` is the big-endian word at byte 60 of the file.
    let path = dir.join("case.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes[60..64], 1_u32.to_be_bytes());
    bytes[60..64].copy_from_slice(&9_u32.to_be_bytes());
    std::fs::write(&path, bytes).unwrap();
    assert!(refused(Case::open(&dir)).contains("newer residue (case version 9"));
}

#[test]
fn a_case_inside_evidence_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let evidence = home.path().join("evidence");
    std::fs::create_dir(&evidence).unwrap();
    let inside = |dir: &Path| residue::files::OutputPath::new(dir, &residue::files::Evidence::of([&evidence])).map(drop);
    assert!(words(&inside(&evidence.join("new/a.residue")).unwrap_err()).contains("inside the evidence"));
    assert!(inside(&evidence.join("x/../../a.residue")).is_err() || cfg!(not(unix)));
    assert!(inside(&home.path().join("evidence.residue")).is_ok());
    #[cfg(unix)]
    {
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&evidence, &link).unwrap();
        assert!(inside(&link.join("a.residue")).is_err());
    }
}

#[test]
fn a_copy_is_whole_and_its_own() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    ingest(&case, "a.evtx", &sha(1), &awkward(9_000, 4));
    let target = home.path().join("deep/er/b.residue");
    let copy = case.save_as(&target, &Control::silent()).unwrap();
    assert_eq!((copy.sources(), keys(&copy)), (case.sources(), keys(&case)));
    assert!(refused(case.save_as(&target, &Control::silent())).contains("already"));
    assert!(refused(case.save_as(&case.dir().join("inside.residue"), &Control::silent())).contains("inside the case"));
    ingest(&copy, "b.evtx", &sha(2), &awkward(5, 4));
    assert_eq!(case.sources().len(), 1);
    let stopped = Control::silent();
    stopped.cancel.cancel();
    assert!(matches!(case.save_as(&home.path().join("c.residue"), &stopped), Err(RunError::Cancelled)));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);
}

#[test]
fn a_damaged_event_file_is_an_error_in_words() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    let case = Case::create(&dir).unwrap();
    ingest(&case, "a.evtx", &sha(1), &awkward(9_000, 4));
    let path = dir.join("events").join(format!("{}.parquet", &sha(1)[..16]));
    drop(case);
    let whole = std::fs::read(&path).unwrap();
    let mut dice = Dice(3);
    for _ in 0..60 {
        let mut broken = whole.clone();
        match dice.roll(3) {
            0 => broken.truncate(dice.roll(whole.len() as u64) as usize),
            1 => broken.clear(),
            _ => {
                for _ in 0..=dice.roll(200) {
                    let at = dice.roll(broken.len() as u64) as usize;
                    broken[at] = dice.roll(256) as u8;
                }
            }
        }
        std::fs::write(&path, &broken).unwrap();
        let case = Case::open(&dir).unwrap();
        // Whether it can still be read depends on where it was hit; that it never panics does not.
        if let Err(e) = case.snapshot().scan(true, &Control::silent(), &mut |_| Ok(())) {
            assert!(words(&e).contains("ingest the source again"), "{e}");
        }
    }
    std::fs::remove_file(&path).unwrap();
    let case = Case::open(&dir).unwrap();
    assert!(case.notices()[0].text.contains("are missing"));
    assert!(case.snapshot().scan(false, &Control::silent(), &mut |_| Ok(())).is_err());
}
