//! Process groups: what is launched together on a host within a window of time.
//!
//! `published` is a feature-hashed dense autoencoder over launch counts; `recommended` ranks a window by the chain scores of its launches, with a
//! larger hashed autoencoder's distance beside it. Border: joining creations into processes and scoring single launches are `features::lineage`'s
//! and `chains`' business.

mod explain;
mod network;
mod score;
mod subject;
mod windows;

use crate::control::RunError;
use crate::detect::chains::{NO_CREATIONS, may_hold_creations, score_creations};
use crate::detect::seen::{Seen, Witness};
use crate::detect::{Detector, Input};
use crate::domain::{Detection, DetectorId, EventStore, Plan, Preset, Processes, Stage};
use crate::features::lineage::processes;
use crate::features::{Interner, path};
use crate::nn::{Card, Dense, PlainDense, load_card, load_weights, model_id, save};
use explain::Explanation;
use score::{CUT, Frequencies, Launches};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use windows::{Kind, Rule, Windows, kinds, windows};

pub use network::Network;

/// Name of the saved model's files.
const SAVED: &str = "groups";

/// The detector.
pub(crate) struct Groups;

impl Detector for Groups {
    fn id(&self) -> DetectorId {
        DetectorId::Groups
    }

    fn applies(&self, case: &dyn EventStore) -> Result<(), String> {
        if may_hold_creations(case) { Ok(()) } else { Err(NO_CREATIONS.into()) }
    }

    fn run(&self, input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
        let saved = input.model.map(|folder| load_card(folder, SAVED).and_then(|card| Ok((Setup::of(&card)?, card)))).transpose()?;
        let (setup, rule_remark) = saved.as_ref().map_or_else(|| Setup::planned(input.plan), |(setup, _)| (setup.clone(), None));
        let mut groups = Gathered::read(input, &setup)?;
        groups.remarks.extend(rule_remark);
        if groups.windows.list.is_empty() {
            input.control.warn(format!("groups: {NO_CREATIONS}, with a time and an image name"));
            return Ok(groups.detection(Scored::default(), input.plan, Stage::Final));
        }
        let mut frequencies = Frequencies::default();
        let learned_from = groups.baseline.as_ref().unwrap_or(&groups.windows);
        match &saved {
            Some((_, card)) => frequencies = from_json(&card.vocabulary)?,
            None => frequencies.add(learned_from, |code| groups.names.name(code), 1.0),
        }
        let mut scored = Scored { frequencies, ..Scored::default() };
        first(groups.detection(scored.clone(), input.plan, Stage::First));

        let device = input.device.for_work(2 * 32 * (setup.network.buckets + 8), setup.network.fit.batch);
        if device.is_gpu() != input.device.is_gpu() {
            groups.remarks.push(format!("trained on {}", device.reason));
        }
        let model = match (&saved, input.model) {
            (Some((_, card)), Some(folder)) => load_weights(folder, SAVED, card, Dense::new(&setup.network.shape, 0, &device), &device)?,
            _ => setup.network.train(learned_from, &groups.names, &device, input.control)?,
        };
        scored.distances = setup.network.distances(&model, &groups.windows, &groups.names, &device, input.control)?;
        scored.network = Some((setup.network.clone(), model.plain()?));
        let shared = groups.seen.take().map(|seen| scored.frequencies.shared(&seen));
        scored.model_id = keep(&setup, shared.as_ref().unwrap_or(&scored.frequencies), &model, input)?;
        if input.plan.preset == Preset::Recommended {
            scored.judge(&groups, input)?;
            groups.remarks.push(format!("launches count from a chain score of about {CUT} on"));
        }
        groups.baseline = None;
        Ok(groups.detection(scored, input.plan, Stage::Final))
    }
}

/// What must be the same for a saved model to be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Setup {
    window_seconds: u64,
    by_user: bool,
    windows_only: bool,
    network: Network,
}

impl Setup {
    /// From the plan, with a word where the preset overrides a setting.
    fn planned(plan: &Plan) -> (Self, Option<String>) {
        let settings = &plan.settings.groups;
        let published = plan.preset == Preset::Published;
        // The published windows are 1 hour, or 5 minutes, 15 minutes, 1 day: where the setting is left at our own 60 s, its default is taken.
        let hour = published && settings.window_seconds == 60;
        let setup = Self {
            window_seconds: if hour { 3600 } else { settings.window_seconds.max(1) },
            by_user: settings.by_user,
            windows_only: settings.windows_only || published,
            network: if published { Network::published(plan.seed) } else { Network::recommended(settings.buckets, plan.seed) },
        };
        (setup, hour.then(|| "the published method's window of 1 hour is used instead of 60 s".to_owned()))
    }

    fn of(card: &Card) -> Result<Self, RunError> {
        from_json(&card.config)
    }

    fn rule(&self) -> Rule {
        Rule { seconds: self.window_seconds, by_user: self.by_user, windows_only: self.windows_only }
    }
}

fn from_json<T: serde::de::DeserializeOwned>(value: &serde_json::Value) -> Result<T, RunError> {
    T::deserialize(value).map_err(|error| RunError::failed(format!("the saved model of process groups cannot be used ({error}); train it again")))
}

/// The model's id; saves the model when that is wanted.
fn keep(setup: &Setup, frequencies: &Frequencies, model: &Dense, input: &Input<'_>) -> Result<String, RunError> {
    let json = |value: Result<serde_json::Value, serde_json::Error>| value.map_err(|error| RunError::Failed(error.into()));
    let card = Card {
        kind: "process groups".into(),
        config: json(serde_json::to_value(setup))?,
        vocabulary: json(serde_json::to_value(frequencies))?,
        seed: setup.network.fit.seed,
        ..Card::default()
    };
    match input.save_model {
        Some(folder) => save(folder, SAVED, model, &card),
        None => model_id(&card, model),
    }
}

/// A case in windows.
struct Gathered {
    processes: Arc<Processes>,
    names: Arc<Interner>,
    windows: Arc<Windows>,
    baseline: Option<Windows>,
    kinds: Arc<[Kind]>,
    texts: Arc<Interner>,
    setup: Setup,
    remarks: Vec<String>,
    /// Which of the baseline's names may be saved, where not all may.
    seen: Option<Seen<String>>,
}

impl Gathered {
    fn read(input: &Input<'_>, setup: &Setup) -> Result<Self, RunError> {
        let (rule, mut names, mut texts) = (setup.rule(), Interner::default(), Interner::default());
        let processes = processes(input.case, input.control)?;
        let found = windows(&processes, rule, &mut names);
        let kinds = kinds(&processes, &mut texts);
        let mut baseline: Option<Windows> = None;
        let mut seen = (input.save_model.is_some() && input.plan.save_shared_only).then(Seen::default);
        for store in input.baseline {
            input.control.check()?;
            let processes = self::processes(*store, input.control)?;
            if let Some(seen) = &mut seen {
                for process in &processes.list {
                    seen.note(path::base(&process.image), Witness::new(Some(&process.computer), process.user.as_deref()));
                }
            }
            let more = windows(&processes, rule, &mut names);
            baseline.get_or_insert_default().append(more);
        }
        let baseline = baseline.filter(|windows| !windows.list.is_empty());
        let entity = if rule.by_user { "host and user" } else { "host" };
        let mut remarks = vec![format!("{} windows of {} s by {entity}, fixed on UTC", found.list.len(), rule.seconds)];
        if found.untimed > 0 {
            remarks.push(format!("{} process creations without a time are in no window", found.untimed));
        }
        if found.left_out > 0 {
            let why = if rule.windows_only { "whose image is not under the Windows directory" } else { "that name no image" };
            remarks.push(format!("{} process creations {why} are in no window", found.left_out));
        }
        Ok(Self {
            processes: Arc::new(processes),
            names: Arc::new(names),
            windows: Arc::new(found),
            baseline,
            kinds: kinds.into(),
            texts: Arc::new(texts),
            setup: setup.clone(),
            remarks,
            seen,
        })
    }

    fn detection(&self, scored: Scored, plan: &Plan, stage: Stage) -> Detection {
        let model_id = scored.model_id.clone();
        let explain = Explanation::new(self, scored, plan, stage);
        let subjects = (0..self.windows.list.len()).map(|index| subject::subject(self, &explain.scored, index, plan, stage)).collect();
        Detection { subjects, explain: Arc::new(explain), model_id, stage, remarks: self.remarks.clone(), trials: None }
    }
}

/// What was found out about the windows.
#[derive(Clone, Default)]
struct Scored {
    frequencies: Frequencies,
    /// By pattern.
    distances: Vec<f64>,
    network: Option<(Network, PlainDense)>,
    /// Whole chain scores, and the learned parts alone.
    launches: Option<Arc<(Launches, Launches)>>,
    model_id: String,
}

impl Scored {
    /// Scores the launches as chains.
    fn judge(&mut self, groups: &Gathered, input: &Input<'_>) -> Result<(), RunError> {
        // A saved model of groups holds no chain scorer: that of the chains saved beside it is used, else chains are counted afresh, on the baseline given.
        let beside = input.model.and_then(std::path::Path::parent).map(|folder| folder.join(DetectorId::Chains.name())).filter(|folder| folder.is_dir());
        let creations = score_creations(&Input { model: beside.as_deref(), save_model: None, ..*input })?;
        let whole: Vec<f64> = creations.scores.iter().map(|score| score.learned + score.prior).collect();
        let learned: Vec<f64> = creations.scores.iter().map(|score| score.learned).collect();
        if whole.len() != groups.processes.list.len() {
            return Err(RunError::failed("the evidence changed while it was read: process creations were added or lost"));
        }
        let (whole, learned) = (Launches::new(whole), Launches::new(learned));
        self.launches = Some(Arc::new((whole, learned)));
        Ok(())
    }
}
