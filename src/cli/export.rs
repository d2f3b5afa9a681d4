//! `residue export` and `residue import`: what a case holds into files that others read, and what was said in them back.

use super::args::{ExportArgs, ImportArgs, VerifyArgs};
use super::{Status, control, out_file, print};
use crate::case::Case;
use crate::control::{Control, RunError};
use crate::domain::{DetectorId, Plan, Suppression};
use crate::engine;
use crate::export::Format;

pub(super) fn run(args: &ExportArgs) -> Result<Status, RunError> {
    let ending = args.out.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(format) = args.format.or_else(|| Format::of(&ending)) else {
        return Err(RunError::failed(format!(
            "the output's name must end in .html, .xlsx, .parquet, .csv or .jsonl, or --format say what it is: {}",
            args.out.display()
        )));
    };
    let case = Case::open(&args.case)?;
    out_file(&args.out, args.force, &case.evidence())?;
    let (control, terminal) = control(args.progress);
    let result = export(args, &case, format, &control);
    terminal.clear();
    result
}

fn export(args: &ExportArgs, case: &Case, format: Format, control: &Control) -> Result<Status, RunError> {
    let mut rankings = engine::stored_rankings(case, control)?;
    rankings.retain(|r| args.detectors.is_empty() || args.detectors.contains(&r.report.detector));
    if let Some(missing) = args.detectors.iter().find(|d| !rankings.iter().any(|r| r.report.detector == **d)) {
        return Err(RunError::failed(format!("the case holds no ranking of {}; analyse it first: {}", missing.name(), args.case.display())));
    }
    if args.combined {
        let rules = Suppression::new(case.rules()?);
        let ground = engine::survey(case, &Plan::standard(), control)?;
        let rest: Vec<engine::Ranking> = engine::unsuppressed(&rankings, &rules, &case.sources());
        let rows = engine::write_order(case, &rest, &engine::leads_of(&ground, &rest), format, &args.out, control)?;
        return print(&format!("{rows} rows: {}\n", args.out.display()));
    }
    if rankings.len() > 1 && !format.holds_many() {
        let names: Vec<&str> = rankings.iter().map(|r| DetectorId::name(r.report.detector)).collect();
        return Err(RunError::failed(format!("{} holds one ranking; choose it with --detector {}", format.title(), names.join(", or "))));
    }
    let (rules, annotations, sources) = (Suppression::new(case.rules()?), case.annotations(), case.sources());
    let extracts: Vec<engine::Extract> = rankings.iter().map(|r| engine::extract(r, args.which, &rules, &annotations, &sources)).collect();
    let title = args.case.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let leads = if format.holds_many() {
        let ground = engine::survey(case, &Plan::standard(), control)?;
        Some(engine::leads_of(&ground, &engine::unsuppressed(&rankings, &rules, &sources)))
    } else {
        None
    };
    let leads = leads.as_ref().map(|leads| (leads, args.which));
    let mut said = String::new();
    for (path, rows) in engine::write_extracts(case, &title, args.which.words(), &extracts, leads, &[(format, args.out.clone())], control)? {
        said.push_str(&format!("{rows} rows: {}\n", path.display()));
    }
    print(&said)
}

/// `residue verify`: exit 1 when something is not as it was read.
pub(super) fn verify(args: &VerifyArgs) -> Result<Status, RunError> {
    let (control, terminal) = control(args.progress);
    let case = Case::open(&args.case)?;
    let sources = case.sources();
    let verdicts = engine::verify(&sources, &control)?;
    terminal.clear();
    let wrong: Vec<String> = sources.iter().zip(&verdicts).filter_map(|(source, verdict)| engine::verdict_line(source, verdict)).collect();
    for text in &wrong {
        control.warn(text.clone());
    }
    let same = verdicts.iter().filter(|v| **v == engine::Verdict::Same).count();
    print(&format!("{same} of {} sources have the bytes that were read, {} do not\n", sources.len(), wrong.len()))?;
    Ok(if wrong.is_empty() { Status::Done } else { Status::Partial })
}

pub(super) fn import(args: &ImportArgs) -> Result<Status, RunError> {
    let (control, _) = control(args.progress);
    let case = Case::open(&args.case)?;
    let mut status = Status::Done;
    for file in &args.files {
        let done = engine::import_annotations(&case, file)?;
        if done.unknown > 0 {
            control.warn(format!("{} of {} annotations speak of evidence that is not in the case: {}", done.unknown, done.rows, file.display()));
            status = Status::Partial;
        }
        print(&format!("{} annotations: {}\n", done.rows - done.unknown, file.display()))?;
    }
    Ok(status)
}
