//! Why a row scored as it did, in a responder's words.

use super::features::{BITS, COUNT, Features, NAMES};
use super::knowledge::Class;
use super::network::Network;
use super::place::{DUAL_USE, EXECUTABLE, MASQUERADE, NONE, ODD, PREFETCH, Places, RUN_KEY, SHORT, UNDER_USERS};
use super::score::Parts;
use super::table::Table;
use crate::domain::{Contribution, Explain, RankBy};
use std::sync::Arc;

/// Features of the network named at most.
const NAMED: usize = 4;

/// Everything needed to explain rows.
pub(super) struct Explanation {
    pub(super) rank_by: RankBy,
    pub(super) table: Arc<Table>,
    pub(super) places: Arc<Places>,
    pub(super) features: Arc<Features>,
    pub(super) parts: Vec<Parts>,
    pub(super) network: Option<Network>,
}

type Points = (f64, Contribution);

fn part(points: f64, name: &str, observed: String, expected: String) -> Points {
    (points, Contribution { name: name.into(), share: 0.0, observed, expected })
}

/// Contributions with their shares, largest first.
pub(super) fn shared(mut points: Vec<Points>) -> Vec<Contribution> {
    points.retain(|(points, _)| *points != 0.0);
    let whole: f64 = points.iter().map(|(points, _)| points.abs()).sum::<f64>().max(f64::MIN_POSITIVE);
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    points.into_iter().map(|(points, c)| Contribution { share: points / whole, ..c }).collect()
}

impl Explain for Explanation {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let Some(parts) = self.parts.get(index) else { return Vec::new() };
        shared(match (self.rank_by, &self.network) {
            (RankBy::Rarity, _) => self.rarity(index),
            (RankBy::Loss, Some(network)) => self.network(index, network, 1.0, COUNT),
            (_, network) => {
                let mut list = self.learned(index, parts);
                list.extend(self.prior(parts));
                if let (Some(network), Some(points)) = (network, parts.network) {
                    list.extend(self.network(index, network, points, NAMED));
                }
                list
            }
        })
    }
}

impl Explanation {
    fn rarity(&self, index: usize) -> Vec<Points> {
        let row = self.features.values.row(index);
        let of = |at: &usize| row.get(*at).map(|bits| part(f64::from(*bits), NAMES[*at], format!("{} ({bits:.1} bits)", self.said(index, *at)), String::new()));
        BITS.iter().filter_map(of).collect()
    }

    /// The features that the network could not foretell, sharing `points`.
    fn network(&self, index: usize, network: &Network, points: f64, most: usize) -> Vec<Points> {
        let row = self.features.values.row(index);
        let (errors, expected) = (network.errors(row), network.expected(row));
        let whole = errors.iter().map(|e| f64::from(*e)).sum::<f64>().max(f64::MIN_POSITIVE);
        let mut order: Vec<usize> = (0..COUNT).collect();
        order.sort_by(|a, b| errors[*b].total_cmp(&errors[*a]));
        let of = |at: usize| {
            let observed = format!("{} ({:.1})", self.said(index, at), row[at]);
            part(points * f64::from(errors[at]) / whole, NAMES[at], observed, format!("{:.1} from the row's other features", expected[at]))
        };
        order.into_iter().take(most).map(of).collect()
    }

    fn learned(&self, index: usize, parts: &Parts) -> Vec<Points> {
        let repeats = self.features.repeats[index];
        let pause = f64::from(self.features.values.row(index)[super::features::GAP]).exp2() - 1.0;
        vec![
            part(parts.pause, "pause before it", format!("{pause:.0} s without a row"), String::new()),
            part(parts.repeats, "repeats", format!("{repeats} rows of this kind about this"), "at most 16".into()),
        ]
    }

    fn prior(&self, parts: &Parts) -> Vec<Points> {
        let path = |code: u32| self.table.paths.name(code).to_owned();
        let mut list = Vec::new();
        if let Some(place) = self.places.list.get(parts.worst as usize) {
            let seen = path(parts.worst);
            let mut flag = |holds: bool, points: f64, name: &str, expected: &str| {
                if holds {
                    list.push(part(points, name, seen.clone(), expected.to_owned()));
                }
            };
            flag(place.odd > 0.0, ODD * f64::from(place.odd), "odd directory", "programs below Windows or Program Files");
            flag(place.masquerade, MASQUERADE, "name of Windows' own elsewhere", "the directory that Windows keeps it in");
            flag(place.short, SHORT, "short name", "a name of three letters or more");
            flag(place.dual_use, DUAL_USE, "dual-use program", "");
            flag(place.under_users, UNDER_USERS, "program below a user's folder", "programs below Windows or Program Files");
            flag(place.class == Class::Program, EXECUTABLE, "program", "");
            flag(place.prefetch, PREFETCH, "a program was run", "");
            flag(place.run_key, RUN_KEY, "started with Windows", "");
        }
        list.push(part(parts.alone, "new program that came alone", path(parts.worst), "programs that arrive with others".into()));
        if parts.lender != NONE {
            list.push(part(parts.lent, "same program elsewhere", path(parts.lender), String::new()));
        }
        list.push(part(parts.around, "rows around it", "they name such programs too".into(), String::new()));
        list
    }

    /// What a feature was taken from.
    fn said(&self, index: usize, at: usize) -> String {
        let Some(row) = self.table.rows.get(index) else { return String::new() };
        let place = self.places.list.get(row.object as usize);
        let or = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
        let minutes = |at: usize| format!("{:.0} rows", f64::from(self.features.values.row(index)[at]).exp2());
        match at {
            0 => self.table.kinds.name(row.kind).to_owned(),
            1 => place.map_or_else(|| "none".into(), |place| or(self.places.directories.name(place.directory))),
            2 | 3 => place.map_or_else(|| "none".into(), |place| or(self.places.extensions.name(place.extension))),
            12 | 13 => minutes(at),
            14 => letters(row.macb),
            16 => self.table.named(row).iter().take(3).map(|code| self.table.paths.name(*code)).collect::<Vec<_>>().join(", "),
            _ => self.table.paths.name(row.object).to_owned(),
        }
    }
}

/// `M.CB`
fn letters(macb: u8) -> String {
    "MACB".chars().zip([8, 4, 2, 1]).map(|(letter, bit)| if macb & bit != 0 { letter } else { '.' }).collect()
}
