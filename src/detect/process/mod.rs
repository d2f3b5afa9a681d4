//! Process behaviour: the Sysmon events of one process in order, as its classifier or its autoencoder sees them.
//!
//! With labels (a file's or the case's own) a recurrent classifier ranks all processes; labelled ones get the score of a classifier that was
//! not trained on their group. Without labels an autoencoder and the rarity of words rank. Border: labels come in the plan; how well a
//! classifier does is measured by the engine.

mod classify;
mod column;
mod explain;
mod facts;
mod flags;
mod labels;
mod place;
mod rarity;
mod sequences;
mod subject;
mod unlabelled;
mod validate;
mod vocabulary;

use crate::control::{Control, RunError};
use crate::detect::{Detector, Input};
use crate::domain::{Detection, DetectorId, EventStore, Explain, Preset, ProcessLabel, RankBy, Stage, Trials};
use crate::nn::{Card, FitConfig, LabelledSequences, model_id};
use classify::{Classifier, Setup, class_weight};
use explain::{ByEvents, ByWords};
use labels::Labelled;
use rarity::Rarity;
use sequences::{Reading, Sequences};
use std::sync::Arc;
use validate::Validator;
use vocabulary::{Examples, Vocabulary};

pub use flags::{has_base64, has_url_or_unc};

/// Why there is nothing to do.
const NO_SYSMON: &str = "no Sysmon events were found (their channel or provider names Sysmon)";

/// The detector.
pub struct ProcessBehaviour;

impl Detector for ProcessBehaviour {
    fn id(&self) -> DetectorId {
        DetectorId::Process
    }

    fn applies(&self, case: &dyn EventStore) -> Result<(), String> {
        let sysmon = |channel: &str| channel.to_ascii_lowercase().contains("sysmon") || channel.eq_ignore_ascii_case("ForwardedEvents");
        let found = case.sources().iter().flat_map(|source| &source.seen).any(|(_, channel, _)| sysmon(channel));
        if found { Ok(()) } else { Err(NO_SYSMON.into()) }
    }

    fn run(&self, input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
        let saved = input.model.map(Classifier::saved).transpose()?;
        let setup = saved.as_ref().map_or_else(|| Setup::planned(input.plan), |(setup, _)| Ok(setup.clone()))?;
        let run = Run::read(input, &setup)?;
        if run.sequences.list.is_empty() {
            input.control.warn(format!("process behaviour: {NO_SYSMON}, or no process has {} of them", setup.least));
            return Ok(run.detection(&Scores::default(), Arc::new(Nothing), String::new(), Stage::Final, None));
        }
        let rarity = run.rarity(input)?;
        let bits: Vec<f64> = (0..run.sequences.list.len()).map(|at| rarity.bits(&run.sequences, &run.examples, at)).collect();
        let scores = Scores { rarity: bits, ..Scores::default() };
        first(run.detection(&scores, Arc::new(run.by_words(&rarity, None)), String::new(), Stage::First, None));
        input.control.check()?;
        if let (Some((setup, card)), Some(folder)) = (saved, input.model) {
            return run.with_model(Classifier::load(setup, &card, folder, input.device)?, scores, input);
        }
        let labelled = Labelled::of(&input.plan.labelled, &run.sequences);
        if !input.plan.labelled.is_empty() {
            Run::say(&labelled, input);
        }
        let malicious = labelled.malicious();
        if input.plan.rank_by == RankBy::Loss && input.plan.preset == Preset::Recommended || malicious == 0 || malicious == labelled.rows.len() {
            return run.unlabelled(scores, &rarity, input);
        }
        run.labelled(&labelled, scores, input)
    }
}

/// What is known of each process, by index.
#[derive(Clone, Default)]
struct Scores {
    rarity: Vec<f64>,
    learned: Option<Vec<f64>>,
    loss: Option<Vec<f64>>,
}

/// A case's processes.
struct Run {
    setup: Setup,
    sequences: Arc<Sequences>,
    examples: Arc<Examples>,
    remarks: Vec<String>,
    plan_rank: (RankBy, Preset),
}

impl Run {
    fn read(input: &Input<'_>, setup: &Setup) -> Result<Self, RunError> {
        let reading = Reading { least: setup.least, strict: setup.strict };
        let sequences = Sequences::read(input.case, reading, input.control)?;
        let examples = Examples::of(&sequences, 0..sequences.list.len(), setup.steps);
        let mut remarks = vec![format!("{} processes with at least {} events", sequences.list.len(), setup.least)];
        if sequences.short > 0 {
            remarks.push(format!("{} processes with fewer events are not scored", sequences.short));
        }
        if sequences.unowned > 0 {
            remarks.push(format!("{} Sysmon events that name no process are left out", sequences.unowned));
        }
        if !setup.names {
            remarks.push("image names, directories and parents' names are left out".into());
        }
        Ok(Self {
            setup: setup.clone(),
            sequences: Arc::new(sequences),
            examples: Arc::new(examples),
            remarks,
            plan_rank: (input.plan.rank_by, input.plan.preset),
        })
    }

    fn rarity(&self, input: &Input<'_>) -> Result<Rarity, RunError> {
        let mut rarity = Rarity::new(self.setup.names);
        for store in input.baseline {
            let known = Sequences::read(*store, Reading { least: self.setup.least, strict: self.setup.strict }, input.control)?;
            rarity.count(&known, &Examples::of(&known, 0..known.list.len(), self.setup.steps));
        }
        if input.baseline.is_empty() {
            rarity.count(&self.sequences, &self.examples);
        }
        Ok(rarity)
    }

    fn by_words(&self, rarity: &Rarity, errors: Option<Vec<Vec<f32>>>) -> ByWords {
        ByWords { sequences: self.sequences.clone(), examples: self.examples.clone(), rarity: rarity.clone(), errors, steps: self.setup.steps }
    }

    fn say(labelled: &Labelled, input: &Input<'_>) {
        if labelled.unmatched > 0 {
            input.control.info(format!("{} labels are of processes that are not scored here", labelled.unmatched));
        }
        if labelled.disputed > 0 {
            input.control.warn(format!("{} processes are called both malicious and benign: they count as malicious", labelled.disputed));
        }
        for text in labelled.complaints() {
            input.control.warn(format!("process behaviour: {text}"));
        }
    }

    /// Trains on the labels and scores every process; labelled ones by the classifier that had not seen their group.
    fn labelled(mut self, labelled: &Labelled, scores: Scores, input: &Input<'_>) -> Result<Detection, RunError> {
        let (all, control) = (self.sequences.list.len(), input.control);
        let device = input.device.for_work(20_000, 32);
        let examples = Examples::of(&self.sequences, labelled.rows.iter().map(|(at, _)| *at), self.setup.steps);
        let validator = Validator { setup: &self.setup, sequences: &self.sequences, examples: &examples, labelled, device: &device, control };
        let most = input.plan.settings.process.folds.max(2);
        let part = validator.by_group(most);
        let grouped = validator.run("groups held out", &part)?;
        let at_random = validator.run("held out at random", &validator.at_random(most))?;
        let train: Vec<(usize, bool)> = labelled.rows.clone();
        let last = Classifier::train(&self.setup, &self.sequences, &self.examples, &train, &device, control)?;
        let which: Vec<usize> = (0..all).collect();
        let mut logits: Vec<f64> = last.score(&self.sequences, &self.examples, &which, &device, control)?.into_iter().map(f64::from).collect();
        let model_id = last.keep(input.save_model)?;
        let outcome = |row: usize, score: f64| (score, labelled.rows[row].1);
        let trials = Trials {
            network: self.setup.network.clone(),
            labelled: labelled.rows.len() as u64,
            malicious: labelled.malicious() as u64,
            groups: labelled.group_count() as u64,
            folds: grouped.len() as u64,
            grouped: grouped.iter().flat_map(|fold| fold.scores.iter().map(|&(row, score)| outcome(row, score))).collect(),
            random: at_random.iter().flat_map(|fold| fold.scores.iter().map(|&(row, score)| outcome(row, score))).collect(),
            class_weight: class_weight(&labelled.rows),
        };
        let held: usize = grouped.iter().map(|fold| fold.scores.len()).sum();
        self.remarks.push(format!(
            "{} of {} labelled processes are ranked by a classifier that had not seen their group; a malicious one weighs {:.1} benign ones in training",
            held,
            labelled.rows.len(),
            trials.class_weight
        ));
        let (mut by, mut classifiers) = (vec![0; all], vec![last]);
        for fold in grouped {
            for (row, score) in fold.scores {
                let at = labelled.rows[row].0;
                (logits[at], by[at]) = (score, classifiers.len());
            }
            classifiers.push(fold.classifier);
        }
        let explain = ByEvents { sequences: self.sequences.clone(), examples: self.examples.clone(), classifiers, by, steps: self.setup.steps, device };
        Ok(self.detection(&scores.classified(logits, self.plan_rank.1 == Preset::Published), Arc::new(explain), model_id, Stage::Final, Some(trials)))
    }

    /// Scores with a saved classifier.
    fn with_model(mut self, classifier: Classifier, scores: Scores, input: &Input<'_>) -> Result<Detection, RunError> {
        let strangers = classifier.strangers(&self.sequences, &self.examples);
        let words = format!("{:.1} % of the words of these processes are unknown to the saved model (OTHER)", strangers * 100.0);
        if strangers > 0.3 {
            input.control.warn(format!("process behaviour: {words}: it was trained on other evidence; trust it little"));
        } else {
            input.control.info(format!("process behaviour: {words}"));
        }
        self.remarks.push(words);
        let all: Vec<usize> = (0..self.sequences.list.len()).collect();
        let logits: Vec<f64> = classifier.score(&self.sequences, &self.examples, &all, input.device, input.control)?.into_iter().map(f64::from).collect();
        let model_id = classifier.keep(input.save_model)?;
        let labelled = Labelled::of(&input.plan.labelled, &self.sequences);
        if !labelled.rows.is_empty() {
            let outcomes = labelled.rows.iter().map(|&(at, malicious)| (logits[at], malicious));
            let (right, calls) = outcomes.fold((0, 0), |(right, calls), (score, malicious)| (right + usize::from((score >= 0.0) == malicious), calls + 1));
            self.remarks.push(format!("the saved model calls {right} of {calls} labelled processes right"));
        }
        let by = vec![0; all.len()];
        let explain = ByEvents {
            sequences: self.sequences.clone(),
            examples: self.examples.clone(),
            classifiers: vec![classifier],
            by,
            steps: self.setup.steps,
            device: input.device.clone(),
        };
        Ok(self.detection(&scores.classified(logits, self.plan_rank.1 == Preset::Published), Arc::new(explain), model_id, Stage::Final, None))
    }

    /// Ranks by what is rare and what an autoencoder cannot rebuild.
    fn unlabelled(mut self, mut scores: Scores, rarity: &Rarity, input: &Input<'_>) -> Result<Detection, RunError> {
        let config = FitConfig {
            name: "process autoencoder".into(),
            epochs: self.setup.epochs.min(20),
            batch: 64,
            learning_rate: 5e-3,
            final_rate: 1e-3,
            patience: Some(self.setup.patience),
            seed: self.setup.seed,
            ..FitConfig::default()
        };
        let mut learn = Vec::new();
        for store in input.baseline {
            learn.push(Sequences::read(*store, Reading { least: self.setup.least, strict: self.setup.strict }, input.control)?);
        }
        // Of several baselines the largest teaches the autoencoder; rarity counts them all.
        let known = learn.iter().max_by_key(|known| known.list.len()).filter(|known| !known.list.is_empty()).unwrap_or(&self.sequences);
        let published = input.plan.preset == Preset::Published;
        let columns = if published { column::Column::PUBLISHED.to_vec() } else { column::Column::recommended(self.setup.names) };
        let found = unlabelled::losses(&self.sequences, known, &columns, self.setup.steps, &config, input.device, input.control)?;
        let card = Card { kind: "process autoencoder".into(), seed: self.setup.seed, ..Card::default() };
        let model_id = model_id(&card, &found.model)?;
        if input.save_model.is_some() {
            input.control.info("process behaviour: without labels no classifier was trained, so no model of it is saved");
        }
        let losses: Vec<f64> = found.whole.iter().map(|loss| f64::from(*loss)).collect();
        scores.learned = Some(for_length(&scores.rarity, &self.sequences));
        scores.loss = Some(losses);
        let by_loss = self.plan_rank.0 == RankBy::Loss || published;
        let ranks = if by_loss { "the autoencoder's loss" } else { "the rarity of what processes do, for their length" };
        self.remarks.push(format!("no usable labels: ranked by {ranks}"));
        let steps = self.setup.steps;
        let errors = if by_loss { Some(found.errors(&self.sequences, &columns, steps, input.device, input.control)?) } else { None };
        let explain = self.by_words(rarity, errors);
        Ok(self.detection(&scores, Arc::new(explain), model_id, Stage::Final, None))
    }

    fn detection(&self, scores: &Scores, explain: Arc<dyn Explain>, model_id: String, stage: Stage, trials: Option<Trials>) -> Detection {
        let pick = |values: &Option<Vec<f64>>, at: usize| values.as_ref().and_then(|values| values.get(at)).copied();
        let subject = |(at, sequence)| crate::domain::Subject {
            rarity: scores.rarity.get(at).copied(),
            learned: pick(&scores.learned, at),
            prior: pick(&scores.learned, at).map(|_| 0.0),
            loss: pick(&scores.loss, at),
            ..subject::subject(&self.sequences, sequence)
        };
        let subjects = self.sequences.list.iter().enumerate().map(subject).collect();
        Detection { subjects, explain, model_id, stage, remarks: self.remarks.clone(), trials }
    }
}

impl Scores {
    /// With a classifier's log-odds. The published preset ranks by a loss: what calling the process benign would cost.
    fn classified(self, logits: Vec<f64>, published: bool) -> Self {
        let loss = published.then(|| logits.iter().map(|z| z.max(0.0) + (-z.abs()).exp().ln_1p()).collect());
        Self { learned: Some(logits), loss, ..self }
    }
}

/// Rarity for its length: a process with more events says more that is rare, but by far not in proportion.
fn for_length(rarity: &[f64], sequences: &Sequences) -> Vec<f64> {
    rarity.iter().zip(&sequences.list).map(|(bits, sequence)| bits / (sequence.steps.len().max(1) as f64).powf(0.25)).collect()
}

/// The labelled processes of a case as the published networks take them, each with whether it is malicious: for tests and benches.
///
/// # Errors
/// The case cannot be read, or cancelled.
pub fn published_examples(case: &dyn EventStore, labels: &[ProcessLabel], steps: usize, control: &Control) -> Result<(LabelledSequences, Vec<bool>), RunError> {
    let sequences = Sequences::read(case, Reading { least: 4, strict: true }, control)?;
    let labelled = Labelled::of(labels, &sequences);
    let examples = Examples::of(&sequences, labelled.rows.iter().map(|(at, _)| *at), steps);
    let all: Vec<usize> = (0..labelled.rows.len()).collect();
    let numbers = Vocabulary::learn(&sequences, &examples, &all, &column::Column::PUBLISHED, 1).numbers(&sequences);
    let mut data = LabelledSequences::new(steps, numbers.width(), 42);
    for (at, (_, malicious)) in labelled.rows.iter().enumerate() {
        data.push(numbers.ordinals(&sequences, &examples, at), f32::from(u8::from(*malicious)));
    }
    Ok((data, labelled.rows.into_iter().map(|(_, malicious)| malicious).collect()))
}

/// How many processes with at least four events a case holds, and their events: for benches.
///
/// # Errors
/// The case cannot be read, or cancelled.
pub fn count(case: &dyn EventStore, control: &Control) -> Result<(usize, usize), RunError> {
    let sequences = Sequences::read(case, Reading { least: 4, strict: false }, control)?;
    Ok((sequences.list.len(), sequences.list.iter().map(|sequence| sequence.steps.len()).sum()))
}

/// Explains nothing: there is nothing.
struct Nothing;

impl Explain for Nothing {
    fn explain(&self, _: usize) -> Vec<crate::domain::Contribution> {
        Vec::new()
    }
}
