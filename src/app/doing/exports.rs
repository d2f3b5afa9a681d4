//! Writes rows into files.

use crate::app::export::{ExportOrder, Which};
use crate::app::session::Session;
use crate::app::shown::{Shown, as_shown, elsewhere};
use crate::app::view::View;
use crate::control::{Notice, Severity};
use crate::engine::{self, Extract, Ranking};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Session {
    pub(super) fn export_events(&mut self, path: PathBuf) {
        let (Some(case), Some((events, rows))) = (self.open.case.clone(), self.open.browse.listed()) else { return };
        if self.exporting {
            self.say("the last export is still being written");
        } else if path.exists() {
            self.notice(Notice { severity: Severity::Warning, text: format!("that file exists; choose another name: {}", path.display()) });
        } else {
            (self.dialog, self.exporting) = (None, true);
            self.say("events are written");
            let work = self.engine.export_events(case, events, rows, path);
            self.aside(work);
        }
    }

    pub(super) fn export(&mut self, order: ExportOrder) {
        let (Some(shown), Some(case)) = (Shown::of(&self.open.view, &self.open.marks), self.open.case.clone()) else { return };
        let files: Vec<PathBuf> = order.files.iter().map(|(_, path)| path.clone()).collect();
        let refusal = if files.is_empty() {
            Some("choose a format and a path".to_owned())
        } else if self.exporting {
            Some("the last export is still being written".to_owned())
        } else {
            files
                .iter()
                .find(|f| f.parent().is_some_and(|p| !p.as_os_str().is_empty() && !p.is_dir()))
                .map(|f| format!("there is no such folder: {}", f.parent().unwrap_or(f).display()))
        };
        self.open.export.refusal = refusal;
        if self.open.export.refusal.is_some() {
            return;
        }
        self.open.export.existing = files.iter().filter(|f| f.exists()).cloned().collect();
        if !self.open.export.existing.is_empty() && !order.replace {
            return;
        }
        let (threshold, suppressed) = (self.open.view.threshold, self.open.view.suppressed.iter().sum::<usize>() as u64);
        self.exporting = true;
        self.dialog = None;
        self.open.export.existing.clear();
        let many = order.files.iter().any(|(f, _)| f.holds_many());
        let others: Vec<Ranking> = self.open.rankings.values().filter(|r| many && r.report.detector != shown.ranking.report.detector).cloned().collect();
        let (rules, sources, annotations) = (Arc::clone(&self.open.rules), Arc::clone(&self.open.sources), case.annotations());
        let extracts = Box::new(move || {
            let (ranking, which) = as_shown(&shown.ranking, &shown.order, threshold, &shown.positions(order.which));
            let mut extracts = vec![Extract { ranking, which, suppressed }];
            if let Some(part) = elsewhere(order.which) {
                extracts.extend(others.iter().map(|other| engine::extract(other, part, &rules, &annotations, &sources)));
            }
            extracts
        });
        let part = order.which.title().to_lowercase();
        let work = self.engine.export(case, self.open.title.clone(), part, extracts, order.files);
        self.aside(work);
    }

    /// Where an export goes unless the analyst says otherwise: beside the evidence's case, named by detector.
    pub(super) fn export_stem(&self) -> PathBuf {
        let detector = self.open.view.ranking.as_ref().map_or("ranking", |r| r.report.detector.name());
        // The current folder comes last: it may be the evidence's.
        let user = directories::UserDirs::new();
        let documents = user.as_ref().and_then(|d| d.document_dir().map(Path::to_owned)).filter(|d| d.is_dir());
        let folder = documents.or_else(|| user.map(|d| d.home_dir().to_owned())).or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        folder.join(format!("ranking-{detector}"))
    }

    /// How many rows an export would write; `None` while they are being counted.
    #[must_use]
    pub fn exportable(&self, which: Which) -> Option<usize> {
        match which {
            Which::Above => Some(self.open.view.above()),
            Which::Visible => Some(self.open.view.shown()),
            Which::All => Some(self.open.view.total()),
            Which::Flagged => self.open.flagged_rows,
        }
    }

    /// Counts the flagged rows of the ranking: at once in a small one, else on a thread.
    pub(super) fn count_flagged(&mut self) {
        self.open.flagged_rows = None;
        let Some(shown) = Shown::of(&self.open.view, &self.open.marks) else {
            self.open.flagged_rows = Some(0);
            return;
        };
        if shown.order.len() <= View::SMALL {
            self.open.flagged_rows = Some(shown.positions(Which::Flagged).len());
        } else {
            self.open.flagged_counted.start(move |_| Some(shown.positions(Which::Flagged).len()));
        }
    }
}
