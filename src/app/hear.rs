//! What the session makes of what its workers say.

use crate::app::command::Dialog;
use crate::app::pace::{Activity, Pace};
use crate::app::session::{Readiness, Session};
use crate::app::writer::Written;
use crate::control::{Notice, Severity};
use crate::engine::{Findings, Happening, Imported, Met, Outcome, Ranking, Worker};
use std::sync::Arc;
use std::time::Instant;

impl Session {
    /// Takes in what the workers have to say; whether there is more than was heard now.
    pub fn logic(&mut self, now: Instant) -> bool {
        self.view.drain();
        self.lexicon.drain();
        self.browse.drain();
        self.take_computed();
        for event in self.jobs.drain(Self::BUDGET) {
            self.hear(event.what);
        }
        for event in self.questions.drain(Self::BUDGET) {
            match event.what {
                Happening::Answered(answer) => self.drill.answer = Some(answer),
                Happening::Grown(tree) => self.drill.tree = Some(tree),
                Happening::Ended(Outcome::Failed(text)) => self.drill.failure = Some(text),
                _ => {}
            }
        }
        self.hear_records();
        for event in self.side.drain(Self::BUDGET) {
            self.hear_side(event.what);
        }
        for written in self.writer.drain() {
            self.hear_written(written);
        }
        if self.activity.is_busy() {
            self.pace.hear(self.jobs.progress(), now);
        }
        [&self.jobs, &self.questions, &self.records, &self.side].into_iter().any(Worker::has_more)
    }

    /// Takes what was computed on threads of its own.
    fn take_computed(&mut self) {
        if let Some(unsaved) = self.unsaved_found.take() {
            self.unsaved = unsaved;
        }
        if let Some(marks) = self.marks_read.take() {
            self.marks.load(marks);
            self.refilter(true);
        }
        if let Some(rows) = self.flagged_counted.take() {
            self.flagged_rows = Some(rows);
        }
        if let Some(looked) = self.mapping_found.take() {
            self.hear_mapping(looked);
        }
        if let Some(read) = self.findings_read.take() {
            self.found(read);
        }
        if let Some(read) = self.covering.take() {
            match read {
                Ok(coverage) => self.coverage = Some(Arc::new(coverage)),
                Err(text) => self.notice(Notice { severity: Severity::Error, text }),
            }
        }
        if let Some((fused, fusion)) = self.fusing.take() {
            (self.fused, self.fusion) = (fused, Some(fusion));
        }
    }

    fn hear(&mut self, what: Happening) {
        match what {
            Happening::Notice(notice) => self.notice(notice),
            Happening::Opened(case) => self.opened(case),
            Happening::Began(detector) => {
                for readiness in self.readiness.values_mut() {
                    if *readiness == Readiness::Running {
                        *readiness = Readiness::Ready;
                    }
                }
                self.readiness.insert(detector, Readiness::Running);
                (self.curve, self.curve_of) = (vec![], Some(detector));
            }
            Happening::CannotRun(detector, why) => {
                self.readiness.insert(detector, Readiness::Cannot(why));
            }
            Happening::Epoch(point) => {
                if point.epoch <= 1 {
                    self.curve.clear();
                }
                self.curve.push(point);
            }
            Happening::Ranked(ranking) => self.ranked(ranking),
            Happening::Answered(answer) => self.drill.answer = Some(answer),
            Happening::Grown(tree) => self.drill.tree = Some(tree),
            Happening::Exported { path, rows } => self.exported(&path, rows),
            Happening::Compared(done) => self.compared.push(*done),
            Happening::Imported(_) | Happening::Met(_) | Happening::Rendered(..) => {}
            Happening::Ended(outcome) => self.ended(outcome),
        }
    }

    /// Hears of raw records; nobody waits for one of an event that is no longer looked at.
    fn hear_records(&mut self) {
        if self.drill.record.as_ref().is_some_and(|(key, _)| Some(*key) != self.drill.asked) {
            self.drill.record = None;
            self.records.cancel();
        }
        for event in self.records.drain(Self::BUDGET) {
            match event.what {
                Happening::Rendered(key, record) => self.drill.heard(Some(key), record),
                Happening::Ended(Outcome::Cancelled) => self.drill.heard(None, Err("cancelled; choose XML again to read it".into())),
                Happening::Ended(Outcome::Failed(text)) => self.drill.heard(None, Err(text)),
                _ => {}
            }
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
                    Outcome::Done => self.export.existing.clear(),
                    Outcome::Cancelled => self.say("cancelled"),
                    Outcome::Failed(text) => self.notice(Notice { severity: Severity::Error, text: format!("nothing was written: {text}") }),
                }
            }
            _ => {}
        }
    }

    fn hear_written(&mut self, written: Written) {
        self.marks.committed(&written.keys);
        if let Some(text) = written.failure {
            self.notice(Notice { severity: Severity::Error, text });
            // What is on the screen must be what is in the case.
            if let (Some(case), false) = (self.case.clone(), written.keys.is_empty()) {
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
                if !self.findings.is_empty() && (self.findings.joined as usize, self.findings.results as usize) == (joined, results) {
                    return;
                }
                self.findings = Arc::new(findings);
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
        if let Some(case) = self.case.clone() {
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
            crate::app::words::count(self.sources.iter().map(|s| s.events).sum::<u64>() as usize),
            crate::app::words::count(met.listed)
        );
        self.notice(Notice { severity: Severity::Info, text: text.clone() });
        self.say(text);
        if !met.marks.is_empty() {
            self.mark_indicators(met.marks);
            self.apply(crate::app::Command::Search("+tag:indicator".into()));
        }
    }

    fn ranked(&mut self, ranking: Ranking) {
        let detector = ranking.report.detector;
        if !ranking.report.curve.is_empty() && self.curve_of != Some(detector) {
            (self.curve, self.curve_of) = (ranking.report.curve.clone(), Some(detector));
        }
        self.rankings.insert(detector, ranking.clone());
        let shown = self.view.ranking.as_ref().map(|r| r.report.detector);
        // A case that is opened again shows the detector it showed before.
        let recalled = self.recalled == Some(detector) && shown != Some(detector);
        if recalled || shown.is_none_or(|d| d == detector) {
            self.show(ranking);
        }
        self.recalled = self.recalled.filter(|_| !recalled);
    }

    fn ended(&mut self, outcome: Outcome) {
        let was = std::mem::take(&mut self.activity);
        self.pace = Pace::default();
        for readiness in self.readiness.values_mut() {
            if *readiness == Readiness::Running {
                *readiness = Readiness::Ready;
            }
        }
        match outcome {
            Outcome::Done => {
                self.ask_mapping();
                if std::mem::take(&mut self.auto_analyse) && self.rankings.is_empty() {
                    self.analyse();
                } else if matches!(was, Activity::Busy("Verifying")) {
                    self.dialog = Some(Dialog::Notices);
                } else if matches!(was, Activity::Busy("Saving a baseline")) {
                    self.say("the baseline was saved; the notices say what it holds (F9)");
                } else if matches!(was, Activity::Busy("Analysing")) {
                    self.say("analysis finished");
                }
            }
            Outcome::Cancelled => {
                self.auto_analyse = false;
                self.say("cancelled; what was finished is kept");
            }
            Outcome::Failed(text) => {
                self.auto_analyse = false;
                self.notice(Notice { severity: Severity::Error, text });
                self.dialog = Some(Dialog::Notices);
            }
        }
    }
}
