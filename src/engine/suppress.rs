//! What is called ordinary, out of a ranking: suppression files in and out, and the ranking that is left.
//!
//! A suppression file is TOML: `version = 1`, then one `[[rule]]` each with `reason`, `analyst`, `made` (all optional) and a table `like` of
//! columns and values (`message`, `event_id`, `channel`, `provider`, `computer`, `user`, `image`, `command_line`, `detector`, `source_sha256`,
//! `source_record`, `source_part`). All named columns must be equal, whatever the case; an empty value asks for an empty column.

use super::analyse::Analysis;
use super::worker::Ranking;
use crate::control::RunError;
use crate::domain::{Contribution, Explain, Ledger, ManifestRule, Rule, Suppression, Threshold};
use crate::files::{AtomicFile, Evidence, OutputPath};
use crate::score::{percentiles, quantile};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

/// Reads a suppression file.
///
/// # Errors
/// When it cannot be read, is no such file, or a newer one.
pub fn read_rules(path: &Path) -> Result<Vec<Rule>, RunError> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the suppression file {}", path.display()))?;
    let file: File = toml::from_str(&text).with_context(|| format!("not a suppression file as residue writes it: {}", path.display()))?;
    if file.version > VERSION {
        return Err(RunError::failed(format!("the suppression file is of version {}, this residue reads up to {VERSION}: {}", file.version, path.display())));
    }
    Ok(file.rules)
}

/// Writes a suppression file, whole or not at all; never into `evidence`.
///
/// # Errors
/// When it cannot be written.
pub fn write_rules(path: &Path, rules: &[Rule], evidence: &Evidence) -> Result<(), RunError> {
    let text = toml::to_string(&File { version: VERSION, rules: rules.to_vec() }).map_err(anyhow::Error::from)?;
    let mut file = AtomicFile::create(&OutputPath::new(path, evidence)?)?;
    file.write_all(b"# What was called ordinary. `residue triage --suppress THIS` takes it out of rankings; the manifest counts it.\n")?;
    file.write_all(text.as_bytes())?;
    Ok(file.finish()?)
}

/// Explains a part of a ranking by its new rank index.
struct Rest {
    inner: Arc<dyn Explain>,
    kept: Vec<usize>,
}

impl Explain for Rest {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        self.kept.get(index).map(|&i| self.inner.explain(i)).unwrap_or_default()
    }

    fn json(&self, index: usize) -> Option<String> {
        self.inner.json(*self.kept.get(index)?)
    }
}

/// The ranking without what `rules` call ordinary, and how many subjects each rule took out. Ranks, percentiles and a quantile threshold follow.
#[must_use]
pub fn without(ranking: &Ranking, rules: &Suppression, threshold: Threshold, sources: &[Ledger]) -> (Ranking, Vec<u64>) {
    let report = &ranking.report;
    let mut taken = vec![0; rules.rules().len()];
    let mut kept = Vec::with_capacity(report.subjects.len());
    for (index, subject) in report.subjects.iter().enumerate() {
        match rules.find(report.detector, subject, sources) {
            Some(rule) => taken[rule] += 1,
            None => kept.push(index),
        }
    }
    if kept.len() == report.subjects.len() {
        return (ranking.clone(), taken);
    }
    let mut rest = report.as_ref().clone();
    rest.subjects = kept.iter().map(|&i| report.subjects[i].clone()).collect();
    let scores: Vec<f64> = rest.subjects.iter().map(|s| s.score).collect();
    let below = percentiles(scores.iter().copied());
    for (index, (subject, percentile)) in rest.subjects.iter_mut().zip(below).enumerate() {
        (subject.rank, subject.percentile) = (index as u64 + 1, percentile);
    }
    if let Threshold::Quantile(q) = threshold {
        rest.threshold = quantile(&scores, q);
    }
    (Ranking { report: Arc::new(rest), explain: Arc::new(Rest { inner: Arc::clone(&ranking.explain), kept }) }, taken)
}

impl Analysis {
    /// Takes what `rules` call ordinary out of every ranking and counts it, so that nothing is lost in silence.
    pub fn suppress(&mut self, rules: &Suppression, threshold: Threshold, sources: &[Ledger]) {
        if rules.is_empty() {
            return;
        }
        let mut totals = vec![0; rules.rules().len()];
        for ranking in &mut self.rankings {
            let (rest, taken) = without(ranking, rules, threshold, sources);
            *ranking = rest;
            totals.iter_mut().zip(&taken).for_each(|(total, n)| *total += n);
            self.suppressed.push((ranking.report.detector, taken.iter().sum()));
        }
        self.suppression = rules.rules().iter().cloned().zip(totals).map(|(rule, subjects)| ManifestRule { rule, subjects }).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_as_it_was_and_says_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        std::fs::write(&path, "version = 1\n[[rule]]\nreason = \"backup\"\n[rule.like]\nevent_id = 4688\nimage = 'C:\\b\"x.exe'\n").unwrap();
        let rules = read_rules(&path).unwrap();
        assert_eq!(rules[0].like.values().collect::<Vec<_>>(), ["4688", "C:\\b\"x.exe"]);
        write_rules(&path, &rules, &Evidence::default()).unwrap();
        assert_eq!(read_rules(&path).unwrap(), rules);
        for (text, why) in
            [("version = 9", "version 9"), ("version = 1\n[[rule]]\nlike = {}", "everything"), ("version = 1\n[[rule]]\nlike = { hash = \"x\" }", "hash")]
        {
            std::fs::write(&path, text).unwrap();
            assert!(format!("{:#}", read_rules(&path).unwrap_err()).contains(why), "{text}");
        }
    }
}
