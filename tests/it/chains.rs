//! Process model and process chains.

use crate::memory::MemoryStore;
use crate::support::corpus;
use residue::control::Control;
use residue::detect::{Input, registry};
use residue::domain::{Detection, DetectorId, Event, EventStore, Integrity, Ledger, Parent, Plan, Preset, Processes, Step, Subject};
use residue::features::lineage::processes;
use residue::nn::Device;
use residue::score::{Label, Metrics, Outcome, Truth, TruthMember, measure};
use std::time::Instant;

const SECOND: i64 = 1_000_000_000;

fn guid(n: u64) -> String {
    format!("{{00000000-0000-0000-0000-{n:012x}}}")
}

fn sysmon(second: i64, n: u64, parent: u64, image: &str, parent_image: &str) -> Event {
    Event {
        time: Some(second * SECOND),
        computer: Some("HOST.lab".into()),
        channel: Some("Microsoft-Windows-Sysmon/Operational".into()),
        provider: Some("Microsoft-Windows-Sysmon".into()),
        event_id: Some(1),
        process_guid: Some(guid(n)),
        parent_guid: Some(guid(parent)),
        pid: Some(n as u32 * 4),
        ppid: Some(parent as u32 * 4),
        image: Some(image.into()),
        parent_image: Some(parent_image.into()),
        command_line: Some(format!("{image} -x")),
        user: Some(r"LAB\ann".into()),
        fields: r#"{"IntegrityLevel":"High","LogonId":"0x3e7"}"#.into(),
        ..Event::default()
    }
}

fn security(second: i64, pid: u32, ppid: u32, image: &str, parent_image: Option<&str>) -> Event {
    Event {
        time: Some(second * SECOND),
        computer: Some("host.lab".into()),
        channel: Some("Security".into()),
        provider: Some("Microsoft-Windows-Security-Auditing".into()),
        event_id: Some(4688),
        pid: Some(pid),
        ppid: Some(ppid),
        image: Some(image.into()),
        parent_image: parent_image.map(Into::into),
        fields: r#"{"EventData":{"MandatoryLabel":"S-1-16-8192","TargetLogonId":"0x0","SubjectLogonId":"0x1a"}}"#.into(),
        ..Event::default()
    }
}

fn exit(second: i64, pid: u32, image: &str) -> Event {
    Event { event_id: Some(4689), ppid: None, ..security(second, pid, 0, image, None) }
}

fn join(events: Vec<Event>) -> Processes {
    processes(&MemoryStore::new(events), &Control::silent()).unwrap()
}

fn names(processes: &Processes, leaf: u32) -> Vec<String> {
    processes.lineage(leaf, 6).into_iter().map(|step| processes.image(step).to_owned()).collect()
}

#[test]
fn a_guid_joins_child_and_parent_and_a_missing_parent_is_a_stub() {
    let all = join(vec![sysmon(10, 2, 1, "b.exe", "a.exe"), sysmon(20, 3, 2, "c.exe", "b.exe"), sysmon(30, 4, 1, "d.exe", "a.exe")]);
    assert_eq!(names(&all, 1), ["a.exe", "b.exe", "c.exe"]);
    assert_eq!(all.list[1].parent, Parent::Known(0));
    assert_eq!((all.list[0].parent, all.list[2].parent), (Parent::Stub(0), Parent::Stub(0)), "both children name the same stub");
    assert_eq!(all.stubs.len(), 1);
    assert_eq!(all.lineage(1, 2), [Step::Process(0), Step::Process(1)], "no more steps than asked for");
    assert_eq!((all.list[0].integrity, all.list[0].logon_id), (Integrity::High, Some(0x3e7)));
    assert_eq!(all.children().of_stub[0], [0, 2]);
}

#[test]
fn a_reused_pid_belongs_to_the_process_alive_at_the_time() {
    let all = join(vec![
        security(10, 100, 4, r"C:\first.exe", None),
        exit(20, 100, r"C:\first.exe"),
        security(30, 100, 4, r"C:\second.exe", None),
        security(15, 200, 100, r"C:\child-of-first.exe", None),
        security(40, 201, 100, r"C:\child-of-second.exe", None),
        security(25, 202, 100, r"C:\between.exe", Some(r"C:\third.exe")),
    ]);
    let find = |image: &str| all.list.iter().position(|p| p.image.contains(image)).unwrap() as u32;
    assert_eq!(names(&all, find("child-of-first")), ["System", r"C:\first.exe", r"C:\child-of-first.exe"]);
    assert_eq!(names(&all, find("child-of-second")), ["System", r"C:\second.exe", r"C:\child-of-second.exe"]);
    assert_eq!(names(&all, find("between")), [r"C:\third.exe", r"C:\between.exe"], "first.exe had ended: a stub named by the child");
    assert_eq!(all.list[0].end, Some(20 * SECOND));
    assert_eq!((all.list[0].integrity, all.list[0].logon_id), (Integrity::Medium, Some(0x1a)));
}

#[test]
fn a_parent_image_that_disagrees_is_not_the_parent() {
    let all = join(vec![security(10, 100, 4, r"C:\old.exe", None), security(500, 200, 100, r"C:\child.exe", Some(r"C:\new.exe"))]);
    assert_eq!(names(&all, 1), [r"C:\new.exe", r"C:\child.exe"]);
}

#[test]
fn both_logs_of_one_creation_make_one_process() {
    let mut other_host = security(11, 8, 4, "b.exe", Some("a.exe"));
    other_host.computer = Some("other.lab".into());
    let all = join(vec![
        sysmon(10, 2, 1, r"C:\b.exe", "a.exe"),
        security(11, 8, 4, r"C:\B.EXE", Some("a.exe")),
        security(300, 8, 4, r"C:\b.exe", Some("a.exe")),
        other_host,
        security(12, 50, 8, r"C:\c.exe", None),
        Event { process_guid: Some(guid(2)), ..exit(20, 8, r"C:\b.exe") },
    ]);
    assert_eq!(all.list.len(), 4);
    let joined = &all.list[0];
    assert_eq!((joined.key.record, joined.twin.map(|k| k.record), joined.event_id), (1, Some(2), 1));
    assert_eq!(joined.end, Some(20 * SECOND));
    let child = all.list.iter().position(|p| &*p.image == r"C:\c.exe").unwrap() as u32;
    assert_eq!(names(&all, child), ["a.exe", r"C:\b.exe", r"C:\c.exe"], "Security's child finds Sysmon's parent by process ID");
}

#[test]
fn lost_process_ids_join_by_command_line() {
    let lost = |mut event: Event| {
        (event.pid, event.ppid) = (None, None);
        event
    };
    let told = |line: &str, mut event: Event| {
        event.command_line = Some(line.into());
        event
    };
    let all = join(vec![
        lost(told("net use x", sysmon(10, 2, 1, r"C:\net.exe", "a.exe"))),
        lost(told("net user", sysmon(10, 3, 1, r"C:\net.exe", "a.exe"))),
        told("net user", security(10, 700, 4, r"C:\net.exe", None)),
        told("net use x", security(11, 704, 4, r"C:\net.exe", None)),
    ]);
    let seen: Vec<_> = all.list.iter().map(|p| (p.command_line.as_deref(), p.pid)).collect();
    assert_eq!(seen, [(Some("net use x"), Some(704)), (Some("net user"), Some(700))]);
}

#[test]
fn hostile_logs_make_no_circles() {
    let mut events =
        vec![sysmon(10, 1, 2, "a.exe", "b.exe"), sysmon(10, 2, 3, "b.exe", "c.exe"), sysmon(10, 3, 1, "c.exe", "a.exe"), sysmon(10, 4, 4, "d.exe", "d.exe")];
    events.push(Event { event_id: Some(1), fields: "{".into(), ..Event::default() });
    events.push(Event { event_id: Some(4688), image: Some("x".into()), fields: "not json".into(), ..Event::default() });
    let all = join(events);
    assert_eq!(all.list.len(), 5, "an event that names nothing is no process");
    for leaf in 0..all.list.len() as u32 {
        assert!(all.lineage(leaf, 1000).len() <= 4);
    }
}

#[test]
fn a_million_creations_join_within_bounds() {
    let count = 1_000_000_u64;
    let events: Vec<Event> = (0..count)
        .map(|n| {
            let image = format!(r"C:\Windows\System32\p{}.exe", n % 500);
            let mut event = sysmon(n as i64 / 50, n + 2, n / 3 + 1, &image, r"C:\Windows\explorer.exe");
            event.command_line = Some(format!("{image} -n {n}"));
            event
        })
        .collect();
    let store = MemoryStore::new(events);
    let started = Instant::now();
    let all = processes(&store, &Control::silent()).unwrap();
    let took = started.elapsed();
    eprintln!("{count} creations joined in {:.1} s", took.as_secs_f64());
    assert_eq!(all.list.len(), count as usize);
    // 4 s on two idle cores; the bound of 20 s is kept by the benchmarks, this one holds on a busy machine too.
    assert!(took.as_secs() < 90, "took {took:?}");
}

/// The shared cases with process creations.
const CASES: [&str; 6] =
    ["aptsim_server2022", "capattack_T1003_001", "otrf_aptsimulator_cobaltstrike", "otrf_covenant_wmi_wbemcomn", "otrf_schtask_modification", "splunk_T1047"];

struct Case {
    name: &'static str,
    store: MemoryStore,
    ordinary: MemoryStore,
    truth: Truth,
}

fn cases() -> Option<Vec<Case>> {
    let load = |name: &'static str| {
        let folder = corpus(&format!("cases/{name}"))?;
        let store = MemoryStore::read(std::slice::from_ref(&folder));
        let truth = Truth::read(&std::fs::read_to_string(folder.join("truth.jsonl")).unwrap()).unwrap();
        let ordinary = store.filtered(|ledger, event| truth.label(member(ledger, event)) == Label::Benign);
        Some(Case { name, store, ordinary, truth })
    };
    CASES.into_iter().map(load).collect()
}

fn member<'a>(ledger: &'a Ledger, event: &'a Event) -> TruthMember<'a> {
    TruthMember {
        source_file: &ledger.source_file,
        record_id: event.record_id.or(Some(event.record)),
        computer: event.computer.as_deref(),
        process_guid: event.process_guid.as_deref(),
    }
}

fn detect(case: &MemoryStore, baseline: &[&dyn EventStore], plan: &Plan) -> Detection {
    let (device, control) = (Device::cpu(), Control::silent());
    let detector = registry().into_iter().find(|detector| detector.id() == DetectorId::Chains).unwrap();
    detector.applies(case).unwrap();
    let input = Input { case, baseline, plan, device: &device, model: None, save_model: None, control: &control };
    detector.run(&input, &mut |_| ()).unwrap()
}

/// Label of every subject of a case, none where it is left out.
fn labels(case: &Case, subjects: &[Subject]) -> Vec<Option<bool>> {
    let sources = case.store.sources();
    subjects
        .iter()
        .map(|subject| {
            let events: Vec<(usize, Event)> = subject.members.iter().map(|key| (key.source as usize, case.store.fetch(*key).unwrap().unwrap())).collect();
            match case.truth.subject(events.iter().map(|(source, event)| member(&sources[*source], event))).0 {
                Label::Attack => Some(true),
                Label::Benign => Some(false),
                Label::Ignore => None,
            }
        })
        .collect()
}

type Column = (&'static str, fn(&Subject) -> Option<f64>);
const COLUMNS: [Column; 5] =
    [("rarity", |s| s.rarity), ("loss", |s| s.loss), ("learned", |s| s.learned), ("prior", |s| s.prior), ("recommended", |s| Some(s.learned? + s.prior?))];

fn outcomes(scored: &[(Subject, bool)], column: Column) -> Vec<Outcome> {
    let mut list: Vec<Outcome> = scored.iter().filter_map(|(subject, attack)| Some(Outcome { score: column.1(subject)?, attack: *attack })).collect();
    list.sort_by(|a, b| b.score.total_cmp(&a.score));
    list
}

fn line(name: &str, scored: &[(Subject, bool)]) -> Vec<Metrics> {
    let all: Vec<Metrics> = COLUMNS.iter().map(|column| measure(&outcomes(scored, *column))).collect();
    let cells: Vec<String> = COLUMNS
        .iter()
        .zip(&all)
        .map(|((column, _), m)| format!("{column} {:.3}/{:.3}", m.roc_auc.unwrap_or(f64::NAN), m.average_precision.unwrap_or(f64::NAN)))
        .collect();
    eprintln!("{name:32} {:4} subjects {:3} true  {}", all[0].subjects, all[0].attacks, cells.join("  "));
    all
}

/// Leave one case out: the others' ordinary part is the baseline, or there is none. Pooled figures by column.
fn leave_one_out(cases: &[Case], plan: &Plan, with_baseline: bool) -> Vec<Metrics> {
    let mut pooled = Vec::new();
    for case in cases {
        let others: Vec<&dyn EventStore> =
            cases.iter().filter(|other| with_baseline && other.name != case.name).map(|other| &other.ordinary as &dyn EventStore).collect();
        let found = detect(&case.store, &others, plan);
        let labels = labels(case, &found.subjects);
        let scored: Vec<(Subject, bool)> = found.subjects.into_iter().zip(labels).filter_map(|(subject, label)| Some((subject, label?))).collect();
        line(case.name, &scored);
        pooled.extend(scored);
    }
    let sysmon: Vec<(Subject, bool)> = pooled.iter().filter(|(subject, _)| subject.event_id == Some(1)).cloned().collect();
    line("pooled, Sysmon creations", &sysmon);
    // Every member creation counted by itself.
    let each: Vec<(Subject, bool)> = sysmon.iter().flat_map(|(s, a)| std::iter::repeat_n((s.clone(), *a), s.count as usize)).collect();
    line("pooled, Sysmon, each creation", &each);
    line("pooled", &pooled)
}

#[test]
fn recommended_ranks_the_labelled_cases() {
    let Some(cases) = cases() else { return };
    let plan = Plan::standard();
    eprintln!("self-trained");
    leave_one_out(&cases, &plan, false);
    eprintln!("with the other cases' ordinary part as baseline");
    let pooled = leave_one_out(&cases, &plan, true);
    let figures = |at: usize| (pooled[at].roc_auc.unwrap(), pooled[at].average_precision.unwrap());
    assert!(figures(4).0 > figures(0).0 && figures(4).1 > figures(0).1, "recommended beats rarity");
    assert!(figures(4).0 >= 0.95 && figures(4).1 >= 0.85, "pooled {:?}", figures(4));
    assert!(figures(2).0 >= 0.74 && figures(2).1 >= 0.55, "learned part alone {:?}", figures(2));
}

#[test]
fn the_prior_can_be_switched_off() {
    let Some(folder) = corpus("cases/capattack_T1003_001") else { return };
    let case = MemoryStore::read(&[folder]);
    let found = detect(&case, &[], &Plan { prior: false, ..Plan::standard() });
    assert!(found.subjects.iter().all(|subject| subject.prior == Some(0.0) && Some(subject.score) == subject.learned));
    assert!(found.explain.explain(0).iter().all(|contribution| contribution.name != "dual-use programs"));
}

#[test]
fn published_runs_on_the_labelled_cases() {
    let Some(cases) = cases() else { return };
    let plan = Plan { preset: Preset::Published, ..Plan::standard() };
    let case = cases.iter().find(|case| case.name == "aptsim_server2022").unwrap();
    let others: Vec<&dyn EventStore> = cases.iter().filter(|other| other.name != case.name).map(|other| &other.ordinary as &dyn EventStore).collect();
    let found = detect(&case.store, &others, &plan);
    found.remarks.iter().for_each(|remark| eprintln!("{remark}"));
    let labels = labels(case, &found.subjects);
    let worst = found.subjects.iter().position(|subject| subject.loss.is_some_and(|loss| loss > 0.0)).unwrap();
    let reasons = found.explain.explain(worst);
    assert!((reasons.iter().map(|c| c.share).sum::<f64>() - 1.0).abs() < 1e-6 && reasons.iter().all(|c| !c.observed.is_empty() || c.name != "process"));
    line(case.name, &found.subjects.into_iter().zip(labels).filter_map(|(subject, label)| Some((subject, label?))).collect::<Vec<_>>());
}

#[test]
fn a_saved_model_scores_as_the_baseline_did() {
    let Some(cases) = cases() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (device, control, plan) = (Device::cpu(), Control::silent(), Plan::standard());
    let detector = registry().into_iter().find(|detector| detector.id() == DetectorId::Chains).unwrap();
    let baseline: [&dyn EventStore; 1] = [&cases[5].ordinary];
    let input =
        Input { case: &cases[1].store, baseline: &baseline, plan: &plan, device: &device, model: None, save_model: Some(folder.path()), control: &control };
    let trained = detector.run(&input, &mut |_| ()).unwrap();
    let loaded = detector.run(&Input { baseline: &[], model: Some(folder.path()), save_model: None, ..input }, &mut |_| ()).unwrap();
    let scores = |found: &Detection| found.subjects.iter().map(|s| (s.title.clone(), s.score, s.loss)).collect::<Vec<_>>();
    assert_eq!(scores(&trained), scores(&loaded));
    std::fs::write(folder.path().join("autoencoder.json"), "{}").unwrap();
    assert!(detector.run(&Input { baseline: &[], model: Some(folder.path()), save_model: None, ..input }, &mut |_| ()).is_err());
}

/// `cargo test --release --test it chains::fifty_thousand -- --ignored --nocapture`
#[test]
#[ignore = "a minute and more"]
fn fifty_thousand_chains_train_and_score_within_three_minutes() {
    let estate = |salt: u64| {
        let events = (0..50_000_u64).map(|n| {
            let image = format!(r"C:\Program Files\vendor{}\app{}\tool{}.exe", n % 97, n % 1009, (n + salt) % 4001);
            let parent = format!(r"C:\Windows\System32\host{}.exe", n % 211);
            let mut event = sysmon(n as i64, n + 1_000_000, n % 211 + 1, &image, &parent);
            event.command_line = Some(format!("{image} -mode m{} -x{}", n % 53, n % 7919));
            event
        });
        MemoryStore::new(events.collect())
    };
    let (case, baseline) = (estate(7), estate(0));
    let started = Instant::now();
    let found = detect(&case, &[&baseline], &Plan::standard());
    let took = started.elapsed();
    eprintln!("{} unique chains trained and scored in {:.0} s", found.subjects.len(), took.as_secs_f64());
    assert!(took.as_secs() < 180);
}
