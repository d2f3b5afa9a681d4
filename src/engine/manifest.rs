//! The manifest of a run: what was done to what, by which version.

use super::analyse::Analysis;
use crate::domain::{Ledger, Manifest, ManifestDetector, ManifestLeads, ManifestSource, Plan, RunFacts, Strength, time};
use std::time::{Duration, Instant, SystemTime};

/// Sources as a manifest lists them.
pub(super) fn sources(ledger: &[Ledger]) -> Vec<ManifestSource> {
    let row = |s: &Ledger| ManifestSource { source_file: s.source_file.clone(), sha256: s.sha256.clone(), format: s.format.clone(), events: s.events };
    ledger.iter().map(row).collect()
}

/// A running clock and what it measured.
pub struct Clock {
    begun: Instant,
    started: SystemTime,
    /// Time spent reading evidence.
    pub ingest: Duration,
}

impl Clock {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        Self { begun: Instant::now(), started: SystemTime::now(), ingest: Duration::ZERO }
    }

    fn facts(&self, first: Option<Duration>) -> RunFacts {
        let since = self.started.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        RunFacts {
            started: i64::try_from(since).map(time::iso).unwrap_or_default(),
            wall: self.begun.elapsed().as_secs_f64(),
            wall_ingest: self.ingest.as_secs_f64(),
            wall_first_ranking: first.map(|f| f.as_secs_f64()),
            peak_rss: peak_rss(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Most memory this process has held, in bytes; 0 where the system does not say.
fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().strip_suffix(" kB")).and_then(|kb| kb.trim().parse::<u64>().ok()).map_or(0, |kb| kb * 1024)
}

/// The manifest of an analysis.
#[must_use]
pub fn manifest(ledger: &[Ledger], plan: &Plan, analysis: &Analysis, notices: Vec<String>, clock: &Clock) -> Manifest {
    let detectors = analysis.rankings.iter().map(|ranking| {
        let report = &ranking.report;
        ManifestDetector {
            detector: report.detector,
            subjects: report.subjects.len() as u64,
            suppressed: analysis.suppressed.iter().find(|(id, _)| *id == report.detector).map_or(0, |(_, n)| *n),
            threshold: report.threshold,
            above: report.subjects.iter().filter(|s| s.score >= report.threshold).count() as u64,
            model_id: report.model_id.clone(),
            epochs: report.curve.last().map_or(0, |p| p.epoch),
            remarks: report.remarks.clone(),
            validation: report.validation.clone(),
        }
    });
    Manifest {
        residue: env!("CARGO_PKG_VERSION").into(),
        seed: plan.seed,
        preset: plan.preset,
        rank_by: plan.rank_by,
        prior: plan.prior,
        device: analysis.device.clone(),
        settings: plan.settings.clone(),
        scope: plan.scope.clone(),
        known_good_before: plan.known_good_before,
        sources: sources(ledger),
        baseline: analysis.baseline.clone(),
        detectors: detectors.collect(),
        leads: analysis.leads.as_ref().map(|leads| {
            let of = |strength| leads.list.iter().filter(|lead| lead.strength == strength).count() as u64;
            ManifestLeads {
                leads: leads.total,
                written: leads.list.len() as u64,
                strong: of(Strength::Strong),
                worth_a_look: of(Strength::WorthALook),
                weights: leads.weights.clone(),
            }
        }),
        suppression: analysis.suppression.clone(),
        notices,
        csv_neutralised: true,
        run: clock.facts(analysis.first),
    }
}
