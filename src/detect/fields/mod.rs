//! Event fields: unique events of any EVTX channel, ranked by how surprising their fields are.
//!
//! `recommended` adds up bits: how rare the event type is, how rare each value is given the type and given the field that foretells it best, and
//! what the event's process did elsewhere. A linear autoencoder's residual stands beside it. `published` is the dense autoencoder over seven
//! Task Scheduler features (DS4N6), or, as a setting, its variant over sequences. Border: reads events through [`EventStore`], hands back a [`Detection`].

mod choose;
mod context;
mod counts;
mod explain;
mod knowledge;
mod linear;
mod model;
mod parse;
mod processes;
mod published;
mod published_read;
mod read;
mod recommended;
mod sequence;
mod subjects;
mod tails;
mod tree;
mod unique;
mod vocabulary;

use super::{Detector, Input};
use crate::control::RunError;
use crate::domain::{Detection, DetectorId, EventStore, Preset};

/// The event-field detector.
pub struct Fields;

impl Detector for Fields {
    fn id(&self) -> DetectorId {
        DetectorId::Fields
    }

    fn applies(&self, case: &dyn EventStore) -> Result<(), String> {
        if case.events() == 0 { Err("no events: needs at least one readable record".into()) } else { Ok(()) }
    }

    fn run(&self, input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
        match input.plan.preset {
            Preset::Recommended => recommended::run(input, first),
            Preset::Published if input.plan.settings.fields.sequence => sequence::run(input, first),
            Preset::Published => published::run(input, first),
        }
    }
}
