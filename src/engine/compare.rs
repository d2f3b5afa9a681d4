//! The published networks of process behaviour, and ours, on the same labels: how well each ranks processes that it did not see.

use super::analyse::{Tap, evidence};
use super::labels::with_labels;
use super::validation;
use super::worker::{Emit, Happening, Work};
use crate::case::Case;
use crate::control::{Control, RunError};
use crate::detect::process::ProcessBehaviour;
use crate::detect::{Detector, Input};
use crate::domain::{CurvePoint, Plan, Preset, Validation};
use crate::nn::{Device, RecurrentConfig};
use std::sync::Arc;
use std::time::Instant;

/// One network's outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// What was held out, and what the network made of it.
    pub validation: Validation,
    /// Training on all labels, epoch by epoch.
    pub curve: Vec<CurvePoint>,
    /// What training and both validations took.
    pub seconds: f64,
}

/// Names of the networks compared: ours, then the published six.
pub fn networks() -> impl Iterator<Item = &'static str> {
    ["recommended", "linear"].into_iter().chain(RecurrentConfig::NAMES)
}

/// Trains every network with both validations; each is told as it is done. No ranking is made or changed.
#[must_use]
pub fn compare(case: Case, plan: Plan) -> Work {
    Box::new(move |control, emit| each(&case, &plan, control, emit))
}

fn each(case: &Case, plan: &Plan, control: &Control, emit: &dyn Emit) -> Result<(), RunError> {
    let (store, _) = evidence(case, plan, control);
    ProcessBehaviour.applies(store.as_ref()).map_err(RunError::failed)?;
    let mut plan = with_labels(case, plan, control)?;
    (plan.model, plan.save_model, plan.preset) = (None, None, Preset::Recommended);
    let device = Device::choose(plan.compute);
    for network in networks() {
        control.check()?;
        control.progress("comparing", network, 0, None, "networks");
        network.clone_into(&mut plan.settings.process.network);
        let (begin, tap) = (Instant::now(), Tap::new(Arc::clone(&control.reporter)));
        let control = Control { cancel: control.cancel.clone(), reporter: Arc::<Tap>::clone(&tap) };
        let input = Input { case: store.as_ref(), baseline: &[], plan: &plan, device: &device, model: None, save_model: None, control: &control };
        let trials = ProcessBehaviour.run(&input, &mut |_| ())?.trials;
        let trials = trials.ok_or_else(|| RunError::failed("processes of both kinds must be labelled first: M marks one malicious, B benign"))?;
        let (validation, _) = validation::validation(&trials);
        let seconds = begin.elapsed().as_secs_f64();
        emit.emit(Happening::Compared(Box::new(Compared { validation, curve: tap.take(), seconds })));
    }
    Ok(())
}
