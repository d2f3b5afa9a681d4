//! Leave one case out: how well the event-field detector ranks each labelled case of the shared corpus, learned from the case itself and from the
//! ordinary part of the others; then the process-chain detector over the cases with process creations, pooled. Prints Markdown tables; says so and
//! ends when the corpus is not there.
//!
//! `cargo bench --bench cases` for all, `cargo bench --bench cases -- NAME...` for some cases.
#![expect(clippy::expect_used, reason = "a command for developers")]

use residue::control::Control;
use residue::detect::memory::{MemorySink, MemoryStore};
use residue::detect::{Detector, Input, fields::Fields, registry};
use residue::domain::{Detection, DetectorId, EventStore, Plan, Preset, Subject};
use residue::ingest::{Options, ingest};
use residue::nn::Device;
use residue::score::{Label, Metrics, Outcome, Truth, TruthMember, measure, rank};
use std::path::{Path, PathBuf};
use std::time::Instant;

struct Case {
    name: String,
    store: MemoryStore,
    ordinary: MemoryStore,
    labels: std::collections::HashMap<residue::domain::EventKey, Label>,
}

fn load(folder: &Path) -> Case {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "evtx")).collect();
    files.sort();
    let sink = MemorySink::default();
    ingest(&files, &sink, &Options::default(), &Control::silent()).expect("ingest");
    let store = sink.store();
    let mut truth = Truth::default();
    if let Ok(text) = std::fs::read_to_string(folder.join("truth.jsonl")) {
        truth.add(&text).expect("truth");
    }
    let mut labels = std::collections::HashMap::new();
    store
        .scan(false, &Control::silent(), &mut |batch| {
            for event in batch {
                let source_file = store.sources()[event.key.source as usize].source_file.as_str();
                let member = TruthMember { source_file, record_id: event.record_id, computer: event.computer, process_guid: event.process_guid };
                labels.insert(event.key, truth.label(member));
            }
            Ok(())
        })
        .expect("scan");
    let ordinary = store.clone().filtered(|ledger, event| {
        let member = TruthMember {
            source_file: &ledger.source_file,
            record_id: event.record_id,
            computer: event.computer.as_deref(),
            process_guid: event.process_guid.as_deref(),
        };
        truth.label(member) == Label::Benign
    });
    Case { name: folder.file_name().expect("name").to_string_lossy().into_owned(), store, ordinary, labels }
}

/// None where the preset cannot rank this case.
fn run(case: &Case, baseline: &[&dyn EventStore], device: &Device, preset: Preset) -> Option<Detection> {
    let plan = Plan { preset, ..Plan::standard() };
    let control = Control::silent();
    let input = Input { case: &case.store, baseline, plan: &plan, device, model: None, save_model: None, control: &control };
    Fields.run(&input, &mut |_| ()).ok().filter(|detection| !detection.subjects.is_empty())
}

fn metrics(case: &Case, subjects: &[Subject], score: impl Fn(&Subject) -> Option<f64>) -> Metrics {
    let mut subjects = subjects.to_vec();
    for subject in &mut subjects {
        subject.score = score(subject).unwrap_or(f64::NAN);
    }
    let ranked = rank(subjects);
    let outcomes: Vec<Outcome> = ranked
        .subjects
        .iter()
        .filter_map(|subject| {
            let label = subject.members.iter().map(|key| case.labels[key]).max().unwrap_or(Label::Benign);
            (label != Label::Ignore).then_some(Outcome { score: subject.score, attack: label == Label::Attack })
        })
        .collect();
    measure(&outcomes)
}

type Column = (&'static str, fn(&Subject) -> Option<f64>);
const COLUMNS: [Column; 3] = [("rarity", |s| s.rarity), ("loss", |s| s.loss), ("recommended", |s| Some(s.learned? + s.prior?))];

fn main() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let Ok(folders) = std::fs::read_dir(corpus.join("cases")) else {
        println!("skipped: the corpus is not here");
        return;
    };
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut folders: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let cases: Vec<Case> = folders.iter().map(|folder| load(folder)).collect();
    let benign = load(&corpus.join("benign/rathbun_win10"));
    table("self-trained", &cases, &wanted, |_| Vec::new());
    table("with the other cases' ordinary part as baseline", &cases, &wanted, |case| {
        let others = cases.iter().filter(|other| other.name != case.name).map(|other| &other.ordinary as &dyn EventStore);
        others.chain([&benign.store as &dyn EventStore]).collect()
    });
    chains("self-trained", &cases, false);
    chains("with the other cases' ordinary part as baseline", &cases, true);
}

fn table<'a>(title: &str, cases: &'a [Case], wanted: &[String], baseline: impl Fn(&'a Case) -> Vec<&'a dyn EventStore>) {
    println!("\n### {title}\n");
    let names = COLUMNS.map(|(name, _)| name).into_iter().chain(["published"]).map(|name| format!(" {name} AUC / AP / P@20 / first |"));
    let names = names.collect::<Vec<_>>().concat();
    println!("| case | events | subjects | true |{names} seconds |\n|---|---|---|---|{}---|", "---|".repeat(COLUMNS.len() + 1));
    let device = Device::cpu();
    let mut sums = [[0.0; 4]; COLUMNS.len() + 1];
    for case in cases.iter().filter(|case| wanted.is_empty() || wanted.contains(&case.name)) {
        let baseline = baseline(case);
        let start = Instant::now();
        let detection = run(case, &baseline, &device, Preset::Recommended).expect("a detection");
        let seconds = start.elapsed().as_secs_f64();
        let all = COLUMNS.map(|(_, column)| metrics(case, &detection.subjects, column));
        let published = run(case, &baseline, &device, Preset::Published).map(|detection| metrics(case, &detection.subjects, |s| s.loss));
        let cells: String = all.iter().map(Some).chain([published.as_ref()]).zip(&mut sums).map(|(metrics, sum)| cell(metrics, sum)).collect();
        println!("| {} | {} | {} | {} |{cells} {seconds:.1} |", case.name, case.store.events(), all[0].subjects, all[0].attacks);
    }
    let means = sums.map(|[auc, ap, at_20, n]| format!(" **{:.3} / {:.3} / {:.2}** ({n}) |", auc / n, ap / n, at_20 / n));
    println!("| **mean** (of cases) | | | |{} |", means.concat());
}

/// One cell, added to its column's sums.
fn cell(metrics: Option<&Metrics>, sum: &mut [f64; 4]) -> String {
    let Some(metrics) = metrics else { return " n/a |".into() };
    let figures = [metrics.roc_auc.unwrap_or(f64::NAN), metrics.average_precision.unwrap_or(f64::NAN), metrics.at[1].1, 1.0];
    sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
    let first = metrics.first.map_or("-".into(), |first| first.to_string());
    format!(" {:.3} / {:.3} / {:.2} / {first} |", figures[0], figures[1], figures[2])
}

/// Cases with too few process creations to rank.
const WITHOUT_CREATIONS: [&str; 2] = ["otrf_empire_schtasks_user", "tasks_dc01_planted"];
const PARTS: [Column; 5] =
    [("rarity", |s| s.rarity), ("loss", |s| s.loss), ("learned", |s| s.learned), ("prior", |s| s.prior), ("recommended", |s| Some(s.learned? + s.prior?))];

/// Both presets of the chain detector, all cases' subjects in one ranking.
fn chains(title: &str, cases: &[Case], with_baseline: bool) {
    println!("\n### process chains, {title}, pooled\n\n| score | subjects | true | AUC | AP |\n|---|---|---|---|---|");
    let detector = registry().into_iter().find(|detector| detector.id() == DetectorId::Chains).expect("a chain detector");
    let (device, control) = (Device::cpu(), Control::silent());
    let mut pools: Vec<(String, Vec<Outcome>)> = Vec::new();
    for preset in [Preset::Recommended, Preset::Published] {
        let (plan, columns) = match preset {
            Preset::Recommended => (Plan::standard(), PARTS.as_slice()),
            Preset::Published => (Plan { preset, ..Plan::standard() }, &PARTS[1..2]),
        };
        let first = pools.len();
        pools.extend(columns.iter().map(|(name, _)| (if preset == Preset::Published { format!("published {name}") } else { (*name).into() }, Vec::new())));
        for case in cases.iter().filter(|case| !WITHOUT_CREATIONS.contains(&case.name.as_str())) {
            let others = cases.iter().filter(|other| with_baseline && other.name != case.name);
            let baseline: Vec<&dyn EventStore> = others.map(|other| &other.ordinary as &dyn EventStore).collect();
            let input = Input { case: &case.store, baseline: &baseline, plan: &plan, device: &device, model: None, save_model: None, control: &control };
            let detection = detector.run(&input, &mut |_| ()).expect("a detection");
            for subject in &detection.subjects {
                let label = subject.members.iter().map(|key| case.labels[key]).max().unwrap_or(Label::Benign);
                for ((_, column), (_, pool)) in columns.iter().zip(&mut pools[first..]).filter(|_| label != Label::Ignore) {
                    pool.extend(column(subject).map(|score| Outcome { score, attack: label == Label::Attack }));
                }
            }
        }
    }
    for (name, pool) in pools {
        let metrics = measure(&pool);
        let figure = |value: Option<f64>| format!("{:.3}", value.unwrap_or(f64::NAN));
        println!("| {name} | {} | {} | {} | {} |", metrics.subjects, metrics.attacks, figure(metrics.roc_auc), figure(metrics.average_precision));
    }
}
