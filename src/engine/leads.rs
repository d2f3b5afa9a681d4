//! Leads of a case: the ground is surveyed once, and made into leads whenever its rankings change.

use super::analyse::evidence;
use super::suppress::without;
use super::worker::Ranking;
use crate::case::{Annotations, Case, Target, Unit};
use crate::control::{Control, RunError};
use crate::domain::{Lead, LeadState, Leads, Ledger, Plan, Suppression, Threshold};
use crate::export::LeadMark;
use crate::leads::{Ground, leads};

/// Reads what leads are made of: the events that the plan scores.
///
/// # Errors
/// When the case cannot be read, or the job is cancelled.
pub fn survey(case: &Case, plan: &Plan, control: &Control) -> Result<Ground, RunError> {
    let (store, _) = evidence(case, plan, control);
    Ground::survey(store.as_ref(), control)
}

/// Rankings without what `rules` call ordinary.
#[must_use]
pub fn unsuppressed(rankings: &[Ranking], rules: &Suppression, sources: &[Ledger]) -> Vec<Ranking> {
    rankings.iter().map(|ranking| without(ranking, rules, Threshold::Value(ranking.report.threshold), sources).0).collect()
}

/// Leads of rankings from which what was called ordinary is gone.
#[must_use]
pub fn leads_of(ground: &Ground, rankings: &[Ranking]) -> Leads {
    leads(ground, &rankings.iter().map(|ranking| ranking.report.as_ref()).collect::<Vec<_>>())
}

/// Where what is said of a lead is kept: with the event that stands for it.
#[must_use]
pub fn lead_target(lead: &Lead, sources: &[Ledger]) -> Option<Target> {
    sources.get(lead.anchor.source as usize).map(|source| Target::new(Unit::Lead, source, lead.anchor))
}

/// What the analyst said of a lead.
#[must_use]
pub fn lead_mark(annotations: &Annotations, sources: &[Ledger], lead: &Lead) -> LeadMark {
    let said = sources.get(lead.anchor.source as usize).and_then(|source| annotations.get(Unit::Lead, source, lead.anchor));
    said.map_or_else(LeadMark::default, |said| LeadMark {
        state: said.tags.iter().find_map(|tag| LeadState::parse(tag)).unwrap_or_default(),
        note: said.note.clone(),
        flagged: said.flagged,
    })
}
