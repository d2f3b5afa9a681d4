//! Labels for the process classifier: tags that the case keeps with who, when and why, undone like any other.

use crate::app::command::SelectionCommand;
use crate::app::marks::Mark;
use crate::app::session::Session;
use crate::app::writer::Written;
use crate::domain::{DetectorId, EventKey, Verdict};
use std::path::PathBuf;
use std::sync::Arc;

impl Mark {
    /// What was said of its process.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        [Verdict::Malicious, Verdict::Benign].into_iter().find(|verdict| self.tags.iter().any(|tag| tag == verdict.name()))
    }

    /// Says it, or takes it back where it was said already.
    fn label(&mut self, verdict: Verdict) {
        let was = self.verdict();
        self.tags.retain(|tag| tag != Verdict::Malicious.name() && tag != Verdict::Benign.name());
        if was != Some(verdict) {
            self.tag(verdict.name());
        }
    }
}

impl Session {
    /// Labels of the case: malicious and benign ones.
    #[must_use]
    pub fn labels(&self) -> (usize, usize) {
        (self.open.marks.tagged(Verdict::Malicious.name()), self.open.marks.tagged(Verdict::Benign.name()))
    }

    /// Labels the selected subject's process. A subject of many processes, or of none, is not labelled.
    pub(super) fn label(&mut self, verdict: Verdict) {
        let detector = self.open.view.ranking.as_ref().map(|ranking| ranking.report.detector);
        if matches!(detector, Some(DetectorId::Groups | DetectorId::Timeline)) {
            self.say("this row is not one process: label processes in Process behaviour, Process chains or Event fields");
            return;
        }
        let Some(key) = self.open.view.subject().map(|subject| subject.key) else { return };
        self.change(&[key], |mark| mark.label(verdict));
        let (malicious, benign) = self.labels();
        self.say(format!("{malicious} labelled malicious, {benign} benign; F5 trains on them"));
    }

    /// Selects the unlabelled process whose log-odds are nearest to 0.
    pub(super) fn least_sure(&mut self) {
        let Some(ranking) =
            self.open.view.ranking.clone().filter(|ranking| ranking.report.detector == DetectorId::Process && ranking.report.validation.is_some())
        else {
            self.say("label some processes with M and B, analyse, and look at Process behaviour: then it can be told");
            return;
        };
        let said = |key: EventKey| self.open.marks.get(key).is_some_and(|mark| mark.verdict().is_some());
        let open = ranking.report.subjects.iter().enumerate().filter(|(_, subject)| !said(subject.key));
        let sure = open.filter_map(|(at, subject)| subject.learned.map(|odds| (odds.abs(), at)));
        match sure.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) {
            Some((_, at)) => self.apply_selection(SelectionCommand::Select(at as u32)),
            None => self.say("every process is labelled"),
        }
    }

    /// Writes the case's labels as CSV.
    pub(super) fn export_labels(&mut self, path: PathBuf) {
        let Some(case) = self.open.case.clone() else { return };
        let engine = Arc::clone(&self.engine);
        self.say(format!("labels are written to {}", path.display()));
        self.write(move || {
            let failure = engine.export_labels(&case, &path).err().map(|why| format!("the labels could not be written ({why}): {}", path.display()));
            Written { keys: vec![], failure }
        });
    }
}
