//! The `recommended` preset: additive surprise in bits with process context, and the linear autoencoder's residual beside it.

use super::context::{self, Lent};
use super::explain::Reasons;
use super::knowledge::{Knowledge, teachers};
use super::linear::Network;
use super::model::{Shared, Written, load};
use super::read::{Reader, Row, Table};
use super::subjects::{Scores, subjects};
use super::tails::Tails;
use super::unique::{Kept, Uniques};
use super::vocabulary::Vocabulary;
use crate::control::RunError;
use crate::detect::Input;
use crate::domain::{Detection, RankBy, Stage};
use rayon::prelude::*;
use std::sync::Arc;

/// Ignored fields that are named in the remarks.
const NAMED: usize = 12;

/// Everything read, before anything is learned.
struct Evidence {
    vocabulary: Vocabulary,
    kept: Kept,
    table: Table,
    uniques: Uniques,
    /// Known-good rows: baselines, or what a saved model holds.
    baselines: Vec<Uniques>,
    network: Option<Network>,
    ignored: Vec<String>,
    /// What of the baselines may leave in a saved model, where not all may.
    shared: Option<Shared>,
}

impl Evidence {
    fn read(input: &Input<'_>) -> Result<Self, RunError> {
        let saved = input.model.map(|folder| load(folder, input.device)).transpose()?;
        let (vocabulary, known, saved_rows, network) = match saved {
            Some(saved) => (saved.vocabulary, saved.kept, Some(saved.rows), Some(saved.network)),
            None => (Vocabulary::default(), Kept::default(), None, None),
        };
        let known_kinds = vocabulary.kinds.len() as u32;
        let mut reader = Reader::new(vocabulary);
        reader.witnesses = (input.save_model.is_some() && input.plan.save_shared_only).then(Default::default);
        let baselines = match saved_rows {
            Some(_) => Vec::new(),
            None => input.baseline.iter().map(|store| reader.read(*store, false, input.control)).collect::<Result<Vec<_>, _>>()?,
        };
        let table = reader.read(input.case, true, input.control)?;
        let mut kept = reader.kept();
        let ignored = reader.ignored(&kept);
        // A saved model has decided for the types it knows.
        kept.retain(|(kind, _)| *kind >= known_kinds);
        kept.extend(known);
        let tables = baselines;
        let mut baselines: Vec<Uniques> = tables.iter().map(|table| Uniques::new(table, &kept)).collect();
        let shared = reader.witnesses.take().map(|witnesses| Shared::new(tables.iter().zip(&baselines), &witnesses.list));
        baselines.extend(saved_rows);
        let uniques = Uniques::new(&table, &kept);
        Ok(Self { vocabulary: reader.vocabulary, kept, table, uniques, baselines, network, ignored, shared })
    }

    fn channels(&self) -> usize {
        let channels: std::collections::BTreeSet<&str> =
            (0..self.uniques.rows.len()).filter_map(|row| self.uniques.head(&self.table, row)?.channel.as_deref()).collect();
        channels.len()
    }
}

/// What ranks, by row.
struct Learned {
    scores: Vec<f64>,
    lent: Vec<Lent>,
    tails: Option<Tails>,
}

impl Learned {
    fn new(evidence: &Evidence, knowledge: &Knowledge, context: bool) -> Self {
        let rows = &evidence.uniques.rows;
        let tails = Tails::of(rows, evidence.channels(), knowledge);
        let own: Vec<f64> = rows.par_iter().map(|row| knowledge.score(row, tails.as_ref())).collect();
        if !context {
            return Self { scores: own, lent: Vec::new(), tails };
        }
        let lent = context::lend(&evidence.table, &evidence.uniques, &context::excess(&own));
        Self { scores: own.iter().zip(&lent).map(|(own, lent)| own + lent.bits).collect(), lent, tails }
    }
}

pub(super) fn run(input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
    let settings = &input.plan.settings.fields;
    let mut evidence = Evidence::read(input)?;
    input.control.check()?;
    let saved = evidence.network.take();
    let (baselines, uniques) = (&evidence.baselines, &evidence.uniques);
    let rows: Vec<(&Row, f64)> = teachers(baselines, uniques, settings.own_weight);
    let mut knowledge = Knowledge::counted(&rows);
    let rarity: Vec<f64> = uniques.rows.par_iter().map(|row| knowledge.rarity(row)).collect();
    let reasons = |rank_by, knowledge: &Knowledge| Reasons {
        rank_by,
        vocabulary: evidence.vocabulary.clone(),
        knowledge: knowledge.clone(),
        rows: uniques.rows.clone(),
        titles: (0..uniques.rows.len()).map(|row| uniques.head(&evidence.table, row).map(|head| head.message.clone()).unwrap_or_default()).collect(),
        lent: Vec::new(),
        tails: None,
        network: None,
        told: super::explain::Told::default(),
    };
    let early = subjects(&evidence.table, uniques, &Scores { rank_by: RankBy::Rarity, rarity: &rarity, learned: None, loss: None });
    let explain = Arc::new(reasons(RankBy::Rarity, &knowledge));
    first(Detection { subjects: early, explain, model_id: String::new(), stage: Stage::First, remarks: vec![], trials: None });
    input.control.check()?;
    knowledge.grow(&rows);
    input.control.check()?;
    let learned = Learned::new(&evidence, &knowledge, settings.context);
    let network = match saved {
        Some(network) => network,
        None => Network::train(&rows, &knowledge, input.plan, input.device, input.control)?,
    };
    let loss: Vec<f64> = uniques.rows.par_iter().map(|row| network.loss(row, &knowledge)).collect();
    let taught: Vec<(&Row, f64)> =
        if baselines.is_empty() { rows } else { baselines.iter().flat_map(|base| base.rows.iter().zip(base.cells.iter().copied())).collect() };
    let written = Written::new(&evidence.vocabulary, &evidence.kept, &taught, &network, input.plan.seed, evidence.shared.as_ref())?;
    let model_id = written.id(&network)?;
    if let Some(folder) = input.save_model {
        written.save(folder, &network)?;
    }
    let scores = Scores { rank_by: input.plan.rank_by, rarity: &rarity, learned: Some(&learned.scores), loss: Some(&loss) };
    let subjects = subjects(&evidence.table, uniques, &scores);
    let remarks = remarks(&evidence, learned.tails.is_some());
    let explain = Arc::new(Reasons { lent: learned.lent, tails: learned.tails, network: Some(network), ..reasons(input.plan.rank_by, &knowledge) });
    Ok(Detection { subjects, explain, model_id, stage: Stage::Final, remarks, trials: None })
}

fn remarks(evidence: &Evidence, tails: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    if tails {
        remarks.push("one channel of little variety: each field's surprise is averaged with how far out it lies among all events (COPOD)".to_owned());
    }
    if evidence.baselines.is_empty() {
        remarks.push("learned from the evidence itself: known-good evidence as a baseline ranks better".to_owned());
    }
    if !evidence.ignored.is_empty() {
        let more = evidence.ignored.len().saturating_sub(NAMED);
        let named = evidence.ignored.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        remarks.push(format!("fields not modelled (identifiers, times, numbers that do not repeat, long texts): {named}{more}"));
    }
    remarks
}
