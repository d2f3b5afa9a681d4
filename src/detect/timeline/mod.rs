//! Timeline: rows of super timelines, file system listings and artefact tables, ranked by what they are about, how rare that is, and how busy the
//! time was.
//!
//! `recommended` adds what tables know of paths to what was learned here: pauses, an autoencoder over seventeen features, a discount for what
//! repeats. `published` predicts each row from those before it, or is the closed form of what the published network computed. Border: reads events through [`EventStore`]; only `row` knows columns.

mod explain;
mod features;
mod knowledge;
mod letters;
mod network;
mod place;
mod published;
mod row;
mod score;
mod table;
mod text;

use super::{Detector, Input};
use crate::control::RunError;
use crate::domain::{Detection, DetectorId, EventStore, Preset, RankBy, Stage};
use explain::Explanation;
use features::Features;
use knowledge::Knowledge;
use network::Network;
use place::Places;
use score::Parts;
use std::sync::Arc;
use table::Table;

/// Known-good rows below this are too few to learn from alone.
const FEWEST_KNOWN: usize = 1_000;

/// The timeline detector.
pub struct Timeline;

impl Detector for Timeline {
    fn id(&self) -> DetectorId {
        DetectorId::Timeline
    }

    fn applies(&self, case: &dyn EventStore) -> Result<(), String> {
        let rows = case.sources().iter().any(|source| source.is_timeline() && source.events > 0);
        if rows { Ok(()) } else { Err("no timeline rows: open a plaso, mactime, bodyfile or MFTECmd output".into()) }
    }

    fn run(&self, input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
        match input.plan.preset {
            Preset::Published => published::run(input, first),
            Preset::Recommended => recommended(input, first),
        }
    }
}

struct Run {
    table: Arc<Table>,
    places: Arc<Places>,
    features: Arc<Features>,
}

fn recommended(input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
    let table = Table::read(input.case, input.baseline, input.control)?;
    let knowledge = if input.plan.prior { Knowledge::standard() } else { Knowledge::default() };
    let places = Places::new(&table.paths, &knowledge);
    input.control.check()?;
    let features = Features::new(&table, &places, input.control)?;
    let run = Run { table: Arc::new(table), places: Arc::new(places), features: Arc::new(features) };
    let mut parts = score::parts(&run.table, &run.places, &run.features);
    first(run.detection(RankBy::Rarity, parts.clone(), None, &[], input));
    input.control.check()?;
    let own = run.table.own().len();
    if own == 0 {
        input.control.warn("timeline: no rows could be read from the timelines");
        return Ok(Detection { stage: Stage::Final, ..run.detection(input.plan.rank_by, parts, None, &[], input) });
    }
    // Known-good rows teach alone where there are enough of them to teach anything.
    let known = run.table.rows.len() - own;
    let taught = if known >= FEWEST_KNOWN { own..own + known } else { 0..own + known };
    let network = Network::train(&run.features.values, taught, input)?;
    let losses = network.losses(&run.features.values, own, input)?;
    for (part, loss) in parts.iter_mut().zip(&losses) {
        part.network = Some(score::network(*loss));
    }
    Ok(run.detection(input.plan.rank_by, parts, Some(network), &losses, input))
}

impl Run {
    fn detection(&self, rank_by: RankBy, parts: Vec<Parts>, network: Option<Network>, losses: &[f64], input: &Input<'_>) -> Detection {
        let mut subjects = self.table.subjects();
        for (index, (subject, part)) in subjects.iter_mut().zip(&parts).enumerate() {
            let rarity = self.features.rarity(index);
            subject.rarity = Some(rarity);
            subject.loss = losses.get(index).copied();
            if network.is_some() {
                (subject.learned, subject.prior) = (Some(part.learned()), Some(part.prior()));
            }
            subject.score = subject.value(rank_by, Preset::Recommended).unwrap_or(rarity);
        }
        let stage = if network.is_some() { Stage::Final } else { Stage::First };
        let model_id = network.as_ref().map(|network| network.id.clone()).unwrap_or_default();
        let (table, places, features) = (self.table.clone(), self.places.clone(), self.features.clone());
        let explain = Arc::new(Explanation { rank_by, table, places, features, parts, network });
        Detection { subjects, explain, model_id, stage, remarks: self.remarks(input), trials: None }
    }

    fn remarks(&self, input: &Input<'_>) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.table.joined > 0 {
            remarks.push(format!("{} rows were joined to another row of the same event-log record", self.table.joined));
        }
        let known = self.table.rows.len() - self.table.own().len();
        if known > 0 {
            let alone = if known >= FEWEST_KNOWN { "the network learned from them alone" } else { "too few to learn from alone" };
            remarks.push(format!("{known} known-good rows were counted with the case's, and their paths are known for nothing; {alone}"));
        } else if !input.baseline.is_empty() {
            remarks.push("the baseline holds no timeline rows".into());
        }
        let untimed = self.table.own().iter().filter(|row| row.time.is_none()).count();
        if untimed > 0 {
            remarks.push(format!("{untimed} rows without a usable time: ranked, but without pauses and neighbours in time"));
        }
        let others = input.case.sources().iter().filter(|source| !source.is_timeline() && source.events > 0).count();
        if others > 0 {
            remarks.push(format!("{others} sources are no timelines and were left to the other detectors"));
        }
        if input.model.is_some() || input.save_model.is_some() {
            remarks.push("the timeline detector learns anew each time: saved models are not used, a baseline is".into());
        }
        remarks
    }
}
