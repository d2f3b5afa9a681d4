//! `residue baseline`: what was learned from known-good evidence in one file, and what such a file holds.

use super::args::BaselineArgs;
use super::{Status, control, print};
use crate::control::RunError;
use crate::domain::Plan;
use crate::engine;
use crate::files::Evidence;

pub(super) fn run(args: &BaselineArgs) -> Result<Status, RunError> {
    let Some(out) = &args.out else {
        for path in &args.paths {
            engine::list_baseline(path, &mut std::io::stdout().lock())?;
        }
        return Ok(Status::Done);
    };
    super::out_file(out, args.force, &Evidence::of(&args.paths).and_inputs(&args.truth).and_inputs(&args.config))?;
    let settings = super::triage::settings(args.config.as_deref())?;
    let plan = Plan { baseline: args.paths.clone(), baseline_truth: args.truth.clone(), seed: args.seed, compute: args.compute, settings, ..Plan::standard() };
    let (control, terminal) = control(args.progress);
    let saved = engine::save_baseline(&plan, &args.description, out, &control);
    terminal.clear();
    let about = saved?;
    let names: Vec<&str> = about.detectors.iter().map(|d| d.name()).collect();
    print(&format!(
        "{} events of {} computers in {} channels taught {}: {}\n`residue baseline --list {}` prints all that leaves in it\n",
        about.events,
        about.computers,
        about.channels.len(),
        names.join(", "),
        out.display(),
        out.display()
    ))
}
