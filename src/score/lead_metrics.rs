//! How well leads tell an attack: the measures of `evaluate --unit lead` and of the benchmarks.

use std::collections::BTreeSet;

/// One lead, as far as it is measured.
#[derive(Clone, Debug, Default)]
pub struct LeadOutcome {
    /// Names of its true processes.
    pub processes: BTreeSet<String>,
    /// Names of its true events.
    pub events: BTreeSet<String>,
    /// Whether any member is true.
    pub attack: bool,
    /// Whether it is called more than weak.
    pub above_weak: bool,
}

/// Measures of a list of leads, in rank order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeadMetrics {
    /// Leads measured.
    pub leads: usize,
    /// Rank of the first true one, from 1.
    pub first: Option<usize>,
    /// (k, true ones among the first k).
    pub at: Vec<(usize, usize)>,
    /// Share of the true processes of all leads that stand inside the first five; none without true processes.
    pub processes_in_five: Option<f64>,
    /// The same of true events.
    pub events_in_five: Option<f64>,
    /// The same of true events inside the first three.
    pub events_in_three: Option<f64>,
    /// Leads above weak, and those of them that are true.
    pub above_weak: (usize, usize),
}

/// Measures leads in rank order.
#[must_use]
pub fn measure_leads(leads: &[LeadOutcome]) -> LeadMetrics {
    let share = |pick: fn(&LeadOutcome) -> &BTreeSet<String>, first: usize| {
        let all: BTreeSet<&String> = leads.iter().flat_map(pick).collect();
        let inside: BTreeSet<&String> = leads.iter().take(first).flat_map(pick).collect();
        (!all.is_empty()).then(|| inside.len() as f64 / all.len() as f64)
    };
    let above = || leads.iter().filter(|lead| lead.above_weak);
    LeadMetrics {
        leads: leads.len(),
        first: leads.iter().position(|lead| lead.attack).map(|at| at + 1),
        at: [3, 5, 10].into_iter().map(|k| (k, leads.iter().take(k).filter(|lead| lead.attack).count())).collect(),
        processes_in_five: share(|lead| &lead.processes, 5),
        events_in_five: share(|lead| &lead.events, 5),
        events_in_three: share(|lead| &lead.events, 3),
        above_weak: (above().count(), above().filter(|lead| lead.attack).count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_what_all_leads_hold() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let lead = |processes: &[&str], events: &[&str], above_weak| LeadOutcome {
            processes: set(processes),
            events: set(events),
            attack: !processes.is_empty() || !events.is_empty(),
            above_weak,
        };
        let nothing = lead(&[], &[], false);
        let list = [lead(&[], &[], true), lead(&["a", "b"], &["1"], true), nothing.clone(), nothing.clone(), nothing, lead(&["c", "a"], &["2", "3"], false)];
        let metrics = measure_leads(&list);
        assert_eq!((metrics.first, metrics.at.clone(), metrics.above_weak), (Some(2), vec![(3, 1), (5, 1), (10, 2)], (2, 1)));
        assert_eq!((metrics.processes_in_five, metrics.events_in_five), (Some(2.0 / 3.0), Some(1.0 / 3.0)));
        assert_eq!(measure_leads(&[]).processes_in_five, None);
    }
}
