//! Leads: hostile shapes of evidence, the same bytes whatever the order, the files, and the labelled cases.

use crate::support::{corpus, estate, residue, skipped};
use residue::control::Control;
use residue::detect::memory::MemoryStore;
use residue::domain::{DetectorId, EventStore};
use residue::domain::{Event, EventKey, Leads, Preset, RankBy, Report, Stage, Subject};
use residue::leads::{Ground, leads};
use std::time::{Duration, Instant};

const SECOND: i64 = 1_000_000_000;

fn guid(number: u64) -> String {
    format!("{{00000000-0000-0000-0000-{number:012x}}}")
}

fn start(second: i64, computer: &str, own: u64, parent: u64, image: &str) -> Event {
    Event {
        time: Some(second * SECOND),
        computer: Some(computer.into()),
        channel: Some("Microsoft-Windows-Sysmon/Operational".into()),
        provider: Some("Microsoft-Windows-Sysmon".into()),
        event_id: Some(1),
        pid: Some(own as u32),
        ppid: Some(parent as u32),
        process_guid: Some(guid(own)),
        parent_guid: Some(guid(parent)),
        image: Some(image.into()),
        message: format!("Process started: {image}"),
        fields: "{}".into(),
        ..Event::default()
    }
}

/// A ranking of every event by itself, those of `first` first.
fn ranked(detector: DetectorId, store: &MemoryStore, first: &[EventKey]) -> Report {
    let mut keys = Vec::new();
    store
        .scan(false, &Control::silent(), &mut |batch| {
            keys.extend(batch.iter().map(|event| event.key));
            Ok(())
        })
        .unwrap();
    let score = |key: &EventKey| first.iter().position(|f| f == key).map_or(1.0, |at| 100.0 - at as f64);
    let mut subjects: Vec<Subject> = keys
        .iter()
        .map(|key| Subject { key: *key, members: Box::new([*key]), score: score(key), title: format!("{key:?}").into(), ..Subject::default() })
        .collect();
    subjects.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.key.source, a.key.record).cmp(&(b.key.source, b.key.record))));
    Report {
        detector,
        preset: Preset::Recommended,
        rank_by: RankBy::Recommended,
        stage: Stage::Final,
        threshold: 0.0,
        model_id: String::new(),
        device: String::new(),
        curve: vec![],
        remarks: vec![],
        validation: None,
        subjects,
        run: String::new(),
    }
}

fn of(events: Vec<Event>, first: &[u64]) -> Leads {
    let store = MemoryStore::of("a.evtx", events);
    let keys: Vec<EventKey> = first.iter().map(|&record| EventKey { source: 0, part: 0, record }).collect();
    let ground = Ground::survey(&store, &Control::silent()).unwrap();
    let (fields, chains) = (ranked(DetectorId::Fields, &store, &keys), ranked(DetectorId::Chains, &store, &keys));
    leads(&ground, &[&fields, &chains])
}

/// Every event stands in exactly one lead, or in those that are only counted.
fn each_once(leads: &Leads, events: usize) {
    let mut all: Vec<EventKey> = leads.list.iter().flat_map(|lead| lead.events.iter().copied()).collect();
    let number = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), number, "an event stands in two leads");
    if leads.list.len() as u64 == leads.total {
        assert_eq!(number, events, "an event stands in no lead");
    }
}

#[test]
fn a_tree_is_one_lead_and_is_cut_below_a_hub() {
    let events = vec![
        start(1, "A", 1, 900, r"C:\Windows\explorer.exe"),
        start(2, "A", 2, 1, r"C:\Windows\System32\cmd.exe"),
        start(3, "A", 3, 2, r"C:\Windows\System32\whoami.exe"),
        start(4, "A", 4, 1, r"C:\Program Files\Office\winword.exe"),
    ];
    let leads = of(events, &[3]);
    each_once(&leads, 4);
    let first = &leads.list[0];
    let images: Vec<&str> = first.processes.iter().map(|p| &*p.image).collect();
    assert_eq!(images, [r"C:\Windows\System32\cmd.exe", r"C:\Windows\System32\whoami.exe"]);
    assert_eq!(first.processes[1].parent, Some(0));
    assert!(first.headline.contains("cmd.exe started whoami.exe"), "{}", first.headline);
}

#[test]
fn a_file_that_is_written_and_run_a_service_and_a_session_connect_trees() {
    let payload = r"C:\Users\Public\x.exe";
    let mut wrote = Event { event_id: Some(11), ..start(3, "A", 2, 1, r"C:\Windows\System32\cmd.exe") };
    wrote.fields = serde_json::json!({ "EventData": { "TargetFilename": payload } }).to_string();
    let events = vec![
        start(1, "A", 1, 900, r"C:\Windows\explorer.exe"),
        start(2, "A", 2, 1, r"C:\Windows\System32\cmd.exe"),
        wrote,
        start(9, "A", 7, 800, r"C:\Windows\System32\svchost.exe"),
        start(10, "A", 8, 7, payload),
    ];
    let leads = of(events, &[5]);
    each_once(&leads, 5);
    let first = &leads.list[0];
    assert_eq!(first.processes.len(), 2);
    assert!(first.links.iter().any(|link| link.reason.contains("wrote c:\\users\\public\\x.exe")), "{:?}", first.links);
}

#[test]
fn hostile_process_trees_do_no_harm() {
    let begun = Instant::now();
    // Its own parent; two that are each other's; a circle of a thousand.
    let mut events = vec![start(1, "A", 1, 1, "a.exe"), start(2, "A", 2, 3, "b.exe"), start(3, "A", 3, 2, "c.exe")];
    events.extend((0..1_000).map(|n| start(10 + n, "A", 100 + n as u64, 100 + (n as u64 + 1) % 1_000, "d.exe")));
    let count = events.len();
    each_once(&of(events, &[1, 2]), count);
    // A hundred thousand children of one, and a chain of twenty thousand.
    let mut events = vec![start(0, "A", 1, 900, "a.exe")];
    events.extend((0..100_000).map(|n| start(1, "A", 10 + n, 1, "b.exe")));
    events.extend((0..20_000).map(|n| start(2, "A", 200_000 + n, 199_999 + n, "c.exe")));
    let count = events.len();
    let wide = of(events, &[5, 6]);
    each_once(&wide, count);
    assert!(begun.elapsed() < Duration::from_mins(1), "quadratic: {:?}", begun.elapsed());
}

#[test]
fn ids_used_again_and_guids_of_two_computers_stay_apart() {
    // The same process ID within a second, without GUIDs; exits tell them apart.
    let plain = |second: i64, id: u32, image: &str| Event {
        time: Some(second * SECOND / 4),
        computer: Some("A".into()),
        channel: Some("Security".into()),
        provider: Some("Microsoft-Windows-Security-Auditing".into()),
        event_id: Some(id),
        pid: Some(77),
        image: Some(image.into()),
        fields: "{}".into(),
        ..Event::default()
    };
    let leads = of(vec![plain(1, 4688, "a.exe"), plain(2, 4689, "a.exe"), plain(3, 4688, "b.exe"), plain(4, 4663, "b.exe")], &[1]);
    each_once(&leads, 4);
    let of_b = leads.list.iter().find(|lead| lead.processes.iter().any(|p| &*p.image == "b.exe")).unwrap();
    assert!(of_b.events.len() >= 2, "{of_b:?}");
    // One GUID on two computers.
    let both = vec![start(1, "A", 5, 900, "x.exe"), start(2, "B", 5, 900, "y.exe")];
    let leads = of(both, &[1]);
    each_once(&leads, 2);
    assert!(leads.list.iter().all(|lead| lead.computers.len() == 1), "a GUID joined two computers");
}

#[test]
fn clock_jumps_and_missing_times_do_no_harm() {
    let mut events = vec![start(i64::MAX / SECOND, "A", 1, 2, "a.exe"), start(i64::MIN / SECOND + 1, "A", 2, 900, "b.exe"), start(5, "A", 3, 1, "c.exe")];
    events.push(Event { time: None, ..start(0, "A", 4, 3, "d.exe") });
    events.push(Event { fields: "{\"EventData\":".into(), event_id: Some(4624), ..Event::default() });
    each_once(&of(events, &[1, 4]), 5);
}

#[test]
fn a_method_that_ranks_like_chance_moves_nothing() {
    let mut events = Vec::new();
    for n in 0..60_u64 {
        events.push(start(10 * n as i64, "A", 1_000 + n, 900, &format!(r"C:\Program Files\p{}\p.exe", n % 7)));
        events.push(start(10 * n as i64 + 1, "A", 2_000 + n, 1_000 + n, r"C:\Windows\System32\conhost.exe"));
    }
    let store = MemoryStore::of("a.evtx", events);
    let ground = Ground::survey(&store, &Control::silent()).unwrap();
    let right: Vec<EventKey> = (41..48).map(|record| EventKey { source: 0, part: 0, record }).collect();
    let (fields, chains) = (ranked(DetectorId::Fields, &store, &right), ranked(DetectorId::Chains, &store, &right));
    let scattered: Vec<EventKey> = (0..120).map(|n| EventKey { source: 0, part: 0, record: (n * 53) % 120 + 1 }).collect();
    let chance = ranked(DetectorId::Process, &store, &scattered);
    let without = leads(&ground, &[&fields, &chains]);
    let with = leads(&ground, &[&fields, &chains, &chance]);
    let weight = with.weights.iter().find(|w| w.detector == DetectorId::Process).unwrap();
    assert_eq!(weight.weight, 0.0, "{}", weight.reason);
    assert_eq!(without.list, with.list);
}

#[test]
fn triage_writes_the_same_leads_whatever_the_threads_and_the_order_of_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let mut files: Vec<String> = std::fs::read_dir(&estate().evtx).unwrap().flatten().map(|entry| entry.path().display().to_string()).collect();
    files.sort();
    let run = |name: &str, files: &[String], variables: &[(&str, &str)]| {
        let out = folder.path().join(name).display().to_string();
        let mut arguments = vec!["triage"];
        arguments.extend(files.iter().map(String::as_str));
        arguments.extend(["--out", &out, "--detector", "fields,chains", "--compute", "cpu", "--progress", "none"]);
        let done = crate::support::residue_in(&arguments, variables);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        ["leads.csv", "leads.jsonl", "leads-steps.csv"].map(|file| std::fs::read(folder.path().join(name).join(file)).unwrap())
    };
    let first = run("a", &files, &[]);
    files.reverse();
    let second = run("b", &files, &[("RAYON_NUM_THREADS", "1"), ("TZ", "Asia/Tokyo")]);
    assert!(first == second, "leads differ");
    let line = String::from_utf8(first[1].clone()).unwrap();
    let lead: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    for key in [
        "rank",
        "score",
        "learned",
        "prior",
        "strength",
        "headline",
        "first_seen",
        "last_seen",
        "computers",
        "users",
        "techniques",
        "state",
        "note",
        "steps",
        "processes",
        "events",
    ] {
        assert!(lead.get(key).is_some(), "{key} is missing");
    }
    for key in ["time", "computer", "message", "detector", "reason", "source_file", "record_id"] {
        assert!(lead["steps"][0].get(key).is_some(), "a step's {key} is missing");
    }
    let jsonl = folder.path().join("a/leads.jsonl").display().to_string();
    let judged = residue(&["evaluate", &jsonl, "--truth", &estate().truth.display().to_string(), "--unit", "lead", "--json"]);
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    let judged: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert!(judged["first_true_lead"].as_u64().is_some_and(|rank| rank <= 3), "{judged}");
}

/// No reason of what stands first may be empty of fact.
#[test]
#[ignore = "minutes: every labelled case; `cargo test --release --test it leads::reasons -- --ignored --nocapture`"]
fn reasons_say_something() {
    let Some(cases) = corpus("cases") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut bad = Vec::new();
    for case in std::fs::read_dir(cases).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let out = folder.path().join(case.file_name());
        let done = residue(&["triage", &case.path().display().to_string(), "--out", &out.display().to_string(), "--compute", "cpu", "--progress", "none"]);
        if done.status.code() == Some(2) {
            skipped(&format!("{}: nothing ranked", case.path().display()));
            continue;
        }
        for detector in ["groups", "chains", "fields", "process", "timeline"] {
            let Ok(text) = std::fs::read_to_string(out.join(format!("ranking-{detector}.jsonl"))) else { continue };
            for line in text.lines().take(50) {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                let reason = row["reason_1"].as_str().unwrap_or_default();
                if reason.len() < 12 || reason.contains("most unusual event of its process") {
                    bad.push(format!("{:?} {detector} {}: {reason:?}", case.file_name(), row["rank"]));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
