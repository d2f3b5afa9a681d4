//! Process chains: how unusual is it that this program was started by these parents, by this user, from this place, with these arguments?
//!
//! Border: works on the process model of `features::lineage`. `recommended` sums counts, a contrastive network and a few flags; what each part
//! says is kept apart and explained in words.

mod contrast;
mod counts;
mod embedding;
mod explain;
mod knowledge;
mod launch;
mod published;
mod saved;
mod scorer;
mod subjects;

use crate::control::{Control, RunError};
use crate::detect::{Detector, Input};
use crate::domain::{Detection, DetectorId, EventStore, Preset, Stage};
use explain::Explanation;
use launch::Launches;
use scorer::{Counted, Evidence, Networks, Parts};
use std::sync::Arc;
use subjects::{Chain, chains};

/// Why it cannot run, in the words of every detector of process creations.
pub(crate) const NO_CREATIONS: &str = "no process-creation events: needs Sysmon 1 or Security 4688";

/// Vectors of these words, learned from paths as the published preset learns them: for measuring it beside other implementations.
///
/// # Errors
/// Cancelled, nothing to learn from, or no room for a temporary file.
pub fn word_vectors(paths: &[&str], words: &[&str], seed: u64, control: &Control) -> Result<Vec<Vec<f32>>, RunError> {
    published::word_vectors(paths, words, seed, control)
}

/// The detector.
pub(crate) struct Chains;

impl Detector for Chains {
    fn id(&self) -> DetectorId {
        DetectorId::Chains
    }

    fn applies(&self, case: &dyn EventStore) -> Result<(), String> {
        if may_hold_creations(case) { Ok(()) } else { Err(NO_CREATIONS.into()) }
    }

    fn run(&self, input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
        let length = input.plan.settings.chains.length.clamp(2, 6);
        if input.plan.preset == Preset::Published {
            return published::run(input, length);
        }
        let evidence = Counted::read(input)?;
        let chains = chains(&evidence.case, &evidence.counted, length).into();
        let run = Run { counted: Arc::new(evidence.counted), launches: Arc::new(evidence.case), chains, length };
        if run.launches.processes.list.is_empty() {
            input.control.warn(format!("chains: {NO_CREATIONS}"));
            return Ok(run.detection(Vec::new(), String::new(), Stage::Final));
        }
        let shapes = &run.launches.shapes;
        let mut parts = run.counted.score(shapes, input)?;
        first(run.detection(parts.clone(), String::new(), Stage::First));
        let networks = match evidence.networks {
            Some(saved) => saved,
            None => Networks::learn(&run.counted, shapes, &evidence.baseline, input)?,
        };
        networks.judge(&run.counted, shapes, &mut parts, input)?;
        if let Some(folder) = input.save_model {
            let counts = evidence.known.as_ref().unwrap_or(&run.counted.counts);
            saved::write(folder, counts, &run.counted.texts, evidence.seen.as_ref(), &networks, input)?;
        }
        Ok(run.detection(parts, networks.id(input)?, Stage::Final))
    }
}

/// Whether a channel of the case could hold process creations, from the ledger alone.
pub(crate) fn may_hold_creations(case: &dyn EventStore) -> bool {
    case.sources().iter().flat_map(|source| &source.seen).any(|(_, channel, _)| {
        let channel = channel.to_ascii_lowercase();
        channel.contains("sysmon") || channel == "security" || channel == "forwardedevents"
    })
}

struct Run {
    counted: Arc<Counted>,
    launches: Arc<Launches>,
    chains: Arc<[Chain]>,
    length: usize,
}

impl Run {
    fn detection(&self, parts: Vec<Parts>, model_id: String, stage: Stage) -> Detection {
        let coverage = self.counted.coverage;
        let score = |shape: u32| parts.get(shape as usize).map_or(0.0, |part| part.learned(coverage) + part.prior());
        let leaves: Vec<u32> = self.chains.iter().map(|chain| chain.worst(&self.launches, score)).collect();
        let shapes: Vec<u32> = leaves.iter().map(|leaf| self.launches.shape_of[*leaf as usize]).collect();
        let subject = |((chain, leaf), shape): ((&Chain, &u32), &u32)| chain.subject(*leaf, &self.launches, &parts[*shape as usize], coverage, self.length);
        let subjects = self.chains.iter().zip(&leaves).zip(&shapes).map(subject).collect();
        let explain = Explanation { counted: self.counted.clone(), launches: self.launches.clone(), shapes, parts };
        Detection { subjects, explain: Arc::new(explain), model_id, stage, remarks: self.remarks(), trials: None }
    }

    fn remarks(&self) -> Vec<String> {
        let processes = &self.launches.processes;
        let mut remarks = vec![format!(
            "{} process creations, {} of them told by both logs; {} parents predate the log",
            processes.list.len(),
            processes.list.iter().filter(|process| process.twin.is_some()).count(),
            processes.stubs.len()
        )];
        let silent = processes.list.iter().filter(|process| process.command_line.is_none()).count();
        if silent > 0 {
            remarks.push(format!("{silent} creations without a command line: their arguments were not scored"));
        }
        if self.counted.baseline {
            remarks.push(format!("the baseline knows {:.0} % of the case's parents and children; the counts weigh that much", self.counted.coverage * 100.0));
        } else {
            remarks.push("no baseline: counted on the case itself, without the contrastive network".into());
        }
        remarks
    }
}

/// One creation's score, for the detectors that build on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CreationScore {
    /// Learned part.
    pub(crate) learned: f64,
    /// Part that vanishes with empty tables.
    pub(crate) prior: f64,
}

/// The recommended score of every creation of a case.
pub(crate) struct ScoredCreations {
    /// One score per process, in the order of `features::lineage`.
    pub(crate) scores: Vec<CreationScore>,
}

/// Scores every creation of a case as the chain detector would, trained the same way.
///
/// # Errors
/// A store cannot be read, the device failed, or the job is cancelled.
pub(crate) fn score_creations(input: &Input<'_>) -> Result<ScoredCreations, RunError> {
    let Evidence { counted, case: launches, baseline, mut networks, .. } = Counted::read(input)?;
    let mut parts = counted.score(&launches.shapes, input)?;
    if networks.is_none() && !launches.shapes.is_empty() && !baseline.is_empty() {
        networks = Some(Networks::learn(&counted, &launches.shapes, &baseline, input)?);
    }
    if let Some(networks) = &networks {
        networks.judge(&counted, &launches.shapes, &mut parts, input)?;
    }
    let score = |at: &u32| {
        let part = &parts[*at as usize];
        CreationScore { learned: part.learned(counted.coverage), prior: part.prior() }
    };
    let scores = launches.shape_of.iter().map(score).collect();
    Ok(ScoredCreations { scores })
}
