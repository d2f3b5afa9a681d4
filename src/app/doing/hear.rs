//! What the session makes of what its workers say.

use crate::app::command::{Dialog, NarrowCommand};
use crate::app::open::{Late, Readiness, Whose};
use crate::app::pace::{Activity, Job, Pace};
use crate::app::session::Session;
use crate::app::workers::Desk;
use crate::app::writer::Written;
use crate::control::{Notice, Severity};
use crate::engine::{Findings, Happening, Imported, Met, Outcome, Ranking};
use std::sync::Arc;
use std::time::Instant;

impl Session {
    /// Takes in what the workers have to say; whether there is more than was heard now.
    pub fn logic(&mut self, now: Instant) -> bool {
        self.take_computed();
        let (whose, happenings) = self.jobs.drain(Self::BUDGET);
        for what in happenings {
            if whose.id == self.open.id {
                self.hear(what);
            }
        }
        let (whose, answers) = self.questions.drain(Self::BUDGET);
        for what in answers {
            if whose.id == self.open.id {
                self.hear_answer(what);
            }
        }
        self.hear_records();
        let (whose, happenings) = self.side.drain(Self::BUDGET);
        for what in happenings {
            if whose.id == self.open.id { self.hear_side(what) } else { self.hear_closed(&whose, what) }
        }
        for (whose, written) in self.writer.drain() {
            self.hear_written(&whose, written);
        }
        if self.activity.is_busy() {
            self.pace.hear(self.jobs.progress(), now);
        }
        [&self.jobs, &self.questions, &self.records, &self.side].into_iter().any(Desk::has_more)
    }

    /// Takes what was computed on threads of its own.
    fn take_computed(&mut self) {
        self.open.view.drain();
        self.open.lexicon.drain();
        self.open.browse.drain();
        self.open.combined.drain();
        if let Some(unsaved) = self.unsaved_found.take() {
            self.unsaved = unsaved;
        }
        if let Some(marks) = self.open.marks_read.take() {
            self.open.marks.load(marks);
            self.refilter(true);
        }
        if let Some(rows) = self.open.flagged_counted.take() {
            self.open.flagged_rows = Some(rows);
        }
        if let Some(looked) = self.open.mapping_found.take() {
            self.hear_mapping(looked);
        }
        if let Some(read) = self.open.findings_read.take() {
            self.found(read);
        }
        if let Some(read) = self.open.covering.take() {
            match read {
                Ok(coverage) => self.open.coverage = Some(Arc::new(coverage)),
                Err(text) => self.notice(Notice { severity: Severity::Error, text }),
            }
        }
    }

    fn hear(&mut self, what: Happening) {
        match what {
            Happening::Notice(notice) => self.notice(notice),
            Happening::Opened(case) => self.opened(case),
            Happening::Began(detector) => {
                for readiness in self.open.readiness.values_mut() {
                    if *readiness == Readiness::Running {
                        *readiness = Readiness::Ready;
                    }
                }
                self.open.readiness.insert(detector, Readiness::Running);
                (self.open.curve, self.open.curve_of) = (vec![], Some(detector));
            }
            Happening::CannotRun(detector, why) => {
                self.open.readiness.insert(detector, Readiness::Cannot(why));
            }
            Happening::Epoch(point) => {
                if point.epoch <= 1 {
                    self.open.curve.clear();
                }
                self.open.curve.push(point);
            }
            Happening::Ranked(ranking) => self.ranked(ranking),
            Happening::Answered(answer) => self.open.drill.answer = Some(answer),
            Happening::Grown(tree) => self.open.drill.tree = Some(tree),
            Happening::Exported { path, rows } => self.exported(&path, rows),
            Happening::Compared(done) => self.open.compared.push(*done),
            Happening::Imported(_) | Happening::Met(_) | Happening::Rendered(..) => {}
            Happening::Ended(outcome) => self.ended(outcome),
        }
    }

    /// Hears what a question about the selection found out.
    fn hear_answer(&mut self, what: Happening) {
        match what {
            Happening::Answered(answer) => self.open.drill.answer = Some(answer),
            Happening::Grown(tree) => self.open.drill.tree = Some(tree),
            Happening::Ended(Outcome::Failed(text)) => self.open.drill.failure = Some(text),
            Happening::Notice(_)
            | Happening::Opened(_)
            | Happening::Began(_)
            | Happening::CannotRun(..)
            | Happening::Epoch(_)
            | Happening::Ranked(_)
            | Happening::Exported { .. }
            | Happening::Imported(_)
            | Happening::Compared(_)
            | Happening::Met(_)
            | Happening::Rendered(..)
            | Happening::Ended(Outcome::Done | Outcome::Cancelled) => {}
        }
    }

    fn hear_side(&mut self, what: Happening) {
        match what {
            Happening::Notice(notice) => self.notice(notice),
            Happening::Exported { path, rows } => self.exported(&path, rows),
            Happening::Imported(done) => self.imported(done),
            Happening::Met(met) => self.met(met),
            Happening::Ended(outcome) => {
                self.exporting = false;
                match outcome {
                    Outcome::Done => self.open.export.existing.clear(),
                    Outcome::Cancelled => self.say("cancelled"),
                    Outcome::Failed(text) => self.notice(Notice { severity: Severity::Error, text: format!("nothing was written: {text}") }),
                }
            }
            Happening::Opened(_)
            | Happening::Began(_)
            | Happening::CannotRun(..)
            | Happening::Epoch(_)
            | Happening::Ranked(_)
            | Happening::Answered(_)
            | Happening::Grown(_)
            | Happening::Rendered(..)
            | Happening::Compared(_) => {}
        }
    }

    /// Hears of raw records; nobody waits for one of an event that is no longer looked at, or of a case that was closed.
    fn hear_records(&mut self) {
        if self.open.drill.record.as_ref().is_some_and(|(key, _)| Some(*key) != self.open.drill.asked) {
            self.open.drill.record = None;
            self.records.cancel();
        }
        let (whose, happenings) = self.records.drain(Self::BUDGET);
        for what in happenings {
            if whose.id != self.open.id {
                continue;
            }
            match what {
                Happening::Rendered(key, record) => self.open.drill.heard(Some(key), record),
                Happening::Ended(Outcome::Cancelled) => self.open.drill.heard(None, Err("cancelled; choose XML again to read it".into())),
                Happening::Ended(Outcome::Failed(text)) => self.open.drill.heard(None, Err(text)),
                Happening::Notice(_)
                | Happening::Opened(_)
                | Happening::Began(_)
                | Happening::CannotRun(..)
                | Happening::Epoch(_)
                | Happening::Ranked(_)
                | Happening::Answered(_)
                | Happening::Grown(_)
                | Happening::Exported { .. }
                | Happening::Imported(_)
                | Happening::Compared(_)
                | Happening::Met(_)
                | Happening::Ended(Outcome::Done) => {}
            }
        }
    }

    /// Hears of an export, an import or indicators of a case that was closed meanwhile: what became of it is told by the case's name, and nothing of it
    /// reaches the case that is open now.
    fn hear_closed(&mut self, whose: &Whose, what: Happening) {
        let of = |text: String| format!("{text} (of {}, closed meanwhile)", whose.title);
        match what {
            Happening::Exported { path, rows } => self.exported(&path, rows),
            Happening::Notice(notice) => self.notice(Notice { text: of(notice.text), ..notice }),
            Happening::Met(met) if !met.marks.is_empty() => {
                let text = of("indicators were found and marked nowhere; open the case and look for them again".into());
                self.notice(Notice { severity: Severity::Warning, text });
            }
            Happening::Ended(outcome) => {
                self.exporting = false;
                if let Outcome::Failed(text) = outcome {
                    self.notice(Notice { severity: Severity::Error, text: of(format!("nothing was written: {text}")) });
                }
            }
            Happening::Met(_)
            | Happening::Imported(_)
            | Happening::Opened(_)
            | Happening::Began(_)
            | Happening::CannotRun(..)
            | Happening::Epoch(_)
            | Happening::Ranked(_)
            | Happening::Answered(_)
            | Happening::Grown(_)
            | Happening::Rendered(..)
            | Happening::Compared(_) => {}
        }
    }

    fn hear_written(&mut self, whose: &Whose, written: Written) {
        if whose.id != self.open.id {
            if let Some(text) = written.failure {
                self.notice(Notice { severity: Severity::Error, text: format!("{text} (of {}, closed meanwhile)", whose.title) });
            }
            return;
        }
        self.open.marks.committed(&written.keys);
        if let Some(text) = written.failure {
            self.notice(Notice { severity: Severity::Error, text });
            // What is on the screen must be what is in the case.
            if let (Some(case), false) = (self.open.case.clone(), written.keys.is_empty()) {
                self.read_marks(&case);
            }
        }
    }

    fn exported(&mut self, path: &std::path::Path, rows: u64) {
        self.say(format!("{} written: {}", crate::app::words::rows(rows as usize), path.display()));
    }

    fn found(&mut self, read: Result<Findings, String>) {
        match read {
            Ok(findings) => {
                let (joined, results) = (findings.joined as usize, findings.results as usize);
                if !self.open.findings.is_empty() && (self.open.findings.joined as usize, self.open.findings.results as usize) == (joined, results) {
                    return;
                }
                self.open.findings = Arc::new(findings);
                self.notice(Notice {
                    severity: if joined < results { Severity::Warning } else { Severity::Info },
                    text: format!(
                        "{} of {} results of rules were joined to events of this case",
                        crate::app::words::count(joined),
                        crate::app::words::count(results)
                    ),
                });
                self.refilter(true);
            }
            Err(why) => self.notice(Notice { severity: Severity::Error, text: format!("the results of rules could not be read: {why}") }),
        }
    }

    fn imported(&mut self, done: Imported) {
        if let Some(case) = self.open.case.clone() {
            self.read_marks(&case);
        }
        let unknown = if done.unknown == 0 { String::new() } else { format!("; {} speak of evidence that is not in this case", done.unknown) };
        self.notice(Notice { severity: Severity::Info, text: format!("{} annotations read{unknown}", done.rows) });
        self.say(format!("{} annotations read{unknown}", done.rows));
    }

    /// Tags and notes what holds an indicator, in one step that can be undone, and shows it alone.
    fn met(&mut self, met: Met) {
        let text = format!(
            "{} of {} events hold one of {} indicators",
            crate::app::words::count(met.events),
            crate::app::words::count(self.open.sources.iter().map(|s| s.events).sum::<u64>() as usize),
            crate::app::words::count(met.listed)
        );
        self.notice(Notice { severity: Severity::Info, text: text.clone() });
        self.say(text);
        if !met.marks.is_empty() {
            self.mark_indicators(met.marks);
            self.apply(NarrowCommand::Search("+tag:indicator".into()));
        }
    }

    fn ranked(&mut self, ranking: Ranking) {
        let detector = ranking.report.detector;
        if !ranking.report.curve.is_empty() && self.open.curve_of != Some(detector) {
            (self.open.curve, self.open.curve_of) = (ranking.report.curve.clone(), Some(detector));
        }
        self.open.rankings.insert(detector, ranking.clone());
        let shown = self.open.view.ranking.as_ref().map(|r| r.report.detector);
        // A case that is opened again shows the detector it showed before.
        let recalled = self.open.recalled == Some(detector) && shown != Some(detector);
        if recalled || shown.is_none_or(|d| d == detector) {
            self.show(ranking);
        }
        self.open.recalled = self.open.recalled.filter(|_| !recalled);
    }

    fn ended(&mut self, outcome: Outcome) {
        let was = std::mem::take(&mut self.activity);
        self.pace = Pace::default();
        for readiness in self.open.readiness.values_mut() {
            if *readiness == Readiness::Running {
                *readiness = Readiness::Ready;
            }
        }
        // What was said while the case was being saved is in the saved case by now, or there is none.
        self.open.late = Late::default();
        match outcome {
            Outcome::Done => {
                self.ask_mapping();
                if std::mem::take(&mut self.open.auto_analyse) && self.open.rankings.is_empty() {
                    self.analyse();
                    return;
                }
                match was {
                    Activity::Busy(Job::Verifying) => self.dialog = Some(Dialog::Notices),
                    Activity::Busy(Job::SavingBaseline) => self.say("the baseline was saved; the notices say what it holds (F9)"),
                    Activity::Busy(Job::Analysing) => self.say("analysis finished"),
                    Activity::Busy(Job::Opening | Job::Saving | Job::Comparing) | Activity::Stopping(_) | Activity::Idle => {}
                }
            }
            Outcome::Cancelled => {
                self.open.auto_analyse = false;
                self.not_opened();
                self.say("cancelled; what was finished is kept");
            }
            Outcome::Failed(text) => {
                self.open.auto_analyse = false;
                self.not_opened();
                self.notice(Notice { severity: Severity::Error, text });
                self.dialog = Some(Dialog::Notices);
            }
        }
    }
}
