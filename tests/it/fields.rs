//! The event-field detector: gates of the published method, planted tasks, explanations, models, repeatability.

use crate::support::corpus;
use residue::control::Control;
use residue::detect::memory::{MemorySink, MemoryStore};
use residue::detect::{Detector, Input, fields::Fields};
use residue::domain::{Detection, Event, EventStore, Plan, Preset, RankBy, Stage};
use residue::ingest::{Options, ingest};
use residue::nn::Device;
use residue::score::rank;
use std::path::Path;

const TASKS: &str = "Microsoft-Windows-TaskScheduler/Operational";

fn run(store: &dyn EventStore, plan: &Plan) -> Detection {
    with_model(store, plan, None, None)
}

fn with_model(store: &dyn EventStore, plan: &Plan, model: Option<&Path>, save_model: Option<&Path>) -> Detection {
    let (device, control) = (Device::cpu(), Control::silent());
    let input = Input { case: store, baseline: &[], plan, device: &device, model, save_model, control: &control };
    Fields.run(&input, &mut |first| assert_eq!(first.stage, Stage::First)).expect("a detection")
}

/// Ranks, from 1, of the subjects that hold a record for which `wanted` says yes; ascending.
fn ranks(detection: Detection, wanted: impl Fn(&residue::domain::Subject) -> bool) -> Vec<u64> {
    rank(detection.subjects).subjects.iter().filter(|subject| wanted(subject)).map(|subject| subject.rank).collect()
}

#[test]
fn planted_tasks_stand_at_the_top_of_a_real_log() {
    let Some(folder) = corpus("cases/tasks_dc01_planted") else { return };
    let sink = MemorySink::default();
    let file = folder.join("Microsoft-Windows-TaskScheduler%4Operational.evtx");
    ingest(&[file], &sink, &Options::default(), &Control::silent()).expect("ingest");
    let store = sink.store();
    let mut planted = Vec::new();
    store
        .scan(false, &Control::silent(), &mut |batch| {
            planted.extend(batch.iter().filter(|event| matches!(event.record_id, Some(491 | 492 | 526))).map(|event| event.key));
            Ok(())
        })
        .expect("scan");
    assert_eq!(planted.len(), 3);
    let ranks = ranks(run(&store, &Plan::standard()), |subject| subject.members.iter().any(|member| planted.contains(member)));
    println!("planted tasks at ranks {ranks:?}");
    assert!(ranks[1] <= 15 && ranks[2] <= 30, "{ranks:?}");
}

/// A host's ordinary days, one odd process among them, and a quiet event of the same process.
fn small_case() -> MemoryStore {
    let mut events = Vec::new();
    for i in 0..600u64 {
        let (image, parent) = [("svchost.exe", "services.exe"), ("chrome.exe", "explorer.exe"), ("teams.exe", "explorer.exe")][(i % 3) as usize];
        events.push(creation(i, image, parent, i));
    }
    events.push(creation(600, "powershell.exe", "winword.exe", 9000));
    events.push(sysmon(601, 5, r#"{"Image":"C:\\Windows\\svchost.exe"}"#, 9000));
    MemoryStore::of("small.evtx", events)
}

fn creation(minute: u64, image: &str, parent: &str, process: u64) -> Event {
    let fields = format!(r#"{{"Image":"C:\\Windows\\{image}","ParentImage":"C:\\Windows\\{parent}","User":"CORP\\bob","ProcessId":"{process}"}}"#);
    sysmon(minute, 1, &fields, process)
}

fn sysmon(minute: u64, event_id: u32, fields: &str, process: u64) -> Event {
    Event {
        time: Some(minute as i64 * 60_000_000_000),
        record_id: Some(minute + 1),
        computer: Some("WS1.corp.local".into()),
        channel: Some("Microsoft-Windows-Sysmon/Operational".into()),
        provider: Some("Microsoft-Windows-Sysmon".into()),
        event_id: Some(event_id),
        process_guid: Some(format!("{{00000000-0000-0000-0000-{process:012}}}")),
        message: format!("event {minute}"),
        fields: fields.into(),
        ..Event::default()
    }
}

#[test]
fn an_odd_process_is_first_and_says_why() {
    let detection = run(&small_case(), &Plan::standard());
    let explain = detection.explain.clone();
    let ranked = rank(detection.subjects);
    let (top, lent) = (&ranked.subjects[0], &ranked.subjects[1]);
    assert_eq!((top.title.as_ref(), top.count, top.record_id), ("event 600", 1, Some(601)));
    assert_eq!(top.score, top.learned.unwrap() + top.prior.unwrap());
    let parts = explain.explain(ranked.order[0]);
    assert!((parts.iter().map(|part| part.share.abs()).sum::<f64>() - 1.0).abs() < 1e-9);
    let parent = parts.iter().find(|part| part.name == "ParentImage").expect("the parent image");
    assert_eq!(parent.observed, r"c:\windows\winword.exe");
    assert!(parent.expected.contains(r"explorer.exe"), "{}", parent.expected);
    // The exit of the same process is lent its excess and names the event that lent.
    assert_eq!(lent.title.as_ref(), "event 601");
    let context = explain.explain(ranked.order[1]).into_iter().find(|part| part.name == "process context").expect("process context");
    // The relative is named, with its own reason.
    assert!(context.observed.starts_with("its process also: event 600 (") && context.observed.contains("expected"), "{}", context.observed);
    let ordinary: u64 = ranked.subjects[2..].iter().map(|subject| subject.count).sum();
    assert_eq!((ordinary, ranked.subjects.len()), (600, 5));
}

#[test]
fn without_context_nothing_is_lent() {
    let mut plan = Plan::standard();
    plan.settings.fields.context = false;
    let detection = run(&small_case(), &plan);
    let explain = detection.explain.clone();
    assert!((0..detection.subjects.len()).all(|index| explain.explain(index).iter().all(|part| part.name != "process context")));
}

#[test]
fn one_thread_and_many_give_the_same_bits() {
    let store = small_case();
    let bits = |detection: &Detection| -> Vec<(u64, u64, u64)> {
        let number = |value: Option<f64>| value.unwrap().to_bits();
        detection.subjects.iter().map(|s| (number(s.learned), number(s.rarity), number(s.loss))).collect()
    };
    let pool = |threads| rayon_pool(threads, || run(&store, &Plan::standard()));
    let (one, many) = (pool(1), pool(4));
    assert_eq!(bits(&one), bits(&many));
    assert_eq!(one.model_id, many.model_id);
    let all = |detection: &Detection| (0..detection.subjects.len()).map(|index| detection.explain.explain(index)).collect::<Vec<_>>();
    assert_eq!(all(&one), all(&many));
}

fn rayon_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(work)
}

#[test]
fn a_saved_model_scores_other_evidence() {
    let folder = tempfile::tempdir().expect("a folder");
    let trained = with_model(&small_case(), &Plan::standard(), None, Some(folder.path()));
    let other = MemoryStore::of("other.evtx", vec![creation(1, "chrome.exe", "explorer.exe", 1), creation(2, "cmd.exe", "winword.exe", 2)]);
    let scored = with_model(&other, &Plan::standard(), Some(folder.path()), None);
    assert!(!trained.model_id.is_empty());
    let ranked = rank(scored.subjects).subjects;
    assert_eq!(ranked.iter().map(|subject| subject.title.as_ref()).collect::<Vec<_>>(), ["event 2", "event 1"]);
    assert!(ranked[0].loss > ranked[1].loss && ranked[0].rarity > ranked[1].rarity);
    // A damaged model is an error in words.
    let words = folder.path().join("fields-words.json");
    let text = std::fs::read_to_string(&words).expect("words").replace("chrome", "chromy");
    std::fs::write(&words, text).expect("written");
    let (device, control, plan) = (Device::cpu(), Control::silent(), Plan::standard());
    let input = Input { case: &other, baseline: &[], plan: &plan, device: &device, model: Some(folder.path()), save_model: None, control: &control };
    let error = Fields.run(&input, &mut |_| ()).err().expect("an error").to_string();
    assert!(error.contains("damaged"), "{error}");
}

/// A Task Scheduler estate of 100 hosts: about 8,465 unique events, three planted.
fn estate() -> MemoryStore {
    let mut events = Vec::new();
    for host in 0..100u32 {
        for n in 0..85u32 {
            if host == 99 && n >= 47 {
                break;
            }
            let mix = (host * 31 + n * 17) % 97;
            let task = n % 40;
            let (id, name) = [(100, "TaskStartEvent"), (102, "TaskSuccessEvent"), (129, "CreatedTaskProcess"), (200, "ActionStart"), (201, "ActionSuccess")]
                [(n % 5) as usize];
            let user = if n < 60 { format!("CORP\\HOST{host:03}$") } else { format!("CORP\\user{:03}", (host + n) % 120) };
            let sid = if mix == 0 { "S-1-5-19" } else { "S-1-5-18" };
            let result = if n % 5 == 4 { Some(if mix == 1 { "2147942402" } else { "0" }) } else { None };
            let action = (n % 5 > 2).then(|| format!("C:\\Windows\\System32\\tool{task:02}.exe"));
            events.push(task_event(
                host,
                (host * 85 + n) as i64,
                id,
                name,
                &format!("\\Vendor\\Task{task:02}-{}", n / 40),
                sid,
                result,
                action.as_deref(),
                &user,
            ));
        }
    }
    let planted = 9_000_000;
    events.push(task_event(
        42,
        planted,
        201,
        "ActionSuccess",
        "\\zz\\Sync",
        "S-1-5-21-1-2-3-1104",
        Some("2147943467"),
        Some("C:\\Users\\Public\\x.exe"),
        "NT\\zed",
    ));
    events.push(task_event(
        17,
        planted + 1,
        201,
        "ActionSuccess",
        "\\Vendor\\Task19-0",
        "S-1-5-18",
        Some("2147943467"),
        Some("C:\\Windows\\System32\\tool19.exe"),
        "CORP\\HOST017$",
    ));
    events.push(task_event(50, planted + 2, 100, "TaskStartEvent", "\\Vendor\\Task21-1", "S-1-5-18", None, None, "CORP\\HOST050$"));
    MemoryStore::of("tasks.evtx", events)
}

#[expect(clippy::too_many_arguments, reason = "one per column of the published method")]
fn task_event(host: u32, second: i64, id: u32, name: &str, task: &str, sid: &str, result: Option<&str>, action: Option<&str>, user: &str) -> Event {
    let mut fields = serde_json::json!({"EventData@Name": name, "TaskName": task, "UserName": user, "System": {"Security": {"UserID": sid}}});
    if let Some(result) = result {
        fields["ResultCode"] = result.into();
    }
    if let Some(action) = action {
        fields["ActionName"] = action.into();
    }
    Event {
        time: Some(second * 1_000_000_000),
        computer: Some(format!("host{host:03}.corp.local")),
        channel: Some(TASKS.into()),
        provider: Some("Microsoft-Windows-TaskScheduler".into()),
        event_id: Some(id),
        fields: fields.to_string(),
        ..Event::default()
    }
}

#[test]
fn the_published_network_passes_its_gates() {
    let plan = Plan { preset: Preset::Published, rank_by: RankBy::Loss, ..Plan::standard() };
    let detection = run(&estate(), &plan);
    let total = detection.subjects.len();
    println!("{total} unique events; {}", detection.remarks.join("; "));
    assert!((8_300..8_600).contains(&total), "{total}");
    let ranked = rank(detection.subjects).subjects;
    let place = |second: i64| ranked.iter().find(|subject| subject.first_seen == Some(second * 1_000_000_000)).map_or(0, |subject| subject.rank as usize);
    let (very, little, average) = (place(9_000_000), place(9_000_001), place(9_000_002));
    println!("very unique {very}, not so unique {little}, average {average} of {total}");
    assert!((1..=20).contains(&very), "very unique: {very}");
    assert!(little > very && little * 1000 <= total * 32, "not so unique: {little}");
    assert!(average > little && average * 100 > total * 15, "average: {average}");
}

#[test]
fn the_published_network_says_why_it_cannot_run() {
    let (device, control, plan) = (Device::cpu(), Control::silent(), Plan { preset: Preset::Published, ..Plan::standard() });
    let store = small_case();
    let input = Input { case: &store, baseline: &[], plan: &plan, device: &device, model: None, save_model: None, control: &control };
    let error = Fields.run(&input, &mut |_| ()).err().expect("an error").to_string();
    assert!(error.contains("at least 100") && error.contains("there are 0"), "{error}");
}

#[test]
fn the_sequence_variant_takes_every_event_and_finds_the_one_that_breaks_the_rhythm() {
    let mut events: Vec<Event> = (0..430)
        .map(|n| task_event(1, n * 60, [100, 200, 201, 102][(n % 4) as usize], "TaskEvent", "\\Updater", "S-1-5-18", None, Some("updater.exe"), "SYSTEM"))
        .collect();
    events[400] = task_event(1, 400 * 60, 141, "TaskDeleted", "\\ZZ Evil", "S-1-5-21-9", None, Some("zz.exe"), "zed");
    let mut plan = Plan { preset: Preset::Published, rank_by: RankBy::Loss, ..Plan::standard() };
    plan.settings.fields.sequence = true;
    let detection = run(&MemoryStore::of("tasks.evtx", events.clone()), &plan);
    assert_eq!(detection.subjects.len(), 430, "nothing is collapsed");
    assert!(detection.remarks[0].contains("32157 parameters"), "{:?}", detection.remarks);
    let worst = (0..430).max_by(|a, b| detection.subjects[*a].loss.unwrap().total_cmp(&detection.subjects[*b].loss.unwrap())).unwrap();
    assert_eq!(worst, 400);
    let parts = detection.explain.explain(worst);
    assert!(parts[0].share > 0.0 && !parts[0].observed.is_empty() && !parts[0].expected.is_empty(), "{parts:?}");
    events.truncate(399);
    let (device, control, store) = (Device::cpu(), Control::silent(), MemoryStore::of("tasks.evtx", events));
    let input = Input { case: &store, baseline: &[], plan: &plan, device: &device, model: None, save_model: None, control: &control };
    let error = Fields.run(&input, &mut |_| ()).err().unwrap().to_string();
    assert!(error.contains("at least 400") && error.contains("399"), "{error}");
}
