//! Leads over the labelled cases of the shared corpus and over synthetic estates; says so and ends when neither is there.
//!
//! `cargo bench --bench leads` prints both tables (learned from the case itself, and with the other cases' ordinary part as baseline), then the order
//! of single events; `-- synth` the synthetic estates of 200,000 events; `-- calibrate` what strengths are told by, a lead a line, with its label;
//! `-- NAME...` some cases; `-- no-prior` without knowledge tables.
#![expect(clippy::expect_used, reason = "a command for developers")]

use residue::case::Case;
use residue::control::Control;
use residue::domain::{EventKey, EventStore, Leads, Plan, Strength, Threshold};
use residue::engine::{self, Happening};
use residue::leads::{Ground, with_features};
use residue::score::{Label, LeadOutcome, Metrics, Outcome, Truth, TruthMember, measure, measure_leads};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

struct Silent;

impl engine::Emit for Silent {
    fn emit(&self, _: Happening) {}
}

struct Labels {
    events: BTreeMap<EventKey, (Label, String)>,
    truth: Truth,
}

fn labels(case: &Case, truth: Truth) -> Labels {
    let snapshot = case.snapshot();
    let mut events = BTreeMap::new();
    snapshot
        .scan(false, &Control::silent(), &mut |batch| {
            for event in batch {
                let source_file = snapshot.sources()[event.key.source as usize].source_file.as_str();
                let member = TruthMember { source_file, record_id: event.record_id, computer: event.computer, process_guid: event.process_guid };
                events.insert(event.key, (truth.label(member), event.computer.unwrap_or_default().to_owned()));
            }
            Ok(())
        })
        .expect("a scan");
    Labels { events, truth }
}

struct Result {
    leads: Leads,
    outcomes: Vec<LeadOutcome>,
    features: Vec<residue::leads::Features>,
    order: Metrics,
    fields: Metrics,
    seconds: f64,
    events: u64,
    days: BTreeSet<(String, i64)>,
}

fn run(paths: &[PathBuf], truth: &[PathBuf], plan: &Plan) -> Result {
    let control = Control::silent();
    let case = Case::temporary().expect("a case");
    engine::read_into(&case, paths, None, &control).expect("read");
    let mut told = Truth::default();
    for path in truth {
        told.add(&std::fs::read_to_string(path).expect("truth")).expect("truth");
    }
    let labels = labels(&case, told);
    let analysis = engine::analyse(&case, plan, engine::Keep::Nothing, &control, &Silent).expect("an analysis");
    let start = Instant::now();
    let ground: Ground = engine::survey(&case, plan, &control).expect("a ground");
    let reports: Vec<_> = analysis.rankings.iter().map(|ranking| ranking.report.as_ref()).collect();
    let (leads, features) = with_features(&ground, &reports);
    let seconds = start.elapsed().as_secs_f64();
    let label = |key: &EventKey| labels.events.get(key).map_or(Label::Benign, |(label, _)| *label);
    let outcomes = leads
        .list
        .iter()
        .map(|lead| {
            let processes: BTreeSet<String> = lead
                .processes
                .iter()
                .filter_map(|process| {
                    let guid = process.guid?.to_string();
                    let member = TruthMember { computer: Some(&process.computer), process_guid: Some(&guid), ..TruthMember::default() };
                    (labels.truth.label(member) == Label::Attack).then_some(guid)
                })
                .collect();
            let events: BTreeSet<String> = lead.events.iter().filter(|key| label(key) == Label::Attack).map(|key| format!("{key:?}")).collect();
            LeadOutcome { attack: !processes.is_empty() || !events.is_empty(), processes, events, above_weak: lead.strength > Strength::Weak }
        })
        .collect();
    let subject = |detector, index: u32| analysis.rankings.iter().find(|r| r.report.detector == detector).map(|r| &r.report.subjects[index as usize]);
    let outcome = |keys: &mut dyn Iterator<Item = &EventKey>, score: f64| {
        let worst = keys.map(label).max().unwrap_or(Label::Benign);
        (worst != Label::Ignore).then_some(Outcome { score, attack: worst == Label::Attack })
    };
    let order: Vec<Outcome> = leads
        .order
        .iter()
        .filter_map(|row| {
            let subject = subject(row.detector, row.subject)?;
            outcome(&mut std::iter::once(&subject.key).chain(&*subject.members), row.score)
        })
        .collect();
    let fields: Vec<Outcome> = analysis
        .rankings
        .iter()
        .filter(|r| r.report.detector == residue::domain::DetectorId::Fields)
        .flat_map(|r| &r.report.subjects)
        .filter_map(|subject| outcome(&mut std::iter::once(&subject.key).chain(&*subject.members), subject.score))
        .collect();
    let days = leads.list.iter().flat_map(|lead| {
        let day = lead.first_seen.unwrap_or(0) / 86_400_000_000_000;
        lead.computers.iter().map(move |computer| (computer.to_string(), day))
    });
    Result { outcomes, features, order: measure(&order), fields: measure(&fields), seconds, events: case.snapshot().events(), days: days.collect(), leads }
}

fn line(name: &str, result: &Result, sums: &mut Sums) {
    let metrics = measure_leads(&result.outcomes);
    let picture: String = result.outcomes.iter().take(10).map(|lead| if lead.attack { 'T' } else { '.' }).collect();
    let share = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.2}"));
    let figures = |m: &Metrics| format!("{:.3} / {:.3} / {:.2}", m.roc_auc.unwrap_or(f64::NAN), m.average_precision.unwrap_or(f64::NAN), m.at[1].1);
    println!(
        "| {name} | {} | {} | `{picture}` | {} | {} | {} ({}) of {} | {} | {} | {:.2} |",
        result.events,
        result.leads.total,
        share(metrics.processes_in_five),
        share(metrics.events_in_three),
        metrics.above_weak.0,
        metrics.above_weak.1,
        result.days.len(),
        figures(&result.fields),
        figures(&result.order),
        result.seconds
    );
    if std::env::var_os("WEIGHTS").is_some() {
        for weight in &result.leads.weights {
            println!("    {} {} {}", weight.detector.name(), weight.weight, weight.reason);
        }
        for lead in result.leads.list.iter().take(5) {
            println!("    {} {:.1} ({:.1} + {:.1}) {}: {}", lead.rank, lead.score, lead.learned, lead.prior, lead.strength.words(), lead.headline);
        }
    }
    sums.take(&metrics, result);
}

#[derive(Default)]
struct Sums {
    cases: f64,
    first: usize,
    three: usize,
    shares: Vec<f64>,
    fields: [f64; 3],
    order: [f64; 3],
}

impl Sums {
    fn take(&mut self, metrics: &residue::score::LeadMetrics, result: &Result) {
        self.cases += 1.0;
        self.first += usize::from(metrics.first == Some(1));
        self.three += usize::from(metrics.first.is_some_and(|first| first <= 3));
        self.shares.extend(metrics.processes_in_five);
        for (sums, of) in [(&mut self.fields, &result.fields), (&mut self.order, &result.order)] {
            let figures = [of.roc_auc.unwrap_or(0.0), of.average_precision.unwrap_or(0.0), of.at[1].1];
            sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
        }
    }

    fn print(&self) {
        let mean = |sums: [f64; 3]| sums.map(|sum| sum / self.cases);
        let ([a, b, c], [d, e, f]) = (mean(self.fields), mean(self.order));
        let share = self.shares.iter().sum::<f64>() / self.shares.len().max(1) as f64;
        println!(
            "\nfirst lead true in {} of {}, one of the first three in {}; processes in the first five {share:.3}; fields {a:.3} / {b:.3} / {c:.2}, order {d:.3} / {e:.3} / {f:.2}",
            self.first, self.cases, self.three
        );
    }
}

const HEAD: &str = "| case | events | leads | first ten | processes in five | events in three | above weak (true) of computer-days | fields AUC / AP / P@20 | order | seconds |\n|---|---|---|---|---|---|---|---|---|---|";

fn evidence(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "evtx")).collect();
    files.sort();
    if std::env::var_os("NO_SYSMON").is_some() {
        files.retain(|path| !path.to_string_lossy().contains("Sysmon"));
    }
    files
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let plan = || Plan { threshold: Threshold::Quantile(0.99), prior: !has("no-prior"), ..Plan::standard() };
    if has("synth") {
        synth(&plan(), has("calibrate"));
        return;
    }
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let Ok(folders) = std::fs::read_dir(corpus.join("cases")) else {
        println!("skipped: the corpus is not here");
        return;
    };
    let words = ["synth", "calibrate", "no-prior", "self", "baseline"];
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !words.contains(&argument.as_str())).collect();
    let mut folders: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let name = |folder: &Path| folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for with_baseline in [false, true] {
        if (has("self") || has("calibrate")) && with_baseline || has("baseline") && !with_baseline {
            continue;
        }
        println!("\n### {}\n\n{HEAD}", if with_baseline { "with the other cases' ordinary part as baseline" } else { "self-trained" });
        let mut sums = Sums::default();
        for folder in folders.iter().filter(|folder| wanted.is_empty() || wanted.contains(&&name(folder))) {
            let mut plan = plan();
            if with_baseline {
                let others = || folders.iter().filter(|other| *other != folder);
                plan.baseline = others().flat_map(|other| evidence(other)).chain([corpus.join("benign/rathbun_win10")]).collect();
                plan.baseline_truth = others().map(|other| other.join("truth.jsonl")).collect();
            }
            let result = run(&evidence(folder), &[folder.join("truth.jsonl")], &plan);
            if has("calibrate") {
                features(&name(folder), &result);
            } else {
                line(&name(folder), &result, &mut sums);
            }
        }
        if !has("calibrate") {
            sums.print();
        }
    }
    let result = run(&[corpus.join("benign/rathbun_win10")], &[], &plan());
    println!(
        "\nordinary Windows 10: {} leads, {} above weak on {} computer-days",
        result.leads.total,
        result.outcomes.iter().filter(|lead| lead.above_weak).count(),
        result.days.len()
    );
    if has("calibrate") {
        features("benign", &result);
    }
}

/// An estate in a folder of its own; without its intrusion everything in it is ordinary.
fn estate(seed: u64, intrusion: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let events = std::env::var("EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(200_000);
    let options = residue::synth::Options { events, seed, intrusion, ..residue::synth::Options::default() };
    residue::synth::write(folder.path(), &options, &Control::silent()).expect("an estate");
    folder
}

fn synth(plan: &Plan, calibrate: bool) {
    println!("\n### synthetic estates of 200,000 events\n\n{HEAD}");
    let mut sums = Sums::default();
    for seed in [7, 8, 9] {
        let folder = estate(seed, true);
        let result = run(&[folder.path().join("evtx")], &[folder.path().join("truth.jsonl")], plan);
        line(&format!("seed {seed}"), &result, &mut sums);
        if calibrate {
            features(&format!("synth{seed}"), &result);
        }
    }
    sums.print();
    println!("\nwithout the intrusion");
    for seed in [7, 8, 9] {
        let folder = estate(seed, false);
        let result = run(&[folder.path().join("evtx")], &[folder.path().join("truth.jsonl")], plan);
        let above = result.outcomes.iter().filter(|lead| lead.above_weak).count();
        println!("seed {seed}: {} leads, {above} above weak on {} computer-days", result.leads.total, result.days.len());
        if calibrate {
            features(&format!("quiet{seed}"), &result);
        }
    }
}

/// What strengths are told by, a lead a line.
fn features(name: &str, result: &Result) {
    for ((lead, features), outcome) in result.leads.list.iter().zip(&result.features).zip(&result.outcomes) {
        let values: Vec<String> = features.named().iter().map(|(_, value)| format!("{value:.4}")).collect();
        println!("FEATURES\t{name}\t{}\t{}\t{}", lead.rank, u8::from(outcome.attack), values.join("\t"));
    }
}
