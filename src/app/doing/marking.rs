//! Commands that say something of subjects, and their undo.

use crate::app::command::MarkCommand;
use crate::app::marks::Mark;
use crate::app::pace::Job;
use crate::app::rows::Show;
use crate::app::session::Session;
use crate::app::undo::Was;
use crate::app::writer::Written;
use crate::domain::EventKey;

impl Session {
    pub(super) fn apply_mark(&mut self, command: MarkCommand) {
        let selected = if self.open.browse.open { self.open.browse.selected } else { self.open.view.subject().map(|s| s.key) };
        // Tags go to what is looked at, be it a subject or a single event.
        let looked_at = self.open.drill.asked.or(selected);
        match command {
            MarkCommand::ToggleFlag => {
                if let Some(key) = selected {
                    self.change(&[key], |m| m.flagged = !m.flagged);
                }
            }
            MarkCommand::Flag(index, on) => {
                if let Some(key) = self.open.view.subject_at(index).map(|s| s.key) {
                    self.change(&[key], |m| m.flagged = on);
                }
            }
            MarkCommand::FlagEvent(key, on) => self.change(&[key], |m| m.flagged = on),
            MarkCommand::FlagAbove => self.flag_above(),
            MarkCommand::Note(key, text) => self.change(&[key], |m| text.trim_end().clone_into(&mut m.note)),
            MarkCommand::Tag(tag) => {
                let tag = tag.trim().replace(',', " ");
                if let (Some(key), false) = (looked_at, tag.is_empty()) {
                    self.change(&[key], |m| m.tag(&tag));
                }
            }
            MarkCommand::Untag(tag) => {
                if let Some(key) = looked_at {
                    self.change(&[key], |m| m.tags.retain(|t| *t != tag));
                }
            }
            MarkCommand::Label(verdict) => self.label(verdict),
            MarkCommand::LeastSure => self.least_sure(),
            MarkCommand::ExportLabels(path) => self.export_labels(path),
            MarkCommand::Undo => {
                let mut undo = std::mem::take(&mut self.open.undo);
                undo.back(|was| self.restore(was));
                self.open.undo = undo;
            }
            MarkCommand::Redo => {
                let mut undo = std::mem::take(&mut self.open.undo);
                undo.forth(|was| self.restore(was));
                self.open.undo = undo;
            }
        }
    }

    fn flag_above(&mut self) {
        let (Some(ranking), Some(order)) = (self.open.view.ranking.clone(), self.open.view.order.clone()) else { return };
        let above = self.open.view.above();
        let keys: Vec<EventKey> = self
            .open
            .view
            .rows
            .iter(self.open.view.shown())
            .filter(|p| (*p as usize) < above)
            .map(|p| ranking.report.subjects[order.subjects[p as usize] as usize].key)
            .filter(|k| !self.open.marks.is_flagged(*k))
            .collect();
        self.say(format!("{} flagged", crate::app::words::rows(keys.len())));
        self.change(&keys, |m| m.flagged = true);
    }

    /// Changes marks, remembers how they were, and hands them to the writer.
    pub(super) fn change(&mut self, keys: &[EventKey], change: impl Fn(&mut Mark)) {
        let before: Vec<(EventKey, Mark)> = keys.iter().map(|k| (*k, self.open.marks.get(*k).cloned().unwrap_or_default())).collect();
        let after: Vec<(EventKey, Mark)> = before
            .iter()
            .map(|(k, m)| {
                let mut mark = m.clone();
                change(&mut mark);
                (*k, mark)
            })
            .collect();
        if before != after {
            self.open.undo.remember(Was::Marks(before));
            self.say_marks(after);
        }
    }

    /// Tags what holds indicators and says in its note which.
    pub(super) fn mark_indicators(&mut self, met: Vec<(EventKey, Vec<Box<str>>)>) {
        let before: Vec<(EventKey, Mark)> = met.iter().map(|(k, _)| (*k, self.open.marks.get(*k).cloned().unwrap_or_default())).collect();
        let held = |mark: &Mark, indicators: Vec<Box<str>>| {
            let mut mark = mark.clone();
            mark.tag("indicator");
            let line = format!("indicator: {}", indicators.join(", "));
            if !mark.note.lines().any(|known| known == line) {
                mark.note = [mark.note.as_str(), &line].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
            }
            mark
        };
        let after: Vec<(EventKey, Mark)> = before.iter().zip(met).map(|((key, mark), (_, indicators))| (*key, held(mark, indicators))).collect();
        if before != after {
            self.open.undo.remember(Was::Marks(before));
            self.say_marks(after);
        }
    }

    pub(super) fn say_marks(&mut self, marks: Vec<(EventKey, Mark)>) {
        self.open.marks.say(&marks);
        if self.activity.job() == Some(Job::Saving) {
            self.open.late.marks.extend(marks.iter().cloned());
        }
        if let Some(case) = self.open.case.clone() {
            let engine = std::sync::Arc::clone(&self.engine);
            self.write(move || {
                let keys = marks.iter().map(|(k, _)| *k).collect();
                let failure = engine
                    .annotate(&case, &marks)
                    .err()
                    .map(|why| format!("flags and notes could not be kept in the case ({why}); free some room or save the case elsewhere"));
                Written { keys, failure }
            });
        }
        if self.open.view.narrow.show == Show::Flagged {
            self.refilter(false);
        }
        self.marks_changed();
    }

    fn restore(&mut self, was: Was) -> Was {
        match was {
            Was::Marks(marks) => {
                let now = marks.iter().map(|(k, _)| (*k, self.open.marks.get(*k).cloned().unwrap_or_default())).collect();
                self.say_marks(marks);
                Was::Marks(now)
            }
            Was::Rules(rules) => {
                let now = self.open.rules.rules().to_vec();
                self.set_rules(rules);
                Was::Rules(now)
            }
            Was::Threshold(value) => {
                let (now, sieve) = (self.open.view.threshold, self.sieve());
                self.open.view.set_threshold(value, &sieve);
                self.keep_view();
                Was::Threshold(now)
            }
            Was::Narrow(narrow) => {
                let now = std::mem::replace(&mut self.open.view.narrow, narrow);
                self.narrowed(now.search != self.open.view.narrow.search);
                Was::Narrow(now)
            }
        }
    }
}
