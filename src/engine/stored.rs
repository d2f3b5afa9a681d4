//! The rankings that a case holds, loaded in one place: a damaged one is told of and never hides the others.

use super::worker::{Emit, Happening, Ranking};
use crate::case::{Case, RunInfo};
use crate::control::{Control, Notice, RunError, Severity};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The newest ranking of each detector that the case holds, in the order of the detectors. `each` gets one after the other; what cannot be read is a
/// notice that says which and what to do, and then the newest older one of the same detector that can be read.
///
/// # Errors
/// When the case's database cannot be read, or the job is cancelled.
fn load(case: &Case, control: &Control, each: &mut dyn FnMut(Ranking)) -> Result<(), RunError> {
    for runs in case.runs_by_detector()? {
        for run in runs {
            control.check()?;
            match load_one(case, &run) {
                Ok(ranking) => {
                    each(ranking);
                    break;
                }
                Err(why) => {
                    let text = format!("the ranking {} ({}) of the case was left out: {why}", run.id, run.detector.title());
                    control.reporter.notice(Notice { severity: Severity::Error, text });
                }
            }
        }
    }
    Ok(())
}

/// One ranking; a panic over its files is its failure alone.
fn load_one(case: &Case, run: &RunInfo) -> Result<Ranking, String> {
    let load = || case.load_run(&run.id).map(|report| Ranking { report: Arc::new(report), explain: case.explain_run(&run.id) });
    match catch_unwind(AssertUnwindSafe(load)) {
        Ok(loaded) => loaded.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("{}; analyse again", crate::control::panics::internal_error(panic.as_ref()))),
    }
}

/// The newest ranking of every detector that the case holds; those that cannot be read are told of in notices.
///
/// # Errors
/// When the case's database cannot be read, or the job is cancelled.
pub fn stored_rankings(case: &Case, control: &Control) -> Result<Vec<Ranking>, RunError> {
    let mut rankings = Vec::new();
    load(case, control, &mut |ranking| rankings.push(ranking))?;
    Ok(rankings)
}

/// The same, handed to the window one by one.
///
/// # Errors
/// As there.
pub(super) fn show_stored(case: &Case, control: &Control, emit: &dyn Emit) -> Result<(), RunError> {
    load(case, control, &mut |ranking| emit.emit(Happening::Ranked(ranking)))
}
