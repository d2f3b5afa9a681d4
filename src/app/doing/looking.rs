//! What is on the screen follows what the case holds: marks, findings, coverage, the table, and the answer about the selection.

use crate::app::drill::Drill;
use crate::app::marks::Marks;
use crate::app::search::Matcher;
use crate::app::session::Session;
use crate::app::view::{Sieve, View};
use crate::case::Case;
use crate::control::Control;
use crate::domain::DetectorId;
use crate::engine::jobs::Question;
use crate::engine::{Findings, Ranking, holds_findings};
use std::sync::Arc;

impl Session {
    /// Reads what the case's analysts said: at once where it is little, else on a thread.
    pub(super) fn read_marks(&mut self, case: &Case) {
        if case.annotations().len() <= View::SMALL {
            self.open.marks_read.forget();
            self.open.marks.load(Marks::of(self.engine.marks(case)));
            self.refilter(true);
            return;
        }
        self.open.marks.reading();
        let (engine, case) = (Arc::clone(&self.engine), case.clone());
        self.open.marks_read.start(move |_| Some(Marks::of(engine.marks(&case))));
    }

    /// Reads what the logs cover, on a thread.
    pub(super) fn cover(&mut self) {
        let Some(case) = self.open.case.clone() else { return };
        self.open.covering.start(move |_| Some(crate::engine::coverage(case.snapshot().as_ref(), &Control::silent()).map_err(|e| e.to_string())));
    }

    /// Puts all rankings into one list, on a thread.
    pub(super) fn combine(&mut self) {
        let rankings = self.open.rankings.values().cloned().collect();
        let (rules, sources) = (Arc::clone(&self.open.rules), Arc::clone(&self.open.sources));
        self.open.combined.combine(rankings, rules, sources);
    }

    /// Reads again what rules found, where a source says so.
    pub(super) fn find_rules(&mut self) {
        let Some(case) = self.open.case.clone().filter(|_| self.open.sources.iter().any(holds_findings)) else { return };
        self.open.findings_read.start(move |_| Some(Findings::read(&case.snapshot(), &Control::silent()).map_err(|e| e.to_string())));
    }

    /// Shows a ranking and asks again about the selection.
    pub(super) fn show(&mut self, ranking: Ranking) {
        let sieve = self.sieve();
        self.open.view.show(ranking, &sieve);
        self.look_at_selection();
    }

    /// What the table is sifted with.
    pub(super) fn sieve(&self) -> Sieve {
        let search = self.open.search.clone().map(|search| Matcher {
            search,
            marks: self.open.marks.all().clone(),
            sources: Arc::clone(&self.open.sources),
            findings: Arc::clone(&self.open.findings),
        });
        Sieve {
            search,
            flagged: Arc::clone(self.open.marks.flagged()),
            rules: Arc::clone(&self.open.rules),
            findings: Arc::clone(&self.open.findings),
            sources: Arc::clone(&self.open.sources),
        }
    }

    /// Sifts again, and orders again when `reorder`.
    pub(super) fn refilter(&mut self, reorder: bool) {
        let sieve = self.sieve();
        self.open.view.rebuild(&sieve, reorder);
    }

    /// The ranking of process chains, where there is one.
    pub(super) fn chains(&self) -> Option<Ranking> {
        self.open.rankings.get(&DetectorId::Chains).cloned()
    }

    /// Asks about the selected subject.
    pub(super) fn look_at_selection(&mut self) {
        let (Some(index), Some(ranking), Some(case)) = (self.open.view.selected, self.open.view.ranking.clone(), self.open.case.clone()) else {
            self.open.drill = Drill::default();
            return;
        };
        let Some(subject) = ranking.report.subjects.get(index as usize) else { return };
        let key = subject.key;
        (self.open.drill.asked, self.open.drill.subject, self.open.drill.failure) = (Some(key), Some(index), None);
        self.open.drill.answer = None;
        self.open.drill.ordinary = self.open.view.nearest_ordinary();
        let question = Question { ranking: Some(ranking), index: Some(index as usize), key, chains: self.chains() };
        let work = self.engine.ask(case, question);
        self.ask(work);
    }
}
