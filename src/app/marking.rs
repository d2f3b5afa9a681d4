//! Commands that say something of subjects, and their undo.

use crate::app::command::Command;
use crate::app::marks::Mark;
use crate::app::pace::Activity;
use crate::app::session::Session;
use crate::app::undo::Was;
use crate::app::writer::Written;
use crate::domain::EventKey;

impl Session {
    pub(super) fn apply_mark(&mut self, command: Command) {
        let selected = if self.browse.open { self.browse.selected } else { self.view.subject().map(|s| s.key) };
        // Tags go to what is looked at, be it a subject or a single event.
        let looked_at = self.drill.asked.or(selected);
        match command {
            Command::ToggleFlag => {
                if let Some(key) = selected {
                    self.change(&[key], |m| m.flagged = !m.flagged);
                }
            }
            Command::Flag(index, on) => {
                if let Some(key) = self.view.subject_at(index).map(|s| s.key) {
                    self.change(&[key], |m| m.flagged = on);
                }
            }
            Command::FlagEvent(key, on) => self.change(&[key], |m| m.flagged = on),
            Command::FlagAbove => self.flag_above(),
            Command::Note(key, text) => self.change(&[key], |m| text.trim_end().clone_into(&mut m.note)),
            Command::Tag(tag) => {
                let tag = tag.trim().replace(',', " ");
                if let (Some(key), false) = (looked_at, tag.is_empty()) {
                    self.change(&[key], |m| m.tag(&tag));
                }
            }
            Command::Untag(tag) => {
                if let Some(key) = looked_at {
                    self.change(&[key], |m| m.tags.retain(|t| *t != tag));
                }
            }
            Command::Label(verdict) => self.label(verdict),
            Command::LeastSure => self.least_sure(),
            Command::Labels(path) => self.plan.labels = path,
            Command::ExportLabels(path) => self.export_labels(path),
            Command::Undo => {
                let mut undo = std::mem::take(&mut self.undo);
                undo.back(|was| self.restore(was));
                self.undo = undo;
            }
            Command::Redo => {
                let mut undo = std::mem::take(&mut self.undo);
                undo.forth(|was| self.restore(was));
                self.undo = undo;
            }
            _ => {}
        }
    }

    fn flag_above(&mut self) {
        let (Some(ranking), Some(order)) = (self.view.ranking.clone(), self.view.order.clone()) else { return };
        let above = self.view.above();
        let keys: Vec<EventKey> = self
            .view
            .rows
            .iter(self.view.shown())
            .filter(|p| (*p as usize) < above)
            .map(|p| ranking.report.subjects[order.subjects[p as usize] as usize].key)
            .filter(|k| !self.marks.is_flagged(*k))
            .collect();
        self.say(format!("{} flagged", crate::app::words::rows(keys.len())));
        self.change(&keys, |m| m.flagged = true);
    }

    /// Changes marks, remembers how they were, and hands them to the writer.
    pub(super) fn change(&mut self, keys: &[EventKey], change: impl Fn(&mut Mark)) {
        let before: Vec<(EventKey, Mark)> = keys.iter().map(|k| (*k, self.marks.get(*k).cloned().unwrap_or_default())).collect();
        let after: Vec<(EventKey, Mark)> = before
            .iter()
            .map(|(k, m)| {
                let mut mark = m.clone();
                change(&mut mark);
                (*k, mark)
            })
            .collect();
        if before != after {
            self.undo.remember(Was::Marks(before));
            self.say_marks(after);
        }
    }

    /// Tags what holds indicators and says in its note which.
    pub(super) fn mark_indicators(&mut self, met: Vec<(EventKey, Vec<Box<str>>)>) {
        let before: Vec<(EventKey, Mark)> = met.iter().map(|(k, _)| (*k, self.marks.get(*k).cloned().unwrap_or_default())).collect();
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
            self.undo.remember(Was::Marks(before));
            self.say_marks(after);
        }
    }

    pub(super) fn say_marks(&mut self, marks: Vec<(EventKey, Mark)>) {
        self.marks.say(&marks);
        if self.activity == Activity::Busy("Saving") {
            self.late.extend(marks.iter().cloned());
        }
        if let Some(case) = self.case.clone() {
            let engine = std::sync::Arc::clone(&self.engine);
            self.writer.write(move || {
                let keys = marks.iter().map(|(k, _)| *k).collect();
                let failure = engine
                    .annotate(&case, &marks)
                    .err()
                    .map(|why| format!("flags and notes could not be kept in the case ({why}); free some room or save the case elsewhere"));
                Written { keys, failure }
            });
        }
        if self.view.narrow.show == crate::app::Show::Flagged {
            self.refilter(false);
        }
        self.marks_changed();
    }

    fn restore(&mut self, was: Was) -> Was {
        match was {
            Was::Marks(marks) => {
                let now = marks.iter().map(|(k, _)| (*k, self.marks.get(*k).cloned().unwrap_or_default())).collect();
                self.say_marks(marks);
                Was::Marks(now)
            }
            Was::Rules(rules) => {
                let now = self.rules.rules().to_vec();
                self.set_rules(rules);
                Was::Rules(now)
            }
            Was::Threshold(value) => {
                let (now, sieve) = (self.view.threshold, self.sieve());
                self.view.set_threshold(value, &sieve);
                self.keep_view();
                Was::Threshold(now)
            }
            Was::Narrow(narrow) => {
                let now = std::mem::replace(&mut self.view.narrow, narrow);
                self.narrowed(now.search != self.view.narrow.search);
                Was::Narrow(now)
            }
        }
    }
}
