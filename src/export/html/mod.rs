//! Rankings as one page for people: summary, histogram and timeline as inline SVG, rows with reasons and notes, manifest.
//!
//! The page runs no script, loads nothing and says so to the browser; every text from evidence goes through [`escape::text`].

mod escape;
mod leads;
mod picture;
mod table;

use super::chapter::{Chapter, Facts};
use crate::control::{Control, RunError};
use crate::domain::{Ledger, time};
use crate::files::{AtomicFile, OutputPath};
use anyhow::Context;
use escape::text;
use std::fmt::Write as _;
use std::io::Write as _;

const STYLE: &str = include_str!("style.css");

/// Writes the page; says how many rows it shows.
///
/// # Errors
/// When the file cannot be written, or the job is cancelled.
pub fn write_html(path: &OutputPath, facts: &Facts<'_>, chapters: &[Chapter<'_>], control: &Control) -> Result<u64, RunError> {
    let mut page = String::new();
    let title = text(facts.title);
    let _ = writeln!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>{title} - Residue</title>\n<style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p class=\"lead\">What is unusual in this evidence: leads, never verdicts. Made by Residue {}. Times are UTC. Rows shown: {}.</p>",
        env!("CARGO_PKG_VERSION"),
        text(facts.part)
    );
    summary(&mut page, facts, chapters);
    if let Some(chapter) = &facts.leads {
        leads::leads(&mut page, chapter);
    }
    let mut file = AtomicFile::create(path)?;
    let mut put = |page: &mut String| -> Result<(), RunError> {
        file.write_all(page.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
        page.clear();
        Ok(())
    };
    let mut rows = 0;
    for chapter in chapters {
        let report = chapter.report;
        let _ = writeln!(page, "<h2 id=\"{0}\">{1}</h2>", report.detector.name(), text(report.detector.title()));
        picture::histogram(&mut page, chapter);
        picture::timeline(&mut page, chapter);
        table::groups(&mut page, chapter);
        put(&mut page)?;
        rows += table::rows(&mut page, chapter, control, &mut put)?;
    }
    manifest(&mut page, facts, chapters);
    page.push_str("</body></html>\n");
    put(&mut page)?;
    file.finish()?;
    Ok(rows)
}

fn summary(page: &mut String, facts: &Facts<'_>, chapters: &[Chapter<'_>]) {
    let events: u64 = facts.sources.iter().map(|s| s.events).sum();
    let evidence: Vec<&Ledger> = facts.sources.iter().filter(|s| s.events > 0).collect();
    let first = evidence.iter().filter_map(|s| s.first).min().map_or_else(|| "-".into(), second);
    let last = evidence.iter().filter_map(|s| s.last).max().map_or_else(|| "-".into(), second);
    let bad: u64 = facts.sources.iter().map(|s| s.records_bad).sum();
    let computers: std::collections::BTreeSet<&str> = evidence.iter().flat_map(|s| s.seen.iter().map(|(computer, ..)| computer.as_str())).collect();
    page.push_str("<table class=\"facts\"><caption>Summary</caption>\n");
    let named = if computers.len() <= 12 { format!(": {}", computers.iter().copied().collect::<Vec<_>>().join(", ")) } else { String::new() };
    for (name, value) in [
        ("Evidence", format!("{} sources, {events} events, {bad} records that could not be read", evidence.len())),
        ("Computers", format!("{}{named}", computers.len())),
        ("From", first),
        ("To", last),
        ("Called ordinary", format!("{} rules", facts.rules.len())),
    ] {
        let _ = writeln!(page, "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", text(&value));
    }
    page.push_str("</table>\n<table><caption>Rankings</caption><tr><th>Detector</th><th>Subjects</th><th>Above</th><th>Threshold</th><th>Flagged</th><th>Called ordinary</th><th>Ranked by</th></tr>\n");
    for chapter in chapters {
        let report = chapter.report;
        let _ = writeln!(
            page,
            "<tr><td><a href=\"#{}\">{}</a></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
            report.detector.name(),
            text(report.detector.title()),
            report.subjects.len(),
            chapter.above(),
            number(report.threshold),
            chapter.flagged(),
            chapter.suppressed,
            text(report.rank_by.title()),
        );
    }
    page.push_str("</table>\n");
}

fn manifest(page: &mut String, facts: &Facts<'_>, chapters: &[Chapter<'_>]) {
    page.push_str("<h2>Manifest</h2>\n<table class=\"facts\">\n");
    for (name, value) in super::manifest::lines(facts, chapters) {
        let _ = writeln!(page, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", text(&name), text(&value));
    }
    page.push_str("</table>\n");
}

/// A time to the second.
fn second(ns: i64) -> String {
    time::iso(ns).get(..19).map(|t| t.replace('T', " ")).unwrap_or_default()
}

/// A score with four significant digits.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    let before = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    if (-4..7).contains(&before) { format!("{value:.*}", (3 - before).clamp(0, 7) as usize) } else { format!("{value:.3e}") }
}
