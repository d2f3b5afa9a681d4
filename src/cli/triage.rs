//! `residue triage`: evidence in, rankings out.

use super::args::TriageArgs;
use super::progress::Terminal;
use super::{Given, Status, control, out_folder};
use crate::case::Case;
use crate::control::{Control, RunError};
use crate::domain::{Ledger, Plan, Preset, RankBy, Rule, Scope, Settings, Suppression};
use crate::engine::{self, Analysis, Clock};
use crate::export::{Formats, LeadFiles, Lookup, Members, write_ranking};
use crate::files::{AtomicFile, Evidence, OutputPath};
use anyhow::Context;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(super) fn run(args: &TriageArgs) -> Result<Status, RunError> {
    let plan = plan(args)?;
    let mut rules = Vec::new();
    for path in &args.suppress {
        rules.extend(engine::read_rules(path)?);
    }
    let given = Given::open(&args.paths)?;
    let evidence = guarded(args, &given.evidence);
    let out = outputs(args, &evidence)?;
    let (control, terminal) = control(args.progress);
    let mut clock = Clock::start();
    let result = triage(args, given, &out, &plan, rules, &mut clock, &control, &terminal);
    terminal.clear();
    result
}

/// What a triage may not write into: all that it reads.
fn guarded(args: &TriageArgs, given: &Evidence) -> Evidence {
    let files = args.baseline_truth.iter().chain(&args.suppress).chain(&args.labels).chain(&args.config).chain(&args.map);
    given.clone().and("baseline", &args.baseline).and_inputs(files)
}

/// The folder for the results, made; where else a triage writes is looked at too before anything is read.
fn outputs(args: &TriageArgs, evidence: &Evidence) -> Result<OutputPath, RunError> {
    if let Some(dir) = &args.save_case {
        OutputPath::new(dir, evidence)?;
        if dir.exists() {
            return Err(RunError::failed(format!("there is something already; choose another name for the case: {}", dir.display())));
        }
        if dir.extension().is_none_or(|ending| ending != "residue") {
            return Err(RunError::failed(format!("a case is a folder called NAME.residue; choose such a name for it: {}", dir.display())));
        }
    }
    // The case is to be new: nothing else may make its folder first.
    let evidence = evidence.clone().and("case to be saved", &args.save_case);
    if let Some(folder) = &args.save_model {
        OutputPath::new(folder, &evidence)?;
    }
    out_folder(&args.out, args.force, &evidence)
}

#[allow(clippy::too_many_arguments, reason = "the parts of one command, each its own")]
fn triage(
    args: &TriageArgs,
    given: Given,
    out: &OutputPath,
    plan: &Plan,
    mut rules: Vec<Rule>,
    clock: &mut Clock,
    control: &Control,
    terminal: &Terminal,
) -> Result<Status, RunError> {
    let (case, read_for) = open(given, &args.paths, &args.reading(), control)?;
    clock.ingest = read_for;
    let ledger = case.sources();
    write_json(&out.file("ledger.json"), ledger.as_slice())?;
    let keep = if args.save_case.is_some() { engine::Keep::Runs } else { engine::Keep::Nothing };
    let mut analysis = engine::analyse(&case, plan, keep, control, terminal)?;
    // What the analyst called ordinary in this case holds here too, as it does in the window.
    rules.extend(case.rules()?);
    if let Some(dir) = &args.save_case {
        // What was finished before a cancel is kept too.
        drop(case.save_as(dir, &Control { cancel: crate::control::CancelToken::default(), ..control.clone() })?);
    }
    analysis.suppress(&Suppression::new(rules), plan.threshold, &ledger);
    write_rankings(&case, &ledger, &analysis, out, control)?;
    write_leads(&case, plan, &mut analysis, out, control)?;
    let manifest = engine::manifest(&ledger, plan, &analysis, terminal.notices(), clock);
    write_json(&out.file("manifest.json"), &manifest)?;
    Ok(status(&ledger, &analysis, control))
}

/// The case that was given, or a temporary case with the evidence read into it, which goes with its last handle; says how long reading took.
pub(super) fn open(given: Given, paths: &[PathBuf], reading: &engine::ReadOptions, control: &Control) -> Result<(Case, Duration), RunError> {
    if let Some(case) = given.case {
        return Ok((case, Duration::ZERO));
    }
    let begin = Instant::now();
    let case = Case::temporary()?;
    engine::read_with(&case, paths, reading, control)?;
    Ok((case, begin.elapsed()))
}

/// The settings of a file, or the usual ones.
pub(super) fn settings(path: Option<&Path>) -> Result<Settings, RunError> {
    let Some(path) = path else { return Ok(Settings::default()) };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the settings {}", path.display()))?;
    Ok(toml::from_str(&text).with_context(|| format!("the settings are wrong (`residue config` prints right ones): {}", path.display()))?)
}

fn plan(args: &TriageArgs) -> Result<Plan, RunError> {
    if args.preset == Preset::Published && args.rank_by == Some(RankBy::Recommended) {
        return Err(RunError::failed("--preset published has no recommended score: use --rank-by loss or rarity"));
    }
    let settings = settings(args.config.as_deref())?;
    Ok(Plan {
        detectors: args.detectors.clone(),
        preset: args.preset,
        rank_by: args.rank_by.unwrap_or(RankBy::usual(args.preset)),
        threshold: args.threshold,
        seed: args.seed,
        compute: args.compute,
        prior: !args.no_prior,
        baseline: args.baseline.clone(),
        baseline_truth: args.baseline_truth.clone(),
        model: args.model.clone(),
        save_model: args.save_model.clone(),
        save_shared_only: false,
        labels: args.labels.clone(),
        labelled: vec![],
        known_good_before: args.known_good_before,
        scope: Scope { from: args.from, to: args.to, hosts: args.host.clone() },
        settings,
    })
}

fn write_rankings(case: &Case, ledger: &[Ledger], analysis: &Analysis, out: &OutputPath, control: &Control) -> Result<(), RunError> {
    if analysis.rankings.is_empty() {
        return Ok(());
    }
    // What was finished before a cancel is still written.
    let control = Control { cancel: crate::control::CancelToken::default(), ..control.clone() };
    let members = Members::read(case.snapshot().as_ref(), &control)?;
    let annotations = case.annotations();
    let findings = engine::Findings::read(&case.snapshot(), &control)?;
    let listed = |subject: &crate::domain::Subject| findings.listed(subject);
    let rules: Option<&dyn Fn(&crate::domain::Subject) -> serde_json::Value> = if findings.is_empty() { None } else { Some(&listed) };
    for ranking in &analysis.rankings {
        let report = &ranking.report;
        let name = report.detector.name();
        let (csv, jsonl) = (out.file(&format!("ranking-{name}.csv")), out.file(&format!("ranking-{name}.jsonl")));
        let mark = |subject: &crate::domain::Subject| engine::jobs::mark(&annotations, ledger, subject);
        let lookup = Lookup { explain: ranking.explain.as_ref(), sources: ledger, members: &members, mark: &mark, rules };
        write_ranking(report, &lookup, 0..report.subjects.len(), Formats { csv: Some(&csv), jsonl: Some(&jsonl) }, &control)?;
    }
    Ok(())
}

/// Makes leads of what was ranked and writes them. What was finished before a cancel is still connected.
fn write_leads(case: &Case, plan: &Plan, analysis: &mut Analysis, out: &OutputPath, control: &Control) -> Result<(), RunError> {
    if analysis.rankings.is_empty() {
        return Ok(());
    }
    let control = Control { cancel: crate::control::CancelToken::default(), ..control.clone() };
    let ground = engine::survey(case, plan, &control)?;
    let leads = engine::leads_of(&ground, &analysis.rankings);
    let (csv, jsonl, steps) = (out.file("leads.csv"), out.file("leads.jsonl"), out.file("leads-steps.csv"));
    engine::write_lead_files(case, &leads, LeadFiles { csv: Some(&csv), jsonl: Some(&jsonl), steps: Some(&steps) }, &control)?;
    analysis.leads = Some(leads);
    Ok(())
}

fn status(ledger: &[Ledger], analysis: &Analysis, control: &Control) -> Status {
    if analysis.cancelled {
        Status::Cancelled
    } else if analysis.rankings.is_empty() {
        control.warn(if ledger.iter().all(|row| row.events == 0) {
            "no events were read: nothing can be ranked"
        } else {
            "no detector could run: nothing was ranked"
        });
        Status::Failed
    } else if engine::is_partial(ledger) || !analysis.missing.is_empty() {
        Status::Partial
    } else {
        Status::Done
    }
}

/// Writes a value as indented JSON, whole or not at all.
pub(super) fn write_json<T: serde::Serialize + ?Sized>(path: &OutputPath, value: &T) -> Result<(), RunError> {
    let mut file = AtomicFile::create(path)?;
    serde_json::to_writer_pretty(&mut file, value).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(b"\n")?;
    Ok(file.finish()?)
}
