//! Runs every detector of a plan over a case, one at a time, on one device, and ranks what they hand back.

use super::baseline::Baselines;
use super::explained::{Explained, Ordered, explain_into, give_reasons};
use super::findings::beside_events;
use super::labels::with_labels;
use super::stores::{WithoutFindings, scoped};
use super::validation;
use super::worker::{Emit, Happening, Ranking};
use crate::case::Case;
use crate::control::{Control, Notice, Progress, Reporter, RunError, panics};
use crate::detect::{Detector, Input, registry};
use crate::domain::{CurvePoint, Detection, DetectorId, EventStore, Explain, ManifestRule, ManifestSource, Plan, RankBy, Report, Stage, Threshold};
use crate::files::OutputPath;
use crate::nn::Device;
use crate::score::{quantile, rank};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What came out of a plan.
#[derive(Default)]
pub struct Analysis {
    /// Final rankings, in the order of the contract.
    pub rankings: Vec<Ranking>,
    /// Detectors asked for by name that did not finish, and why.
    pub missing: Vec<(DetectorId, String)>,
    /// Stopped on request: what stands in `rankings` was finished before.
    pub cancelled: bool,
    /// The device's words.
    pub device: String,
    /// Sources of the baseline.
    pub baseline: Vec<ManifestSource>,
    /// Subjects that rules took out, by detector.
    pub suppressed: Vec<(DetectorId, u64)>,
    /// The rules, each with what it took out.
    pub suppression: Vec<ManifestRule>,
    /// Leads made of the rankings, once [`Analysis::connect`] was asked for them.
    pub leads: Option<crate::domain::Leads>,
    /// How long after the start the first ranking was there, by counting or final.
    pub first: Option<Duration>,
}

/// What a case keeps of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Every ranking, as a run.
    Runs,
    /// Nothing: the rankings are written elsewhere.
    Nothing,
}

/// Whether each detector can run on a case, from its ledger alone; if not, why.
#[must_use]
pub fn applies(case: &Case) -> Vec<(DetectorId, Result<(), String>)> {
    let snapshot = case.snapshot();
    registry().into_iter().map(|detector| (detector.id(), detector.applies(snapshot.as_ref()))).collect()
}

/// Runs a plan. Rankings are told as they come, kept in the case as runs where that is wanted, and returned.
///
/// # Errors
/// When the case or a baseline cannot be read. A detector that fails or cannot run is listed in [`Analysis::missing`].
pub fn analyse(case: &Case, plan: &Plan, keep: Keep, control: &Control, emit: &dyn Emit) -> Result<Analysis, RunError> {
    let begun = Instant::now();
    let (store, known_good) = evidence(case, plan, control);
    let given = case.evidence();
    let mut baselines = Baselines::open(plan, &given, control)?;
    let given = baselines.guard(given, plan);
    let save_model = plan.save_model.as_ref().map(|path| OutputPath::new(path, &given)).transpose()?;
    baselines.warn_of_difference(store.sources(), control);
    baselines.stores.extend(known_good);
    let stores: Vec<&dyn EventStore> = baselines.stores.iter().map(AsRef::as_ref).collect();
    let plan = &with_labels(case, plan, control)?;
    let device = Device::choose(plan.compute);
    let mut analysis = Analysis { device: device.reason.clone(), baseline: baselines.manifest(), ..Analysis::default() };
    for detector in registry() {
        let id = detector.id();
        let named = plan.detectors.contains(&id);
        if !named && !plan.detectors.is_empty() {
            continue;
        }
        if let Err(reason) = detector.applies(store.as_ref()) {
            emit.emit(Happening::CannotRun(id, reason.clone()));
            if named {
                control.warn(format!("{} cannot run: {reason}", id.title()));
                analysis.missing.push((id, reason));
            }
            continue;
        }
        emit.emit(Happening::Began(id));
        let tap = Tap::new(Arc::clone(&control.reporter));
        let control = Control { cancel: control.cancel.clone(), reporter: Arc::<Tap>::clone(&tap) };
        let of_baseline = baselines.saved.as_ref().and_then(|(_, saved)| saved.model(id));
        if baselines.saved.is_some() && of_baseline.is_none() {
            control.warn(format!("the saved baseline teaches {} nothing: it learns from the case itself", id.title()));
        }
        let (model, save_into) = (
            plan.model.as_ref().map(|p| p.join(id.name())).or(of_baseline),
            save_model.as_ref().map(|out| OutputPath::new(&out.path().join(id.name()), &given)).transpose()?,
        );
        let input = Input {
            case: store.as_ref(),
            baseline: &stores,
            plan,
            device: &device,
            model: model.as_deref(),
            save_model: save_into.as_ref().map(OutputPath::path),
            control: &control,
        };
        let first = &mut analysis.first;
        let mut ranked = || *first = first.or(Some(begun.elapsed()));
        match run(detector, &input, &Place { case, keep }, &tap, emit, &mut ranked) {
            Ok(ranking) => analysis.rankings.push(ranking),
            Err(RunError::Cancelled) => {
                analysis.cancelled = true;
                break;
            }
            Err(error) => {
                control.warn(format!("{} failed: {error}", id.title()));
                analysis.missing.push((id, error.to_string()));
            }
        }
    }
    for id in &plan.detectors {
        if !analysis.cancelled && !registry().iter().any(|d| d.id() == *id) {
            control.warn(format!("{} is not part of this version", id.title()));
            analysis.missing.push((*id, "not part of this version".into()));
        }
    }
    Ok(analysis)
}

/// What a plan scores of a case, and what of it is known-good.
pub(super) fn evidence(case: &Case, plan: &Plan, control: &Control) -> (Arc<dyn EventStore>, Option<Arc<dyn EventStore>>) {
    let snapshot = case.snapshot();
    let results = beside_events(snapshot.sources());
    if !results.contains(&true) {
        return scoped(snapshot, plan);
    }
    control.info("rules' results stand beside the events and are not scored");
    scoped(Arc::new(WithoutFindings { inner: snapshot, results }), plan)
}

/// Where contributions are written, and whether rankings are stored there too.
struct Place<'a> {
    case: &'a Case,
    keep: Keep,
}

/// One detector from start to stored run; `ranked` is called when its first ranking is there, and when its last one is. A panic inside it is its
/// failure, not the run's.
fn run(detector: &dyn Detector, input: &Input<'_>, place: &Place<'_>, tap: &Tap, emit: &dyn Emit, ranked: &mut dyn FnMut()) -> Result<Ranking, RunError> {
    let id = detector.id();
    let mut first = |detection: Detection| {
        if emit.wants_first_rankings()
            && let Ok(mut ordered) = rank_all(id, detection, input, vec![])
            && give_reasons(&mut ordered.report.subjects, ordered.explain.as_ref(), input.control).is_ok()
        {
            emit.emit(Happening::Ranked(Ranking { report: Arc::new(ordered.report), explain: ordered.explain }));
        }
        ranked();
    };
    let detection = catch_unwind(AssertUnwindSafe(|| detector.run(input, &mut first)))
        .unwrap_or_else(|panic| Err(RunError::failed(panics::internal_error(panic.as_ref()))))?;
    let Unexplained { mut report, explain } = rank_all(id, detection, input, tap.take())?;
    let mut written = explain_into(place.case, &mut report.subjects, explain.as_ref(), input.control)?;
    if place.keep == Keep::Runs {
        let (id, moved) = place.case.keep_run(&report, written, input.control)?;
        (report.run, written) = (id.to_string(), moved);
    }
    let ranking = Ranking { report: Arc::new(report), explain: Arc::new(Explained { written, detector: explain }) };
    emit.emit(Happening::Ranked(ranking.clone()));
    ranked();
    Ok(ranking)
}

/// A ranking whose subjects have no reasons yet.
struct Unexplained {
    report: Report,
    explain: Arc<dyn Explain>,
}

/// Ranks a detection: one value per subject by *rank by*, total order, threshold.
fn rank_all(id: DetectorId, detection: Detection, input: &Input<'_>, curve: Vec<CurvePoint>) -> Result<Unexplained, RunError> {
    let Detection { mut subjects, explain, model_id, stage, mut remarks, trials } = detection;
    let plan = input.plan;
    let has = |by| subjects.iter().any(|s| s.value(by, plan.preset).is_some());
    let rank_by = match (stage, has(plan.rank_by)) {
        (_, true) => plan.rank_by,
        (Stage::First, false) => RankBy::Rarity,
        (Stage::Final, false) if subjects.is_empty() => plan.rank_by,
        (Stage::Final, false) => return Err(RunError::failed(format!("no subject has a {}; rank by something else", plan.rank_by.title()))),
    };
    for subject in &mut subjects {
        subject.score = subject.value(rank_by, plan.preset).unwrap_or(f64::NAN);
    }
    let ranked = rank(subjects);
    if ranked.excluded > 0 {
        input.control.warn(format!("{}: {} subjects have no {} and are not ranked", id.title(), ranked.excluded, rank_by.title()));
    }
    let explain: Arc<dyn Explain> = Arc::new(Ordered { inner: explain, order: ranked.order });
    let scores: Vec<f64> = ranked.subjects.iter().map(|s| s.score).collect();
    let threshold = match plan.threshold {
        Threshold::Value(value) => value,
        Threshold::Quantile(q) => quantile(&scores, q),
    };
    let validation = trials.map(|trials| {
        let (validation, words) = validation::validation(&trials);
        remarks.splice(0..0, words);
        validation
    });
    let report = Report {
        detector: id,
        preset: plan.preset,
        rank_by,
        stage,
        threshold,
        model_id,
        device: input.device.reason.clone(),
        curve,
        remarks,
        validation,
        subjects: ranked.subjects,
        run: String::new(),
    };
    Ok(Unexplained { report, explain })
}

/// Hands everything on and keeps the newest training curve.
pub(super) struct Tap {
    inner: Arc<dyn Reporter>,
    curve: Mutex<Vec<CurvePoint>>,
}

impl Tap {
    pub(super) fn new(inner: Arc<dyn Reporter>) -> Arc<Self> {
        Arc::new(Self { inner, curve: Mutex::default() })
    }

    /// The newest curve; it begins anew.
    pub(super) fn take(&self) -> Vec<CurvePoint> {
        std::mem::take(&mut *self.curve.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reporter for Tap {
    fn progress(&self, progress: Progress) {
        self.inner.progress(progress);
    }

    fn notice(&self, notice: Notice) {
        self.inner.notice(notice);
    }

    fn epoch(&self, point: CurvePoint) {
        let mut curve = self.curve.lock().unwrap_or_else(PoisonError::into_inner);
        if point.epoch == 1 {
            curve.clear();
        }
        curve.push(point);
        drop(curve);
        self.inner.epoch(point);
    }
}
