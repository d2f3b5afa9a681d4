//! Turns unique events and their scores into the subjects that every detector hands out.

use super::read::Table;
use super::unique::Uniques;
use crate::domain::{Preset, RankBy, Subject};
use rayon::prelude::*;

/// Scores by row; what is missing was not computed.
pub(super) struct Scores<'a> {
    pub rank_by: RankBy,
    pub rarity: &'a [f64],
    pub learned: Option<&'a [f64]>,
    pub loss: Option<&'a [f64]>,
}

/// One subject per unique event, in row order.
pub(super) fn subjects(table: &Table, uniques: &Uniques, scores: &Scores<'_>) -> Vec<Subject> {
    (0..uniques.rows.len()).into_par_iter().map(|row| subject(table, uniques, scores, row)).collect()
}

fn subject(table: &Table, uniques: &Uniques, scores: &Scores<'_>, row: usize) -> Subject {
    let members = uniques.members(row);
    let event = |at: Option<&u32>| at.map(|&at| &table.events[at as usize]);
    let time = |at: Option<&u32>| event(at).map(|event| event.time).filter(|&time| time != i64::MIN);
    let last = members.iter().rev().find(|&&at| table.events[at as usize].time != i64::MIN);
    let head = uniques.head(table, row).cloned().unwrap_or_default();
    let value = |scores: Option<&[f64]>| scores.and_then(|scores| scores.get(row).copied());
    let (rarity, learned, loss) = (scores.rarity.get(row).copied(), value(scores.learned), value(scores.loss));
    let prior = learned.map(|_| 0.0);
    let mut subject = Subject {
        key: event(members.first()).map(|event| event.key).unwrap_or_default(),
        title: head.message.into(),
        subject: "unique event".into(),
        count: members.len() as u64,
        first_seen: time(members.first()),
        last_seen: time(last),
        computer: head.computer,
        user: head.user,
        channel: head.channel,
        provider: head.provider,
        event_id: head.event_id,
        record_id: head.record_id,
        image: head.image,
        command_line: head.command_line,
        learned,
        prior,
        loss,
        rarity,
        members: members.iter().map(|&at| table.events[at as usize].key).collect(),
        ..Subject::default()
    };
    subject.score = subject.value(scores.rank_by, Preset::Recommended).unwrap_or(f64::NAN);
    subject
}
