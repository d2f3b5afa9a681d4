//! A case in the window: opened, closed, and what it remembers of the window until it is opened again.

use crate::app::drill::Drill;
use crate::app::pace::Activity;
use crate::app::rows::{Narrow, Sort};
use crate::app::session::{Readiness, Session};
use crate::app::writer::Written;
use crate::case::Case;
use crate::control::{Notice, Severity};
use crate::domain::{DetectorId, RankBy, Suppression};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// What a case remembers of the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    title: String,
    detector: Option<DetectorId>,
    by: Option<RankBy>,
    /// Those that the analyst chose.
    thresholds: Vec<(DetectorId, RankBy, f64)>,
    narrow: Narrow,
    sort: Option<Sort>,
}

const KEPT: &str = "window";

impl Session {
    pub(super) fn open(&mut self, paths: Vec<PathBuf>) {
        let Some(first) = paths.first().cloned() else { return };
        self.dialog = None;
        self.prefs.opened(&first);
        self.keep_prefs();
        let is_case = paths.len() == 1 && self.engine.is_case(&first, self.case.as_ref());
        if is_case {
            self.close();
        }
        self.is_demo = false;
        if self.title.is_empty() {
            self.title = name_of(&first);
        }
        self.opened_files = paths.iter().filter_map(|path| std::path::absolute(path).ok()).collect();
        let zone = Some(self.evidence_zone.clone()).filter(|z| z != "UTC");
        let work = self.engine.open(paths, self.case.clone(), zone);
        self.run("Opening", work);
    }

    pub(super) fn close(&mut self) {
        self.jobs.cancel();
        self.activity = Activity::Idle;
        // A demo that was only looked at leaves nothing behind.
        let untouched = std::mem::take(&mut self.is_demo) && self.marks.is_empty();
        // A million subjects, and what was said of them, take a while to be freed: where the next case is opened, before it is.
        let (gone, wait) = std::sync::mpsc::channel::<()>();
        let left = (std::mem::take(&mut self.marks), std::mem::take(&mut self.rankings), std::mem::take(&mut self.fused));
        let (case, seen) = (self.case.take(), (self.view.ranking.take(), self.view.order.take(), left));
        if let Some(case) = &case {
            if untouched {
                self.engine.discard(case.clone());
            }
            self.find_unsaved(Some(wait));
        }
        self.sources = Arc::default();
        self.title.clear();
        self.view.clear();
        self.readiness.clear();
        self.known_good.clear();
        self.plan.baseline.clear();
        self.drill = Drill::default();
        self.marks_read.forget();
        self.flagged_counted.forget();
        let listed = self.browse.clear();
        self.rules = Arc::default();
        self.findings = Arc::default();
        self.findings_read.forget();
        self.fusing.forget();
        self.covering.forget();
        self.coverage = None;
        self.compared.clear();
        self.fusion = None;
        self.undo.clear();
        self.search = None;
        self.search_fault = None;
        (self.curve, self.curve_of) = (vec![], None);
        (self.notices, self.seen_notices) = (vec![], 0);
        self.export = crate::app::export::ExportForm::default();
        self.auto_analyse = false;
        // The job worker's newest job must be an idle one, or what it still says would be heard. What is captured goes in this order.
        let parting = (case, seen, listed, gone);
        self.jobs.submit(Box::new(move |_, _| {
            drop(parting);
            Ok(())
        }));
    }

    /// Looks for unsaved cases, on a thread: it reads folders. Waits for a case that is being closed, if told to.
    pub(super) fn find_unsaved(&mut self, closed: Option<Receiver<()>>) {
        let engine = Arc::clone(&self.engine);
        self.unsaved_found.start(move |_| {
            // Nothing is ever sent: the case is closed when the other end goes.
            let _closed = closed.map(|closed| closed.recv());
            Some(engine.unsaved())
        });
    }

    /// Hears that a case is open; the same case is announced again when more of its evidence was read.
    pub(super) fn opened(&mut self, case: Case) {
        let fresh = self.case.is_none();
        let sources = self.engine.sources(&case);
        if self.sources.iter().zip(sources.iter()).any(|(old, new)| old != new) {
            self.forget_rankings();
        }
        self.sources = sources;
        self.read_marks(&case);
        if fresh {
            match self.engine.rules(&case) {
                Ok(rules) => self.rules = Arc::new(Suppression::new(rules)),
                Err(text) => self.notice(Notice { severity: Severity::Error, text }),
            }
        }
        // While nothing is read yet, nothing can be said of any detector.
        let applies = if self.sources.is_empty() { vec![] } else { self.engine.applies(&case) };
        for (detector, applies) in applies {
            self.readiness.insert(detector, applies.map_or_else(Readiness::Cannot, |()| Readiness::Ready));
        }
        if let Some(name) = self.engine.name(&case) {
            self.title = name;
        }
        if fresh {
            for notice in self.engine.notices(&case) {
                self.notice(notice);
            }
            self.recall(&case);
        }
        self.case = Some(case);
        self.events_changed();
        self.coverage = None;
        self.cover();
        self.find_rules();
        self.refilter(true);
        // What was said while the case was being saved went into the old one alone.
        let late = std::mem::take(&mut self.late);
        if !late.is_empty() {
            self.say_marks(late);
        }
    }

    /// Rankings count sources by their place in the ledger; where added evidence moved them, the rankings no longer hold.
    fn forget_rankings(&mut self) {
        if !self.rankings.is_empty() {
            self.rankings.clear();
            self.view.clear();
            self.drill = Drill::default();
            self.undo.clear();
            self.notice(Notice {
                severity: Severity::Info,
                text: "the evidence has changed: analyse again to rank all of it; flags and notes are kept".into(),
            });
        }
    }

    /// Brings back what the case remembers of the window.
    fn recall(&mut self, case: &Case) {
        let Some(kept) = self.engine.setting(case, KEPT).and_then(|text| serde_json::from_str::<Kept>(&text).ok()) else { return };
        self.recalled = kept.detector;
        if !kept.title.is_empty() && self.engine.name(case).is_none() {
            self.title = kept.title;
        }
        self.view.wanted = kept.by;
        self.view.sort = kept.sort.unwrap_or_default();
        self.view.narrow = kept.narrow;
        self.compile_search();
        self.view.recall_thresholds(kept.thresholds);
    }

    /// Keeps in the case what the window shows.
    pub(super) fn keep_view(&mut self) {
        let Some(case) = self.case.clone() else { return };
        let kept = Kept {
            title: self.title.clone(),
            detector: self.view.ranking.as_ref().map(|r| r.report.detector),
            by: self.view.wanted,
            thresholds: self.view.thresholds(),
            narrow: self.view.narrow.clone(),
            sort: Some(self.view.sort),
        };
        let Ok(text) = serde_json::to_string(&kept) else { return };
        let engine = Arc::clone(&self.engine);
        self.writer.write(move || {
            let failure = engine.set_setting(&case, KEPT, &text).err().map(|why| format!("threshold and search could not be kept in the case: {why}"));
            Written { keys: vec![], failure }
        });
    }

    /// Keeps what the analyst's window looks like; a home that cannot be written is no reason to bother anybody.
    pub(super) fn keep_prefs(&self) {
        if let Some(place) = self.prefs_place.clone() {
            let prefs = self.prefs.clone();
            self.writer.write(move || {
                let _best_effort = prefs.write(&place).is_ok();
                Written { keys: vec![], failure: None }
            });
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_stem().or_else(|| path.file_name()).map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}
