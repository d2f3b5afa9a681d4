//! Calls things ordinary: rows leave the ranking at once, and a list brings them back.

use crate::app::command::{Dialog, OrdinaryCommand};
use crate::app::ordinary::OrdinaryForm;
use crate::app::pace::Job;
use crate::app::session::Session;
use crate::app::undo::Was;
use crate::app::words;
use crate::app::writer::Written;
use crate::case::Case;
use crate::control::{Notice, Severity};
use crate::domain::{Rule, RuleField, Suppression};
use std::path::Path;
use std::sync::Arc;

impl Session {
    pub(super) fn apply_ordinary(&mut self, command: OrdinaryCommand) {
        match command {
            OrdinaryCommand::MarkOrdinary => self.ask_ordinary(),
            OrdinaryCommand::OrdinaryForm(mut form) => {
                form.taken = self.taken_by(&form);
                self.open.ordinary = *form;
            }
            OrdinaryCommand::CallOrdinary => self.call_ordinary(),
            OrdinaryCommand::DropRule(at) => {
                let mut rules = self.open.rules.rules().to_vec();
                if at < rules.len() {
                    rules.remove(at);
                    self.change_rules(rules);
                    self.say("brought back into the ranking");
                }
            }
            OrdinaryCommand::ImportRules(path) => self.import_rules(&path),
            OrdinaryCommand::ExportRules(path) => {
                let evidence = self.open.case.as_ref().map(Case::evidence).unwrap_or_default();
                match crate::engine::write_rules(&path, self.open.rules.rules(), &evidence) {
                    Ok(()) => self.say(format!("suppression file written: {}", path.display())),
                    Err(why) => self.refuse(format!("the suppression file was not written: {why}")),
                }
            }
        }
    }

    /// Opens the dialog with what is usual for the selection.
    fn ask_ordinary(&mut self) {
        let (Some(ranking), Some(subject)) = (&self.open.view.ranking, self.open.view.subject()) else { return };
        let filled = |f: &RuleField| !f.value(ranking.report.detector, subject, &self.open.sources).is_empty();
        let mut form = OrdinaryForm { fields: RuleField::USUAL.into_iter().filter(filled).collect(), ..OrdinaryForm::default() };
        form.taken = self.taken_by(&form);
        (self.open.ordinary, self.dialog) = (form, Some(Dialog::Ordinary));
    }

    /// The rule that a form describes.
    fn rule_of(&self, form: &OrdinaryForm) -> Option<Rule> {
        let (ranking, subject) = (self.open.view.ranking.as_ref()?, self.open.view.subject()?);
        let fields: Vec<RuleField> = if form.one { RuleField::ONE.into() } else { form.fields.iter().copied().collect() };
        Some(Rule { reason: form.reason.trim().into(), ..Rule::like(fields, ranking.report.detector, subject, &self.open.sources) })
    }

    /// How many subjects still in the ranking a form's rule takes out of it.
    fn taken_by(&self, form: &OrdinaryForm) -> usize {
        let (Some(rule), Some(ranking), Some(order)) = (self.rule_of(form), &self.open.view.ranking, &self.open.view.order) else { return 0 };
        let report = &ranking.report;
        order.subjects.iter().filter(|&&i| rule.matches(report.detector, &report.subjects[i as usize], &self.open.sources)).count()
    }

    fn call_ordinary(&mut self) {
        let (Some(mut rule), Some(case)) = (self.rule_of(&self.open.ordinary), self.open.case.as_ref()) else { return };
        if rule.like.is_empty() || self.open.ordinary.taken == 0 {
            return;
        }
        (rule.analyst, rule.made) = (case.analyst(), crate::domain::time::iso(i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or_default()));
        let row = self.open.view.selected.and_then(|s| self.open.view.row_of(s));
        let mut rules = self.open.rules.rules().to_vec();
        rules.push(rule);
        self.dialog = None;
        self.say(format!("{} called ordinary and taken out of the ranking (Ctrl+Z brings back)", words::count(self.open.ordinary.taken)));
        self.change_rules(rules);
        // The row that moves up into the gap is the next one to look at.
        self.open.view.selected = row.and_then(|r| self.open.view.at_row(r.min(self.open.view.shown().saturating_sub(1))));
        self.look_at_selection();
    }

    fn import_rules(&mut self, path: &Path) {
        match crate::engine::read_rules(path) {
            Ok(read) => {
                let mut rules = self.open.rules.rules().to_vec();
                let fresh: Vec<Rule> = read.into_iter().filter(|r| !rules.iter().any(|known| known.like == r.like)).collect();
                self.say(format!("{} rules read, those known left out", fresh.len()));
                if !fresh.is_empty() {
                    rules.extend(fresh);
                    self.change_rules(rules);
                }
            }
            Err(why) => self.refuse(why.to_string()),
        }
    }

    fn refuse(&mut self, text: String) {
        self.say(text.clone());
        self.notice(Notice { severity: Severity::Error, text });
    }

    /// Changes the rules, remembers how they were, and keeps them in the case.
    fn change_rules(&mut self, rules: Vec<Rule>) {
        self.open.undo.remember(Was::Rules(self.open.rules.rules().to_vec()));
        self.set_rules(rules);
    }

    pub(super) fn set_rules(&mut self, rules: Vec<Rule>) {
        self.open.rules = Arc::new(Suppression::new(rules.clone()));
        self.open.late.rules |= self.activity.job() == Some(Job::Saving);
        if let Some(case) = self.open.case.clone() {
            let engine = Arc::clone(&self.engine);
            self.write(move || {
                let failure = engine.set_rules(&case, &rules).err();
                Written { keys: vec![], failure }
            });
        }
        self.open.export.existing.clear();
        self.refilter(true);
    }
}
