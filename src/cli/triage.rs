//! `residue triage`: evidence in, rankings out.

use super::args::TriageArgs;
use super::progress::Terminal;
use super::{Status, control, out_folder};
use crate::case::Case;
use crate::control::{Control, RunError};
use crate::domain::{Ledger, Plan, Preset, RankBy, Rule, Scope, Settings, Suppression};
use crate::engine::{self, Analysis, Clock};
use crate::export::{AtomicFile, Formats, LeadFiles, Lookup, Members, write_ranking};
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
    if let Some(dir) = &args.save_case {
        Case::refuse_inside(dir, &args.paths)?;
        if dir.exists() {
            return Err(RunError::failed(format!("there is something already; choose another name for the case: {}", dir.display())));
        }
    }
    out_folder(&args.out, args.force)?;
    let (control, terminal) = control(args.progress);
    let mut clock = Clock::start();
    let result = triage(args, &plan, rules, &mut clock, &control, &terminal);
    terminal.clear();
    result
}

fn triage(args: &TriageArgs, plan: &Plan, mut rules: Vec<Rule>, clock: &mut Clock, control: &Control, terminal: &Terminal) -> Result<Status, RunError> {
    let (case, read_for) = open(&args.paths, &args.reading(), control)?;
    clock.ingest = read_for;
    let ledger = case.sources();
    write_json(&args.out.join("ledger.json"), ledger.as_slice())?;
    let mut analysis = engine::analyse(&case, plan, control, terminal)?;
    // What the analyst called ordinary in this case holds here too, as it does in the window.
    rules.extend(case.rules()?);
    if let Some(dir) = &args.save_case {
        // What was finished before a cancel is kept too.
        drop(case.save_as(dir, &Control { cancel: crate::control::CancelToken::default(), ..control.clone() })?);
    }
    analysis.suppress(&Suppression::new(rules), plan.threshold, &ledger);
    write_rankings(&case, &ledger, &analysis, &args.out, control)?;
    write_leads(&case, plan, &mut analysis, &args.out, control)?;
    let manifest = engine::manifest(&ledger, plan, &analysis, terminal.notices(), clock);
    write_json(&args.out.join("manifest.json"), &manifest)?;
    Ok(status(&ledger, &analysis, control))
}

/// Opens the case named, or reads evidence into a temporary case that goes with its last handle; says how long reading took.
pub(super) fn open(paths: &[PathBuf], reading: &engine::ReadOptions, control: &Control) -> Result<(Case, Duration), RunError> {
    if let [path] = paths
        && Case::is_case(path)
    {
        return Ok((Case::open(path)?, Duration::ZERO));
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
    let fallback = if args.preset == Preset::Published { RankBy::Loss } else { RankBy::Recommended };
    Ok(Plan {
        detectors: args.detectors.clone(),
        preset: args.preset,
        rank_by: args.rank_by.unwrap_or(fallback),
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

fn write_rankings(case: &Case, ledger: &[Ledger], analysis: &Analysis, out: &Path, control: &Control) -> Result<(), RunError> {
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
        let (csv, jsonl) = (out.join(format!("ranking-{name}.csv")), out.join(format!("ranking-{name}.jsonl")));
        let mark = |subject: &crate::domain::Subject| engine::jobs::mark(&annotations, ledger, subject);
        let lookup = Lookup { explain: ranking.explain.as_ref(), sources: ledger, members: &members, mark: &mark, rules };
        write_ranking(report, &lookup, 0..report.subjects.len(), Formats { csv: Some(&csv), jsonl: Some(&jsonl) }, &control)?;
    }
    Ok(())
}

/// Makes leads of what was ranked and writes them. What was finished before a cancel is still connected.
fn write_leads(case: &Case, plan: &Plan, analysis: &mut Analysis, out: &Path, control: &Control) -> Result<(), RunError> {
    if analysis.rankings.is_empty() {
        return Ok(());
    }
    let control = Control { cancel: crate::control::CancelToken::default(), ..control.clone() };
    let ground = engine::survey(case, plan, &control)?;
    let leads = engine::leads_of(&ground, &analysis.rankings);
    let (csv, jsonl, steps) = (out.join("leads.csv"), out.join("leads.jsonl"), out.join("leads-steps.csv"));
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
pub(super) fn write_json<T: serde::Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), RunError> {
    let mut file = AtomicFile::create(path)?;
    serde_json::to_writer_pretty(&mut file, value).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(b"\n")?;
    Ok(file.finish()?)
}
