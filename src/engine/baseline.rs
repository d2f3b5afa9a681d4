//! Opens the known-good evidence of a plan.

use super::baseline_file::{Unpacked, difference, is_baseline_file, unpack};
use super::open::read_into;
use super::stores::Ordinary;
use crate::case::Case;
use crate::control::{Control, RunError};
use crate::domain::{EventStore, Ledger, ManifestSource, Plan};
use crate::files::Evidence;
use crate::score::Truth;
use anyhow::Context;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The baselines of a plan, open. Temporary cases made for them go with it.
#[derive(Default)]
pub(super) struct Baselines {
    pub(super) stores: Vec<Arc<dyn EventStore>>,
    /// A saved baseline, which stands alone.
    pub(super) saved: Option<(PathBuf, Unpacked)>,
    cases: Vec<Case>,
}

impl Baselines {
    /// Opens every baseline path: a case as it is, anything else is read into a scratch case.
    /// What lies in `evidence` is evidence, whatever it looks like.
    pub(super) fn open(plan: &Plan, evidence: &Evidence, control: &Control) -> Result<Self, RunError> {
        let truths = read_truths(&plan.baseline_truth)?;
        let mut baselines = Self::default();
        for path in &plan.baseline {
            if is_baseline_file(path) {
                if plan.baseline.len() > 1 {
                    return Err(RunError::failed(format!(
                        "a saved baseline stands alone; take the other baselines away, or save one of all of them: {}",
                        path.display()
                    )));
                }
                if plan.model.is_some() {
                    return Err(RunError::failed(format!("a saved model and a saved baseline exclude each other: {}", path.display())));
                }
                let unpacked = unpack(path)?;
                if unpacked.about.residue != env!("CARGO_PKG_VERSION") {
                    control.warn(format!(
                        "the baseline was saved by residue {}, this is {}: save it again where scores look odd",
                        unpacked.about.residue,
                        env!("CARGO_PKG_VERSION")
                    ));
                }
                baselines.saved = Some((path.clone(), unpacked));
                continue;
            }
            // A case in a folder that is given as known-good itself is evidence too.
            let others = Evidence::of(plan.baseline.iter().filter(|other| *other != path && !Case::is_case(other)));
            let is_case = Case::is_case_outside(path, evidence) && !others.holds(path);
            let case = if is_case { Case::open(path)? } else { Case::temporary()? };
            if !is_case {
                read_into(&case, std::slice::from_ref(path), None, control)?;
            }
            let inner: Arc<dyn EventStore> = case.snapshot();
            baselines.cases.push(case);
            if inner.events() == 0 {
                control.warn(format!("the baseline holds no events and teaches nothing: {}", path.display()));
            }
            baselines.stores.push(match apply_to(path, &plan.baseline, &truths) {
                none if none.is_empty() => inner,
                truths => Arc::new(Ordinary { inner, truths }),
            });
        }
        Ok(baselines)
    }

    /// What must stay as it is because of them.
    pub(super) fn guard(&self, evidence: Evidence, plan: &Plan) -> Evidence {
        let ledgers = self.cases.iter().fold(evidence, |evidence, case| evidence.and_ledger(&case.sources()));
        ledgers.and("evidence", &plan.baseline).and_inputs(&plan.baseline_truth).and_inputs(&plan.labels)
    }

    /// What the manifest says of them.
    pub(super) fn manifest(&self) -> Vec<ManifestSource> {
        let saved = self.saved.iter().map(|(path, unpacked)| unpacked.manifest(path));
        self.stores.iter().flat_map(|s| super::manifest::sources(s.sources())).chain(saved).collect()
    }

    /// Says what the case holds that no baseline has seen.
    pub(super) fn warn_of_difference(&self, case: &[Ledger], control: &Control) {
        let mut known: BTreeSet<String> = self.stores.iter().flat_map(|s| s.sources()).flat_map(|s| &s.seen).map(|(_, c, _)| c.to_lowercase()).collect();
        known.extend(self.saved.iter().flat_map(|(_, saved)| saved.about.channels.keys()).map(|c| c.to_lowercase()));
        if let Some(text) = difference(&known, case).filter(|_| !known.is_empty()) {
            control.warn(text);
        }
    }
}

fn read_truths(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Arc<Truth>)>, RunError> {
    let read = |path: &PathBuf| -> anyhow::Result<(PathBuf, Arc<Truth>)> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the truth file {}", path.display()))?;
        let truth = Truth::read(&text).with_context(|| path.display().to_string())?;
        Ok((absolute(path.parent().unwrap_or(Path::new("."))), Arc::new(truth)))
    };
    Ok(paths.iter().map(read).collect::<anyhow::Result<_>>()?)
}

/// The truths that apply to `path`: one that lies beside or above a baseline applies to what is beneath its folder alone, any other to all.
/// Files of different machines share their names and record numbers, so that a truth must not speak of its neighbour's.
fn apply_to(path: &Path, all: &[PathBuf], truths: &[(PathBuf, Arc<Truth>)]) -> Vec<Arc<Truth>> {
    let beneath = |folder: &Path, path: &Path| absolute(path).starts_with(folder);
    truths.iter().filter(|(folder, _)| beneath(folder, path) || !all.iter().any(|p| beneath(folder, p))).map(|(_, truth)| Arc::clone(truth)).collect()
}

fn absolute(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
