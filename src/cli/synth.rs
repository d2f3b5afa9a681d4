//! `residue synth`: a synthetic estate with a planted intrusion.

use super::args::SynthArgs;
use super::{Status, control, out_folder, print};
use crate::control::RunError;
use crate::files::Evidence;
use crate::synth;

pub(super) fn run(args: &SynthArgs) -> Result<Status, RunError> {
    let formats = args.format.iter().map(|name| name.parse()).collect::<Result<Vec<synth::Format>, String>>().map_err(RunError::failed)?;
    out_folder(&args.out, args.force, &Evidence::default())?;
    let (control, terminal) = control(args.progress);
    let options = synth::Options { events: args.events, seed: args.seed, formats, intrusion: !args.no_intrusion };
    let summary = synth::write(&args.out, &options, &control)?;
    terminal.clear();
    print(&format!(
        "{} events of {} computers over {} days in {} files; {} records and {} processes are planted: {}\n",
        summary.events,
        summary.hosts,
        summary.days,
        summary.files,
        summary.attack_records,
        summary.attack_processes,
        args.out.display()
    ))
}
