//! Process behaviour on the shared corpus: how well each network learns the labels (whole groups held out, and at random), the autoencoder beside
//! rarity on the labelled cases, and how long a million Sysmon events take. Prints Markdown tables; says so where the corpus is not there.
//!
//! `cargo bench --bench process` for all, `-- networks [NAME...]`, `-- cases`, `-- speed` for a part.
#![expect(clippy::expect_used, reason = "a command for developers")]

use residue::control::Control;
use residue::detect::memory::{MemorySink, MemoryStore};
use residue::detect::process::{ProcessBehaviour, count};
use residue::detect::{Detector, Input};
use residue::domain::{Detection, Event, Plan, ProcessLabel, Subject};
use residue::export::read_labels;
use residue::ingest::{Options, ingest};
use residue::nn::{Device, RecurrentConfig};
use residue::score::{Label, Outcome, Truth, TruthMember, measure};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Parts that groups are held out in: some networks take minutes each.
const FOLDS: usize = 5;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let part = |name: &str| wanted.is_empty() || wanted.first().is_some_and(|first| first == name);
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if !corpus.exists() {
        println!("the corpus is not here: speed alone");
    }
    if part("networks") && corpus.exists() {
        networks(&corpus.join("sysmon_sequences"), wanted.get(1..).unwrap_or_default());
    }
    if part("cases") && corpus.exists() {
        cases(&corpus.join("cases"));
    }
    if part("speed") {
        speed();
    }
}

fn load(files: &[PathBuf]) -> MemoryStore {
    let sink = MemorySink::default();
    ingest(files, &sink, &Options::default(), &Control::silent()).expect("ingest");
    sink.store()
}

fn run(store: &MemoryStore, plan: &Plan) -> Detection {
    let (device, control) = (Device::cpu(), Control::silent());
    let input = Input { case: store, baseline: &[], plan, device: &device, model: None, save_model: None, control: &control };
    ProcessBehaviour.run(&input, &mut |_| ()).expect("a detection")
}

fn networks(folder: &Path, wanted: &[String]) {
    let store = load(&[folder.join("events.csv")]);
    let labels: Vec<ProcessLabel> = read_labels(&folder.join("labels.csv")).expect("labels").labels;
    println!("### networks, groups held out in {FOLDS} parts, and 5 parts at random\n");
    println!("| network | names | grouped AUC / AP | TP FP TN FN | random AUC / AP | seconds |\n|---|---|---|---|---|---|");
    let ours = [("recommended", true), ("linear", true), ("recommended", false), ("linear", false)];
    for (network, names) in ours.into_iter().chain(RecurrentConfig::NAMES.map(|name| (name, true))) {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == network) {
            continue;
        }
        let mut plan = Plan { labelled: labels.clone(), ..Plan::standard() };
        let settings = &mut plan.settings.process;
        (settings.network, settings.names, settings.folds) = (network.into(), names, FOLDS);
        let start = Instant::now();
        let trials = run(&store, &plan).trials.expect("trials");
        let figures = |scores: &[(f64, bool)]| {
            let metrics = measure(&scores.iter().map(|&(score, attack)| Outcome { score, attack }).collect::<Vec<_>>());
            format!("{:.3} / {:.3}", metrics.roc_auc.unwrap_or(f64::NAN), metrics.average_precision.unwrap_or(f64::NAN))
        };
        let count = |called: bool, malicious: bool| trials.grouped.iter().filter(|(score, truth)| (*score >= 0.0) == called && *truth == malicious).count();
        println!(
            "| {network} | {} | {} | {} {} {} {} | {} | {:.0} |",
            if names { "yes" } else { "no" },
            figures(&trials.grouped),
            count(true, true),
            count(true, false),
            count(false, false),
            count(false, true),
            figures(&trials.random),
            start.elapsed().as_secs_f64()
        );
    }
}

type Column = (&'static str, fn(&Subject) -> Option<f64>);
const COLUMNS: [Column; 3] = [("rarity", |s| s.rarity), ("loss", |s| s.loss), ("recommended", |s| s.learned)];

fn cases(folder: &Path) {
    println!(
        "\n### without labels, learned from the case itself: AUC / AP\n\n| case | processes | true | rarity | loss | recommended |\n|---|---|---|---|---|---|"
    );
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let (mut sums, mut counted) = ([[0.0; 2]; 3], 0.0);
    for folder in folders {
        let Ok(text) = std::fs::read_to_string(folder.join("truth.jsonl")) else { continue };
        let mut truth = Truth::default();
        truth.add(&text).expect("truth");
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&folder).expect("a folder").flatten().map(|e| e.path()).filter(|path| path.extension().is_some_and(|e| e == "evtx")).collect();
        files.sort();
        let store = load(&files);
        if ProcessBehaviour.applies(&store).is_err() {
            continue;
        }
        let labels = labels(&store, &truth);
        let detection = run(&store, &Plan::standard());
        let label = |subject: &Subject| subject.members.iter().filter_map(|key| labels.get(key)).max().copied().unwrap_or(Label::Benign);
        let figures = COLUMNS.map(|(_, column)| {
            let scored = detection.subjects.iter().filter(|s| label(s) != Label::Ignore);
            let outcomes: Vec<Outcome> = scored.filter_map(|s| column(s).map(|score| Outcome { score, attack: label(s) == Label::Attack })).collect();
            let metrics = measure(&outcomes);
            ([metrics.roc_auc.unwrap_or(f64::NAN), metrics.average_precision.unwrap_or(f64::NAN)], metrics.subjects, metrics.attacks)
        });
        let (_, subjects, attacks) = figures[0];
        if attacks == 0 || attacks == subjects {
            continue;
        }
        let cells: Vec<String> = figures.iter().map(|([auc, ap], ..)| format!("{auc:.3} / {ap:.3}")).collect();
        println!("| {} | {subjects} | {attacks} | {} |", folder.file_name().expect("a name").to_string_lossy(), cells.join(" | "));
        for (sum, (figures, ..)) in sums.iter_mut().zip(figures) {
            sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
        }
        counted += 1.0;
    }
    let means: Vec<String> = sums.iter().map(|[auc, ap]| format!("**{:.3} / {:.3}**", auc / counted, ap / counted)).collect();
    println!("| **mean** | | | {} |", means.join(" | "));
}

fn labels(store: &MemoryStore, truth: &Truth) -> std::collections::HashMap<residue::domain::EventKey, Label> {
    use residue::domain::EventStore;
    let mut labels = std::collections::HashMap::new();
    let each = &mut |batch: &[residue::domain::EventRef<'_>]| {
        for event in batch {
            let source_file = store.sources()[event.key.source as usize].source_file.as_str();
            let member = TruthMember { source_file, record_id: event.record_id, computer: event.computer, process_guid: event.process_guid };
            labels.insert(event.key, truth.label(member));
        }
        Ok(())
    };
    store.scan(false, &Control::silent(), each).expect("scan");
    labels
}

/// A million events of 20,000 processes on 20 hosts, into sequences.
fn speed() {
    let events: Vec<Event> = (0..1_000_000_usize)
        .map(|at| {
            let (process, step) = (at % 20_000, at / 20_000);
            let (host, id) = (process % 20, [7, 7, 7, 12, 13, 11, 10, 3][step % 8]);
            let fields = match id {
                7 => format!(r#"{{"RuleName":"-","UtcTime":"2020-01-01 00:00:00.000","ImageLoaded":"C:\\Windows\\System32\\lib{}.dll","Signed":"true","System":{{"EventID":7,"Computer":"host"}}}}"#, at % 400),
                3 => format!(r#"{{"Protocol":"tcp","Initiated":"true","SourceIp":"10.0.0.1","DestinationIp":"10.0.{}.5","DestinationPort":"{}"}}"#, at % 200, 400 + at % 90),
                10 => format!(r#"{{"TargetImage":"C:\\Windows\\System32\\p{}.exe","GrantedAccess":"0x1fffff"}}"#, at % 60),
                11 => format!(r#"{{"TargetFilename":"C:\\Users\\user{}\\AppData\\Local\\Temp\\f{at}.tmp"}}"#, at % 30),
                _ => format!(r#"{{"EventType":"SetValue","TargetObject":"HKLM\\System\\CurrentControlSet\\Services\\s{}\\Start","Details":"DWORD"}}"#, at % 3000),
            };
            Event {
                time: Some(at as i64 * 1_000_000),
                record: at as u64 + 1,
                computer: Some(format!("host{host}")),
                channel: Some("Microsoft-Windows-Sysmon/Operational".into()),
                provider: Some("Microsoft-Windows-Sysmon".into()),
                event_id: Some(id),
                pid: Some(process as u32),
                process_guid: Some(format!("{{{process:08x}-0000-0000-0000-000000000001}}")),
                image: Some(format!(r"C:\Program Files\App {}\app{}.exe", process % 50, process % 300)),
                fields,
                ..Event::default()
            }
        })
        .collect();
    let store = MemoryStore::of("Sysmon.evtx", events);
    let start = Instant::now();
    let (processes, events) = count(&store, &Control::silent()).expect("sequences");
    println!("\nsequences: {processes} processes of {events} events in {:.2} s (< 15 s)", start.elapsed().as_secs_f64());
}
